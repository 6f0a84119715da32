-- Classes of a gym: sessions made from the timetable, late cancelling, and who owes.

-- The owner's rules. They hold from when the service is set up (the row is there): how many weeks
-- ahead sessions are made; from how many hours before a class cancelling is late (null: the general
-- rule of the business holds), whether that costs credit and deposit, whether it counts as missed; and
-- whether who owes books nothing, after so many days.
CREATE OR REPLACE FUNCTION class_rules() RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT '{"weeks_ahead": 5, "late_hours": null, "late_charges": true, "late_counts": true,
             "block_overdue": false, "grace_days": 5}'::jsonb
           || coalesce((SELECT value FROM settings_value WHERE key = 'classes'), '{}')
$$;

-- Whether cancelling a booking now is late; null if it is no class, or the general rule holds. What
-- costs something is done only for who knows it: the request says accept_late.
CREATE OR REPLACE FUNCTION class_cancelled_late(b booking, p_request jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_rules jsonb;
    v_late boolean;
BEGIN
    IF b.session_id IS NULL THEN
        RETURN NULL;
    END IF;
    v_rules := class_rules();
    v_late := b.starts_at < now() + make_interval(hours => (v_rules->>'late_hours')::integer);
    IF v_late AND b.starts_at <= now() THEN
        PERFORM refuse('too_late_to_cancel', 'It is too late to cancel this booking.');
    ELSIF v_late AND NOT coalesce((p_request->>'accept_late')::boolean, false)
          AND ((v_rules->>'late_charges')::boolean OR (v_rules->>'late_counts')::boolean) THEN
        PERFORM refuse('late_cancel_costs',
            'Cancelling this class now costs its credit or deposit, or counts as missed.',
            'accept_late');
    END IF;
    RETURN v_late;
END $$;

-- What a client owes for longer than the owner waits: money for bookings that were, or the period of a
-- membership that goes on. Null if nothing.
CREATE OR REPLACE FUNCTION client_overdue(p_client uuid) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_rules CONSTANT jsonb := class_rules();
    v_before CONSTANT timestamptz := now() - make_interval(days => (v_rules->>'grace_days')::integer);
BEGIN
    IF p_client IS NULL OR NOT (v_rules->>'block_overdue')::boolean THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM booking_account a JOIN booking b ON b.id = a.booking_id
               WHERE b.client_id = p_client AND a.gross - a.adjusted > a.paid
                 AND b.ends_at < v_before) THEN
        RETURN 'balance';
    END IF;
    IF EXISTS (SELECT FROM pass s WHERE s.client_id = p_client AND s.kind = 'membership'
               AND s.ended_at IS NULL
               AND EXISTS (SELECT FROM pass_period x WHERE x.pass_id = s.id
                           AND x.state <> 'refunded')
               AND NOT EXISTS (SELECT FROM pass_period x WHERE x.pass_id = s.id
                               AND x.ends_at >= v_before))
       AND NOT EXISTS (SELECT FROM pass s JOIN pass_period x ON x.pass_id = s.id
                       WHERE s.client_id = p_client AND x.state = 'open' AND x.ends_at > now()) THEN
        RETURN 'membership';
    END IF;
    RETURN NULL;
END $$;

-- Who owes books with the team alone. A signed-in client learns it at once, others when it is known
-- who they are.
CREATE OR REPLACE FUNCTION booking_overdue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.source NOT IN ('staff', 'system', 'api')
       AND client_overdue(coalesce(NEW.client_id, CASE WHEN NEW.source = 'client'
                                   AND NEW.held_by <> '' THEN NEW.held_by::uuid END)) IS NOT NULL THEN
        PERFORM refuse('payment_overdue', 'A payment is overdue; booking is open again once it is paid.');
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER booking_overdue BEFORE INSERT ON booking
    FOR EACH ROW EXECUTE FUNCTION booking_overdue();
