-- Providers' own calendars: what is busy outside, what of ours is written there, where they disagree.

-- Whether an event of the provider's own calendar lies there.
CREATE OR REPLACE FUNCTION busy_outside(p_provider uuid, p_starts timestamptz, p_ends timestamptz)
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM busy_time t WHERE t.provider_id = p_provider AND NOT t.ignored
                   AND t.period && tstzrange(p_starts, p_ends));
END $$;

-- What of ours stands in a provider's calendar; `live` is false once it should not any more. A group's
-- session stands there once, with its seats, and not each booking in it.
CREATE OR REPLACE VIEW calendar_entry AS
SELECT b.id AS subject_id, b.provider_id, b.starts_at, b.ends_at, b.code,
       b.session_id IS NULL AND b.status IN ('confirmed', 'arrived', 'completed', 'no_show') AS live,
       b.version, b.updated_at, s.name AS service, l.name AS location, l.address,
       coalesce(b.contact->>'name', c.name, '') AS client,
       coalesce(b.contact->>'phone', c.phone, '') AS phone,
       NULL::integer AS capacity, NULL::integer AS taken
FROM booking b
JOIN service s ON s.id = b.service_id
JOIN location l ON l.id = b.location_id
LEFT JOIN client c ON c.id = b.client_id
UNION ALL
SELECT g.id, g.provider_id, g.starts_at, g.ends_at, '', g.state = 'scheduled',
       g.version, greatest(g.updated_at, t.changed_at), s.name, l.name, l.address, '', '',
       g.capacity, t.seats
FROM group_session g
JOIN service s ON s.id = g.service_id
JOIN location l ON l.id = g.location_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(b.seats) FILTER (WHERE b.status
               IN ('confirmed', 'arrived', 'completed', 'no_show')), 0)::integer AS seats,
           max(b.updated_at) AS changed_at
    FROM booking b WHERE b.session_id = g.id) t;

-- Has the calendars of a subject brought up to date: those that show it, and the provider's.
CREATE OR REPLACE FUNCTION calendar_touch(p_subject uuid, p_provider uuid, p_live boolean)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE calendar_mirror SET wanted = wanted + 1, state = 'pending', attempts = 0,
        next_attempt_at = now(), last_error = NULL, changed_at = now()
    WHERE subject_id = p_subject;
    IF p_live THEN
        INSERT INTO calendar_mirror (subject_id, connection_id)
        SELECT p_subject, id FROM calendar_connection
        WHERE provider_id = p_provider AND state IN ('active', 'refused') AND writes
        ON CONFLICT DO NOTHING;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION booking_to_calendars() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM calendar_touch(OLD.id, OLD.provider_id, false);
    ELSIF NEW.session_id IS NOT NULL THEN
        PERFORM calendar_touch(NEW.session_id, NEW.provider_id, false);
        IF TG_OP = 'UPDATE' AND OLD.session_id <> NEW.session_id THEN
            PERFORM calendar_touch(OLD.session_id, OLD.provider_id, false);
        END IF;
    ELSIF NEW.status NOT IN ('held', 'requested', 'expired') THEN
        PERFORM calendar_touch(NEW.id, NEW.provider_id,
            NEW.status IN ('confirmed', 'arrived', 'completed', 'no_show'));
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER booking_to_calendars_changed
    AFTER INSERT OR UPDATE OF status, provider_id, service_id, client_id, starts_at, ends_at, session_id
    ON booking FOR EACH ROW EXECUTE FUNCTION booking_to_calendars();
CREATE OR REPLACE TRIGGER booking_to_calendars_gone
    AFTER DELETE ON booking FOR EACH ROW EXECUTE FUNCTION booking_to_calendars();

CREATE OR REPLACE FUNCTION session_to_calendars() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM calendar_touch(OLD.id, OLD.provider_id, false);
    ELSE
        PERFORM calendar_touch(NEW.id, NEW.provider_id, NEW.state = 'scheduled');
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER session_to_calendars_changed
    AFTER INSERT OR DELETE OR UPDATE OF state, provider_id, service_id, starts_at, ends_at, capacity
    ON group_session FOR EACH ROW EXECUTE FUNCTION session_to_calendars();

