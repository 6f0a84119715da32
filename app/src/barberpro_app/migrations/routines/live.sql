-- Telling open pages that something of a provider's days changed: heard by `LISTEN agenda` when the
-- transaction commits. No personal data, and not what changed: who looks fetches the page anew.

CREATE OR REPLACE FUNCTION agenda_told(p_kind text, p_provider uuid, p_first date, p_last date)
RETURNS void LANGUAGE sql AS $$
    SELECT pg_notify('agenda', json_build_object(
        'kind', p_kind, 'provider', p_provider, 'first', p_first, 'last', p_last)::text)
$$;

CREATE OR REPLACE FUNCTION booking_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM agenda_told('booking', OLD.provider_id, (OLD.starts_at AT TIME ZONE OLD.zone)::date,
                            (OLD.ends_at AT TIME ZONE OLD.zone)::date);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM agenda_told('booking', NEW.provider_id, (NEW.starts_at AT TIME ZONE NEW.zone)::date,
                            (NEW.ends_at AT TIME ZONE NEW.zone)::date);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER booking_told AFTER INSERT OR UPDATE OR DELETE ON booking
    FOR EACH ROW EXECUTE FUNCTION booking_told();

-- Anything with `provider_id` and a `period`, which may be of many zones: a day more on either side.
CREATE OR REPLACE FUNCTION period_told() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_row CONSTANT jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
    v_period CONSTANT tstzrange := (v_row->>'period')::tstzrange;
BEGIN
    PERFORM agenda_told(TG_TABLE_NAME, (v_row->>'provider_id')::uuid,
                        (lower(v_period) AT TIME ZONE 'UTC')::date - 1,
                        (upper(v_period) AT TIME ZONE 'UTC')::date + 1);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER time_off_told AFTER INSERT OR UPDATE OR DELETE ON time_off
    FOR EACH ROW EXECUTE FUNCTION period_told();
CREATE OR REPLACE TRIGGER busy_time_told AFTER INSERT OR UPDATE OR DELETE ON busy_time
    FOR EACH ROW EXECUTE FUNCTION period_told();
CREATE OR REPLACE TRIGGER calendar_conflict_told AFTER INSERT OR UPDATE OR DELETE ON calendar_conflict
    FOR EACH ROW EXECUTE FUNCTION period_told();

-- Hours, pauses, days that the owner opens or closes: any day of anybody may be different.
CREATE OR REPLACE FUNCTION hours_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM agenda_told('hours', NULL, NULL, NULL);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER working_hours_told AFTER INSERT OR UPDATE OR DELETE ON working_hours
    FOR EACH STATEMENT EXECUTE FUNCTION hours_told();
CREATE OR REPLACE TRIGGER break_time_told AFTER INSERT OR UPDATE OR DELETE ON break_time
    FOR EACH STATEMENT EXECUTE FUNCTION hours_told();
CREATE OR REPLACE TRIGGER holiday_override_told AFTER INSERT OR UPDATE OR DELETE ON holiday_override
    FOR EACH STATEMENT EXECUTE FUNCTION hours_told();

-- What waits for the team, on whatever day the page shows: who walks in, a message that did not leave, a
-- request about data, a withdrawal. Visitors do not hear of these (`live/hub.py`).
CREATE OR REPLACE FUNCTION desk_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM agenda_told(TG_ARGV[0], NULL, NULL, NULL);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER walk_in_told AFTER INSERT OR UPDATE OR DELETE ON walk_in
    FOR EACH ROW EXECUTE FUNCTION desk_told('walk_in');
CREATE OR REPLACE TRIGGER message_failed_told AFTER UPDATE OF state ON message
    FOR EACH ROW WHEN (OLD.state <> NEW.state AND 'failed' IN (OLD.state, NEW.state))
    EXECUTE FUNCTION desk_told('message');
CREATE OR REPLACE TRIGGER data_request_told AFTER INSERT OR UPDATE OF state ON data_request
    FOR EACH ROW EXECUTE FUNCTION desk_told('request');
CREATE OR REPLACE TRIGGER withdrawal_told AFTER INSERT OR UPDATE OF answered_at ON withdrawal_request
    FOR EACH ROW EXECUTE FUNCTION desk_told('request');