CREATE OR REPLACE TRIGGER booking_overdue_named BEFORE UPDATE OF client_id ON booking
    FOR EACH ROW WHEN (OLD.client_id IS NULL AND NEW.client_id IS NOT NULL)
    EXECUTE FUNCTION booking_overdue();

-- Makes the sessions of one rule up to a day that are not there yet; how many. Where a day stands in
-- the way its reason is kept, and it is tried again. What was made once is never made again.
CREATE OR REPLACE FUNCTION class_sessions_make(p_rule uuid, p_until date, p_holidays date[])
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    c_actor CONSTANT jsonb := '{"kind": "system", "id": "", "name": "timetable"}';
    r class_rule;
    l location;
    g group_session;
    v_day date;
    v_starts timestamptz;
    v_minutes integer;
    v_why text;
    v_count integer := 0;
BEGIN
    SELECT * INTO r FROM class_rule WHERE id = p_rule AND ended_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    SELECT * INTO l FROM location WHERE id = r.location_id;
    SELECT coalesce(r.minutes, ps.minutes, s.minutes) INTO v_minutes FROM service s
    LEFT JOIN provider_service ps ON ps.service_id = s.id AND ps.provider_id = r.provider_id
    WHERE s.id = r.service_id;
    FOR v_day IN
        SELECT d::date FROM generate_series(
            greatest((now() AT TIME ZONE l.zone)::date, r.valid_from)::timestamp,
            least(p_until, r.valid_to)::timestamp, interval '1 day') d
        WHERE extract(isodow FROM d) = r.weekday
          AND NOT EXISTS (SELECT FROM class_day k WHERE k.rule_id = r.id AND k.day = d::date
                          AND k.session_id IS NOT NULL)
    LOOP
        v_starts := local_instant(v_day, r.starts, l.zone);
        CONTINUE WHEN v_starts <= now();
        g := NULL;
        v_why := session_problem(r.provider_id, l, v_starts,
            v_starts + make_interval(mins => v_minutes), p_holidays);
        IF v_why IS NULL THEN
            BEGIN
                g := session_add(jsonb_strip_nulls(jsonb_build_object(
                    'service_id', r.service_id, 'provider_id', r.provider_id,
                    'location_id', r.location_id, 'starts_at', v_starts, 'minutes', v_minutes,
                    'capacity', r.capacity, 'place', r.place, 'override_reason', 'timetable')));
                PERFORM audit_record(c_actor, 'session.created', 'session', g.id::text,
                    session_facts(session_body(g.id), '{}') || jsonb_build_object('class', r.id));
                v_count := v_count + 1;
            EXCEPTION
                WHEN exclusion_violation THEN v_why := 'taken';
                WHEN SQLSTATE 'BP001' THEN v_why := SQLERRM;
            END;
        END IF;
        INSERT INTO class_day AS k (rule_id, day, session_id, session_version, skipped)
        VALUES (r.id, v_day, g.id, g.version, v_why)
        ON CONFLICT (rule_id, day) DO UPDATE SET session_id = excluded.session_id,
            session_version = excluded.session_version, skipped = excluded.skipped,
            looked_at = now();
    END LOOP;
    RETURN v_count;
END $$;

CREATE OR REPLACE FUNCTION class_check(r class_rule) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM location WHERE id = r.location_id AND active) THEN
        PERFORM refuse('not_found', 'There is no such location.', 'location_id');
    ELSIF NOT EXISTS (SELECT FROM service WHERE id = r.service_id AND active) THEN
        PERFORM refuse('not_found', 'There is no such service.', 'service_id');
    ELSIF EXISTS (SELECT FROM service WHERE id = r.service_id AND capacity = 1) THEN
        PERFORM refuse('not_a_group', 'This service is given to one client at a time.', 'service_id');
    ELSIF NOT EXISTS (SELECT FROM provider p
            JOIN provider_service ps ON ps.provider_id = p.id AND ps.service_id = r.service_id
            JOIN provider_location pl ON pl.provider_id = p.id AND pl.location_id = r.location_id
            WHERE p.id = r.provider_id AND p.active) THEN
        PERFORM refuse('not_offered', 'This provider does not give this service here.',
                       'provider_id');
    END IF;
