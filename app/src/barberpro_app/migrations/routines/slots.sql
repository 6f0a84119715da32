-- Whether a time can be taken, and taking it.

-- Local wall time to an instant: day plus minutes since its midnight. In the hour that a change of
-- offset skips or repeats, PostgreSQL takes the offset of standard time; the app does the same.
CREATE OR REPLACE FUNCTION local_instant(p_day date, p_minutes integer, p_zone text)
RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT (p_day + make_interval(mins => p_minutes)) AT TIME ZONE p_zone
$$;

-- Why a provider cannot give a service from p_starts to p_ends at this place, or null:
-- 'holiday', 'closed' (outside hours), 'break', 'time_off', 'busy_outside' (an event of the
-- provider's own calendar), 'off_grid' (between two slots).
-- p_holidays are the public holidays near that day; the owner's overrides go before them.
CREATE OR REPLACE FUNCTION slot_problem(
    p_provider uuid, p_location location, p_starts timestamptz, p_ends timestamptz,
    p_holidays date[], p_slot_minutes integer
) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_day date := (p_starts AT TIME ZONE p_location.zone)::date;
    v_hours record;
BEGIN
    IF NOT coalesce((SELECT open FROM holiday_override WHERE day = v_day),
                    v_day <> ALL (p_holidays)) THEN
        RETURN 'holiday';
    END IF;
    SELECT h.id, local_instant(v_day, h.opens, p_location.zone) AS opens INTO v_hours
    FROM working_hours h
    WHERE h.provider_id = p_provider AND h.location_id = p_location.id
      AND h.weekday = extract(isodow FROM v_day)::integer
      AND h.valid_from <= v_day AND (h.valid_to IS NULL OR h.valid_to >= v_day)
      AND local_instant(v_day, h.opens, p_location.zone) <= p_starts
      AND local_instant(v_day, h.closes, p_location.zone) >= p_ends;
    IF NOT FOUND THEN
        RETURN 'closed';
    END IF;
    IF EXISTS (SELECT FROM break_time t WHERE t.working_hours_id = v_hours.id
               AND local_instant(v_day, t.starts, p_location.zone) < p_ends
               AND local_instant(v_day, t.ends, p_location.zone) > p_starts) THEN
        RETURN 'break';
    END IF;
    IF EXISTS (SELECT FROM time_off t WHERE t.provider_id = p_provider
               AND t.period && tstzrange(p_starts, p_ends))
       OR EXISTS (SELECT FROM time_off t WHERE t.location_id = p_location.id
               AND t.period && tstzrange(p_starts, p_ends)) THEN
        RETURN 'time_off';
    END IF;
    IF busy_outside(p_provider, p_starts, p_ends) THEN
        RETURN 'busy_outside';
    END IF;
    IF mod(extract(epoch FROM p_starts - v_hours.opens), p_slot_minutes * 60) <> 0 THEN
        RETURN 'off_grid';
    END IF;
    RETURN NULL;
END $$;

-- Refuses a start that the business does not take from clients.
CREATE OR REPLACE FUNCTION check_start(p_starts timestamptz, p_zone text, p_policies jsonb)
RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF p_starts < now() + make_interval(mins => (p_policies->>'minimum_notice_minutes')::integer)
    THEN
        PERFORM refuse('too_soon', 'This starts sooner than the notice that is needed.',
                       'starts_at');
    END IF;
    IF (p_starts AT TIME ZONE p_zone)::date
       > (now() AT TIME ZONE p_zone)::date + (p_policies->>'booking_window_days')::integer
    THEN
        PERFORM refuse('too_far', 'This is further ahead than bookings are taken.', 'starts_at');
    END IF;
END $$;

-- One at a time per resource and four hours. Without it two inserts that exclude each other could
-- wait for each other; the exclusion constraint still decides.
CREATE OR REPLACE FUNCTION slot_lock(p_resource uuid, p_period tstzrange) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR v_bucket IN floor(extract(epoch FROM lower(p_period)) / 14400)::integer
                 .. floor(extract(epoch FROM upper(p_period)) / 14400)::integer LOOP
        PERFORM pg_advisory_xact_lock(hashtext(p_resource::text), v_bucket);
    END LOOP;
END $$;

-- Locks the time and frees it of holds that have expired. Order of locks everywhere: idempotency
-- key, booking, time, stale holds (a stale hold is a booking that nobody moves: only confirm,
-- extend and cancel lock one, and they wait for no time).
CREATE OR REPLACE FUNCTION slot_prepare(p_resource uuid, p_period tstzrange) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_id uuid;
BEGIN
    PERFORM slot_lock(p_resource, p_period);
    FOR v_id IN
        SELECT b.id FROM occupancy o JOIN booking b ON b.id = o.booking_id
        WHERE o.resource_id = p_resource AND o.period && p_period AND o.active
          AND o.expires_at <= now()
        ORDER BY b.id FOR NO KEY UPDATE OF b
    LOOP
        PERFORM expire_hold(v_id);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION expire_hold(p_id uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    b booking;
BEGIN
    SELECT * INTO b FROM booking WHERE id = p_id AND status IN ('held', 'requested')
        AND hold_expires_at <= now() FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE booking SET status = 'expired', hold_expires_at = NULL, version = version + 1,
                       updated_at = now()
    WHERE id = p_id;
    UPDATE occupancy SET active = false WHERE booking_id = p_id;
    IF b.status = 'requested' OR b.approved_at IS NOT NULL THEN
        PERFORM tell_of_lapse(b);
    END IF;
    RETURN true;
END $$;

-- All holds whose time is over; what another transaction is busy with is left for the next call.
CREATE OR REPLACE FUNCTION expire_holds(p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_id uuid;
    v_count integer := 0;
BEGIN
    FOR v_id IN SELECT id FROM booking WHERE status IN ('held', 'requested') AND hold_expires_at <= now()
                ORDER BY id LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED LOOP
        IF expire_hold(v_id) THEN
            v_count := v_count + 1;
        END IF;
    END LOOP;
    RETURN v_count;
END $$;