-- What a connection that begins has to write: everything from yesterday on.
CREATE OR REPLACE FUNCTION calendar_fill(p_connection uuid) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_count integer;
BEGIN
    INSERT INTO calendar_mirror (subject_id, connection_id)
    SELECT e.subject_id, k.id FROM calendar_connection k
    JOIN calendar_entry e ON e.provider_id = k.provider_id
    WHERE k.id = p_connection AND k.writes AND e.live AND e.starts_at > now() - interval '1 day'
    ON CONFLICT (subject_id, connection_id) DO UPDATE SET wanted = calendar_mirror.wanted + 1,
        state = 'pending', attempts = 0, next_attempt_at = now(), changed_at = now();
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;

-- Replaces what an outside object keeps busy; what the provider said to ignore stays ignored.
CREATE OR REPLACE FUNCTION busy_replace(p_connection uuid, p_source text, p_uid text, p_periods tstzrange[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM busy_time WHERE connection_id = p_connection AND source = p_source
        AND period <> ALL (p_periods);
    INSERT INTO busy_time (provider_id, connection_id, source, uid, period)
    SELECT k.provider_id, k.id, p_source, p_uid, p
    FROM calendar_connection k, unnest(p_periods) p
    WHERE k.id = p_connection AND k.blocks
    ON CONFLICT (connection_id, source, period) DO NOTHING;
END $$;

-- Notes each outside event that lies on a booking to come, once, and closes what is over: the booking
-- or the event has moved away. A booking made while an event came in is found at the next look.
-- Answer: how many conflicts are new.
CREATE OR REPLACE FUNCTION calendar_find_conflicts() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    c_longest CONSTANT interval := interval '12 hours'; -- of a service
    v_count integer;
BEGIN
    INSERT INTO calendar_conflict AS c (kind, subject_id, provider_id, connection_id, source, period)
    SELECT 'overlap', e.subject_id, t.provider_id, t.connection_id, t.source, t.period
    FROM busy_time t
    JOIN calendar_entry e ON e.provider_id = t.provider_id AND e.live AND e.ends_at > now()
        AND e.starts_at < upper(t.period) AND e.starts_at > lower(t.period) - c_longest
        AND e.ends_at > lower(t.period)
    WHERE NOT t.ignored AND upper(t.period) > now()
    ON CONFLICT (kind, subject_id, connection_id, source, period)
        DO UPDATE SET state = 'open', found_at = now(), decided_at = NULL WHERE c.state = 'gone';
    GET DIAGNOSTICS v_count = ROW_COUNT;
    UPDATE calendar_conflict c SET state = 'gone' WHERE c.state = 'open' AND (
        NOT EXISTS (SELECT FROM calendar_entry e WHERE e.subject_id = c.subject_id AND e.live
                    AND e.provider_id = c.provider_id AND e.ends_at > now()
                    AND (c.kind <> 'overlap' OR tstzrange(e.starts_at, e.ends_at) && c.period))
        OR (c.kind = 'overlap' AND NOT EXISTS (SELECT FROM busy_time t
            WHERE t.connection_id = c.connection_id AND t.source = c.source AND t.period = c.period
            AND NOT t.ignored)));
    RETURN v_count;
END $$;

-- 'kept': the booking stands and is to be seen in the calendar as it is; the event there stands, too.
-- 'dismissed': the outside event does not count any more, or our event may stay as it was left there.
CREATE OR REPLACE FUNCTION calendar_decide(p_conflict uuid, p_decision text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    c calendar_conflict;
BEGIN
    UPDATE calendar_conflict SET state = p_decision, decided_at = now()
    WHERE id = p_conflict AND state = 'open' RETURNING * INTO c;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF c.kind = 'overlap' AND p_decision = 'dismissed' THEN
        UPDATE busy_time SET ignored = true WHERE connection_id = c.connection_id
            AND source = c.source AND period = c.period;
        UPDATE calendar_conflict SET state = 'gone' WHERE state = 'open' AND kind = 'overlap'
            AND connection_id = c.connection_id AND source = c.source AND period = c.period;
    ELSIF c.kind <> 'overlap' AND p_decision = 'kept' THEN
        UPDATE calendar_mirror SET wanted = wanted + 1, state = 'pending', attempts = 0,
            next_attempt_at = now(), changed_at = now()
        WHERE subject_id = c.subject_id AND connection_id = c.connection_id;
    END IF;
END $$;