END $$;

CREATE OR REPLACE VIEW class_document AS
SELECT r.id, r.weekday, r.starts, r.ended_at, jsonb_build_object(
    'id', r.id, 'weekday', r.weekday, 'minutes', r.minutes,
    'starts', to_char(make_interval(mins => r.starts), 'HH24:MI'),
    'capacity', r.capacity, 'place', r.place, 'valid_from', r.valid_from, 'valid_to', r.valid_to,
    'ended_at', r.ended_at, 'version', r.version,
    'service', jsonb_build_object('id', s.id, 'name', s.name,
        'minutes', coalesce(r.minutes, ps.minutes, s.minutes)),
    'seats', coalesce(r.capacity, s.capacity),
    'provider', jsonb_build_object('id', p.id, 'name', p.name),
    'location', jsonb_build_object('id', l.id, 'name', l.name),
    'coming', (SELECT count(*) FROM class_day k JOIN group_session g ON g.id = k.session_id
               WHERE k.rule_id = r.id AND g.state = 'scheduled' AND g.starts_at > now()),
    'booked', (SELECT count(*) FROM class_day k JOIN group_session g ON g.id = k.session_id
               JOIN booking b ON b.session_id = g.id AND takes_seats(b.status)
               WHERE k.rule_id = r.id AND g.state = 'scheduled' AND g.starts_at > now()),
    'skipped', coalesce((SELECT jsonb_agg(jsonb_build_object('day', k.day, 'why', k.skipped)
                ORDER BY k.day) FROM class_day k WHERE k.rule_id = r.id AND k.skipped IS NOT NULL
                AND k.day >= (now() AT TIME ZONE l.zone)::date), '[]')) AS document
FROM class_rule r
JOIN service s ON s.id = r.service_id
JOIN provider p ON p.id = r.provider_id
JOIN location l ON l.id = r.location_id
LEFT JOIN provider_service ps ON ps.provider_id = r.provider_id AND ps.service_id = r.service_id;

CREATE OR REPLACE FUNCTION class_body(p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT document FROM class_document WHERE id = p_id);
END $$;

CREATE OR REPLACE FUNCTION class_create(p_actor jsonb, p_request jsonb, p_key jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    v_answer jsonb := idempotency_begin(p_key);
    r class_rule;
BEGIN
    IF v_answer IS NOT NULL THEN
        RETURN v_answer;
    END IF;
    r := jsonb_populate_record(NULL::class_rule, p_request);
    PERFORM class_check(r);
    INSERT INTO class_rule (service_id, provider_id, location_id, weekday, starts, minutes, capacity,
                            place, valid_from, valid_to)
    VALUES (r.service_id, r.provider_id, r.location_id, r.weekday, r.starts, r.minutes, r.capacity,
            coalesce(r.place, ''), r.valid_from, r.valid_to)
    RETURNING * INTO r;
    PERFORM class_sessions_make(r.id, (p_request->>'until')::date,
        ARRAY(SELECT jsonb_array_elements_text(p_request->'holidays'))::date[]);
    PERFORM audit_record(p_actor, 'class.created', 'class', r.id::text,
        p_request - 'holidays' - 'until');
    RETURN idempotency_end(p_key, 201, class_body(r.id));
END $$;

CREATE OR REPLACE FUNCTION class_lock(p_id uuid, p_version integer) RETURNS class_rule
LANGUAGE plpgsql AS $$
DECLARE
    r class_rule;
BEGIN
    SELECT * INTO r FROM class_rule WHERE id = p_id FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM refuse('not_found', 'There is no such class.');
    ELSIF r.version <> p_version THEN
        PERFORM refuse('stale_version', 'Somebody else changed this class meanwhile.', 'version');
    ELSIF r.ended_at IS NOT NULL THEN
        PERFORM refuse('not_changeable', 'This class has ended.');
    END IF;
    RETURN r;
END $$;

-- A class as it shall be from now on: {version, all its fields, apply}. Sessions on days that it does
-- not have any more are cancelled; with `apply` those that nobody changed by hand follow it, who is
-- booked moves along and is told. One that cannot (its new time is taken) stays where it is.
CREATE OR REPLACE FUNCTION class_change(
    p_actor jsonb, p_policies jsonb, p_id uuid, p_request jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_was class_rule;
    r class_rule;
    k record;
BEGIN
    -- as session_cancel: one at a time
    PERFORM pg_advisory_xact_lock(7311);
    v_was := class_lock(p_id, (p_request->>'version')::integer);
    r := jsonb_populate_record(v_was, p_request - 'version');
    PERFORM class_check(r);
    IF r.location_id <> v_was.location_id OR r.service_id <> v_was.service_id THEN
        PERFORM refuse('not_changeable', 'Another service or place is another class.', 'service_id');
    END IF;
    UPDATE class_rule SET provider_id = r.provider_id, weekday = r.weekday, starts = r.starts,
        minutes = r.minutes, capacity = r.capacity, place = coalesce(r.place, ''),
        valid_from = r.valid_from, valid_to = r.valid_to, version = version + 1, updated_at = now()
    WHERE id = p_id;
    PERFORM class_series_follow(p_actor, v_was, r);
    DELETE FROM class_day WHERE rule_id = p_id AND skipped IS NOT NULL;
    FOR k IN SELECT d.day, d.session_version, g.id, g.version, g.zone
             FROM class_day d JOIN group_session g ON g.id = d.session_id
             WHERE d.rule_id = p_id AND g.state = 'scheduled' AND g.starts_at > now()
             ORDER BY g.starts_at LOOP
        IF k.day < r.valid_from OR k.day > coalesce(r.valid_to, k.day) THEN
            PERFORM class_session_cancel(p_actor, p_policies, k.id, p_request->>'reason');
        ELSIF (p_request->>'apply')::boolean AND k.version = k.session_version THEN
            PERFORM class_session_follow(p_actor, r, k.id, k.day, k.day + r.weekday - v_was.weekday,
                                         p_request->'holidays');
        END IF;
    END LOOP;
    PERFORM class_sessions_make(p_id, (p_request->>'until')::date,
        ARRAY(SELECT jsonb_array_elements_text(p_request->'holidays'))::date[]);
    PERFORM audit_record(p_actor, 'class.changed', 'class', p_id::text,
        p_request - 'holidays' - 'until' - 'version');
    RETURN jsonb_build_object('status', 200, 'body', class_body(p_id), 'replayed', false);
END $$;

-- Series of seats in a class that gets another weekday, hour or teacher: their days that are still to be
-- planned or had no session follow it, as their seats that are taken do with the sessions. Of several
-- classes of one service at one time only those whose seats are in this one's sessions. Before the sessions
-- are locked, as a series is that is moved.
CREATE OR REPLACE FUNCTION class_series_follow(p_actor jsonb, p_was class_rule, r class_rule)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s series;
    v_days CONSTANT integer := r.weekday - p_was.weekday;
BEGIN
    IF (r.weekday, r.starts, r.provider_id) = (p_was.weekday, p_was.starts, p_was.provider_id) THEN
        RETURN;
    END IF;
    FOR s IN SELECT y.* FROM series y
             WHERE y.service_id = p_was.service_id AND y.location_id = p_was.location_id
               AND y.lines IS NULL AND y.state <> 'ended' AND y.minute = p_was.starts
               AND extract(isodow FROM y.first_day) = p_was.weekday
               AND (EXISTS (SELECT FROM booking b JOIN class_day d ON d.session_id = b.session_id
                            WHERE b.series_id = y.id AND d.rule_id = r.id AND b.starts_at > now())
                    OR NOT EXISTS (SELECT FROM class_rule o WHERE o.id <> r.id AND o.ended_at IS NULL
                        AND (o.service_id, o.location_id, o.weekday, o.starts)
                            = (p_was.service_id, p_was.location_id, p_was.weekday, p_was.starts)))
             ORDER BY y.id FOR UPDATE LOOP
        UPDATE series SET first_day = first_day + v_days, until = until + v_days, minute = r.starts,
            provider_id = CASE WHEN provider_id = p_was.provider_id THEN r.provider_id ELSE provider_id END,
            version = version + 1, updated_at = now() WHERE id = s.id;
        UPDATE series_part SET planned_on = planned_on + v_days WHERE series_id = s.id
            AND problem = 'no_session' AND planned_on > (now() AT TIME ZONE s.zone)::date;
        PERFORM audit_record(p_actor, 'series.moved', 'series', s.id::text,
            jsonb_build_object('class', r.id, 'days', v_days, 'minute', r.starts));
    END LOOP;
END $$;

-- Somebody may have come to it already: then it stays.
CREATE OR REPLACE FUNCTION class_session_cancel(
    p_actor jsonb, p_policies jsonb, p_session uuid, p_reason text
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM session_cancel(p_actor, p_policies, p_session,
                           jsonb_build_object('reason', coalesce(p_reason, '')));
EXCEPTION WHEN SQLSTATE 'BP001' THEN
    IF SQLERRM <> 'not_changeable' THEN
        RAISE;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION class_session_follow(
    p_actor jsonb, r class_rule, p_session uuid, p_day date, p_new_day date, p_holidays jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    g group_session;
    s service;
    v_starts timestamptz;
    v_minutes integer;
BEGIN
    SELECT * INTO g FROM group_session WHERE id = p_session;
    SELECT * INTO s FROM service WHERE id = r.service_id;
    v_starts := local_instant(p_new_day, r.starts, g.zone);
    v_minutes := coalesce(r.minutes, (SELECT minutes FROM provider_service
        WHERE provider_id = r.provider_id AND service_id = r.service_id), s.minutes);
    IF (g.starts_at, g.ends_at, g.provider_id, g.capacity, g.place) IS DISTINCT FROM
       (v_starts, v_starts + make_interval(mins => v_minutes), r.provider_id,
        coalesce(r.capacity, s.capacity), r.place) THEN
        PERFORM session_change(p_actor, p_session, jsonb_build_object(
            'starts_at', v_starts, 'minutes', v_minutes, 'provider_id', r.provider_id,
            'capacity', coalesce(r.capacity, s.capacity), 'place', r.place,
            'holidays', p_holidays));
        UPDATE class_day SET day = p_new_day, session_version = session_version + 1
        WHERE rule_id = r.id AND day = p_day;
    END IF;
EXCEPTION
    -- its new time or day is taken: it stays
    WHEN exclusion_violation OR unique_violation THEN
        NULL;
    WHEN SQLSTATE 'BP001' THEN
        -- so does one of a closed day, of a time that is over, with more seats taken than there would be
        IF SQLERRM NOT IN ('slot_unavailable', 'too_soon', 'capacity_below_taken', 'not_changeable') THEN
            RAISE;
        END IF;
END $$;

-- Ends a class: its sessions to come are cancelled with their bookings, which are told.
CREATE OR REPLACE FUNCTION class_end(p_actor jsonb, p_policies jsonb, p_id uuid, p_request jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_session uuid;
BEGIN
    PERFORM pg_advisory_xact_lock(7311);
    PERFORM class_lock(p_id, (p_request->>'version')::integer);
    UPDATE class_rule SET ended_at = now(), version = version + 1, updated_at = now()
    WHERE id = p_id;
    FOR v_session IN SELECT g.id FROM class_day d JOIN group_session g ON g.id = d.session_id
                     WHERE d.rule_id = p_id AND g.state = 'scheduled' AND g.starts_at > now()
                     ORDER BY g.starts_at LOOP
        PERFORM class_session_cancel(p_actor, p_policies, v_session, p_request->>'reason');
    END LOOP;
    PERFORM audit_record(p_actor, 'class.ended', 'class', p_id::text, '{}');
    RETURN jsonb_build_object('status', 200, 'body', class_body(p_id), 'replayed', false);
END $$;
