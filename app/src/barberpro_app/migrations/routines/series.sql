-- The same booking every so many weeks. A series begins with a booking that is there; the others are
-- made in the same transaction as far as bookings are taken ahead, the rest by a job as time passes.
-- Of a visit all services are repeated: each day has a visit, of which one booking stands for all.
-- Order of locks: the series, then its visits and bookings and their times.

-- The owner's rules: whether the deposit is asked for with the first booking or with each, and how many
-- hours before its start a booking has to have it.
CREATE OR REPLACE FUNCTION series_rules() RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT '{"deposit": "first", "pay_hours": 48}'::jsonb
           || coalesce((SELECT value FROM settings_value WHERE key = 'series'), '{}')
$$;

CREATE OR REPLACE FUNCTION series_day(s series, p_number integer) RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT s.first_day + p_number * 7 * s.every_weeks
$$;

-- Whether a number is still within what was asked for.
CREATE OR REPLACE FUNCTION series_reaches(s series, p_number integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT (s.count IS NULL OR p_number < s.count)
       AND (s.until IS NULL OR series_day(s, p_number) <= s.until)
$$;

CREATE OR REPLACE FUNCTION series_visible(p_actor jsonb, s series) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT booking_visible(p_actor, s.client_id, s.provider_id, '')
$$;

-- The booking that stands for the visit that one is of, or that one.
CREATE OR REPLACE FUNCTION series_lead(b booking) RETURNS uuid LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN CASE WHEN b.visit_id IS NULL THEN b.id ELSE visit_lead(b.visit_id) END;
END $$;

CREATE OR REPLACE FUNCTION series_lock(p_actor jsonb, p_id uuid, p_version integer) RETURNS series
LANGUAGE plpgsql AS $$
DECLARE
    s series;
BEGIN
    SELECT * INTO s FROM series WHERE id = p_id FOR UPDATE;
    IF NOT FOUND OR NOT series_visible(p_actor, s) THEN
        PERFORM refuse('not_found', 'There is no such series.');
    END IF;
    IF s.version <> p_version THEN
        PERFORM refuse('stale_version', 'Somebody else changed this meanwhile.', 'version');
    END IF;
    RETURN s;
END $$;

-- The code of a refusal, and of a time that is not offered the reason.
CREATE OR REPLACE FUNCTION series_problem(p_state text, p_code text, p_detail text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_state = '23P01' OR p_code = 'slot_taken' THEN 'taken'
                WHEN p_code = 'slot_unavailable' THEN coalesce(substring(p_detail FROM ': (\w+)\.$'), p_code)
                ELSE left(p_code, 60) END
$$;

-- Makes one booking of a series on a day; the problem if it cannot be. Nothing is left of a failure.
CREATE OR REPLACE FUNCTION series_book(
    p_actor jsonb, p_policies jsonb, s series, p_day date, p_holidays jsonb,
    OUT booking_id uuid, OUT problem text
) LANGUAGE plpgsql AS $$
DECLARE
    d booking;
    v_starts CONSTANT timestamptz := local_instant(p_day, s.minute, s.zone);
    v_state text;
    v_code text;
    v_detail text;
    v_visit uuid;
BEGIN
    d.status := 'held';
    d.client_id := s.client_id;
    d.source := s.source;
    d.held_by := '';
    d.note := '';
    -- long enough to pay within; never past the start
    d.hold_expires_at := least(v_starts, greatest(now() + interval '1 day', v_starts
        - make_interval(hours => (series_rules()->>'pay_hours')::integer)));
    BEGIN
        IF s.lines IS NULL THEN
            booking_id := booking_make(d, p_policies, jsonb_build_object(
                'service_id', s.service_id, 'location_id', s.location_id, 'seats', s.seats,
                'provider_id', series_provider(s, v_starts), 'starts_at', v_starts, 'holidays', p_holidays));
        ELSE
            v_visit := visit_make(d, p_policies, jsonb_build_object('lines', s.lines,
                'location_id', s.location_id, 'starts_at', v_starts, 'holidays', p_holidays));
            booking_id := visit_lead(v_visit);
        END IF;
        UPDATE booking b SET series_id = s.id,
            deposit_centavos = CASE WHEN s.deposit = 'each' THEN b.deposit_centavos ELSE 0 END,
            deposit_rule_id = CASE WHEN s.deposit = 'each' THEN b.deposit_rule_id END
        WHERE b.id = booking_id OR b.visit_id = v_visit;
        PERFORM series_settle(p_policies, booking_id);
    EXCEPTION WHEN exclusion_violation OR SQLSTATE 'BP001' THEN
        GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_code = MESSAGE_TEXT,
                                v_detail = PG_EXCEPTION_DETAIL;
        booking_id := NULL;
        problem := series_problem(v_state, v_code, v_detail);
        IF s.lines IS NOT NULL AND problem = 'slot_unavailable' THEN
            problem := coalesce(series_visit_problem(s, v_starts, p_policies, p_holidays), problem);
        END IF;
        RETURN;
    END;
    PERFORM CASE WHEN v_visit IS NULL THEN
        audit_record(p_actor, 'booking.' || b.status, 'booking', b.id::text,
            booking_facts(booking_body(b.id), '{}') || jsonb_build_object('series_id', s.id))
    ELSE audit_record(p_actor, 'visit.' || b.status, 'visit', v_visit::text,
            visit_facts(visit_body(v_visit), '{}') || jsonb_build_object('series_id', s.id)) END
    FROM booking b WHERE b.id = booking_id;
END $$;

-- Why a visit is not offered at a time: what stands in the way of the first of its services.
CREATE OR REPLACE FUNCTION series_visit_problem(
    s series, p_starts timestamptz, p_policies jsonb, p_holidays jsonb
) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    l location;
    w record;
    v_from timestamptz := p_starts;
    v_until timestamptz;
    v_problem text;
BEGIN
    SELECT * INTO l FROM location WHERE id = s.location_id;
    FOR w IN SELECT (x->>'provider_id')::uuid AS provider_id, coalesce(ps.minutes, v.minutes) AS minutes
             FROM jsonb_array_elements(s.lines) WITH ORDINALITY AS y(x, n)
             JOIN service v ON v.id = (x->>'service_id')::uuid
             LEFT JOIN provider_service ps ON ps.service_id = v.id
                 AND ps.provider_id = (x->>'provider_id')::uuid ORDER BY n LOOP
        v_until := v_from + make_interval(mins => w.minutes);
        v_problem := slot_problem(w.provider_id, l, v_from, v_until,
            ARRAY(SELECT jsonb_array_elements_text(p_holidays))::date[],
            CASE WHEN v_from = p_starts THEN (p_policies->>'slot_minutes')::integer ELSE 1 END);
        IF v_problem IS NOT NULL THEN
            RETURN v_problem;
        END IF;
        v_from := v_until;
    END LOOP;
    RETURN NULL;
END $$;

-- With whom. A seat is wanted in what is given to the group at that time, also by somebody else.
CREATE OR REPLACE FUNCTION series_provider(s series, p_starts timestamptz) RETURNS uuid
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN EXISTS (SELECT FROM service WHERE id = s.service_id AND capacity = 1)
                  OR EXISTS (SELECT FROM group_session g WHERE g.service_id = s.service_id
                     AND g.location_id = s.location_id AND g.starts_at = p_starts
                     AND g.provider_id = s.provider_id AND g.state = 'scheduled')
                THEN s.provider_id END
$$;

-- Confirms a booking of a series, or its visit, that owes nothing ahead.
CREATE OR REPLACE FUNCTION series_settle(p_policies jsonb, p_booking uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    b booking;
BEGIN
    SELECT * INTO b FROM booking WHERE id = p_booking;
    PERFORM series_redeem(p_policies, x.id) FROM (SELECT k.id FROM booking k
        WHERE k.id = b.id OR k.visit_id = b.visit_id ORDER BY k.visit_line) x;
    SELECT * INTO b FROM booking WHERE id = p_booking;
    IF b.status = 'held' AND NOT EXISTS (SELECT FROM booking x
        WHERE (x.id = b.id OR x.visit_id = b.visit_id) AND x.deposit_centavos > 0
          AND NOT booking_covered(x.id)) THEN
        PERFORM sitting_set(b, 'confirmed', NULL);
    END IF;
END $$;

-- Reserves a credit for a booking that is due within two weeks, if its series wants that and there is one.
CREATE OR REPLACE FUNCTION series_redeem(p_policies jsonb, p_booking uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM booking b JOIN series s ON s.id = b.series_id WHERE b.id = p_booking
               AND s.use_credits AND b.starts_at BETWEEN now() AND now() + interval '14 days') THEN
        PERFORM pass_redeem('{"kind": "system", "id": "", "staff": true}', p_policies, p_booking, NULL);
        RETURN true;
    END IF;
    RETURN false;
EXCEPTION WHEN SQLSTATE 'BP001' THEN
    RETURN false;  -- there is no credit: it is paid like any other
END $$;

-- Tries one number of a series and notes what became of it. A closed day is left out or, where that was
-- wanted, moved to the next of six days on which there is time.
CREATE OR REPLACE FUNCTION series_make(
    p_actor jsonb, p_policies jsonb, s series, p_number integer, p_holidays jsonb
) RETURNS series_part LANGUAGE plpgsql AS $$
DECLARE
    r series_part;
    made record;
    v_again record;
BEGIN
    r.series_id := s.id;
    r.number := p_number;
    r.planned_on := series_day(s, p_number);
    made := series_book(p_actor, p_policies, s, r.planned_on, p_holidays);
    IF s.on_closed = 'next_day' AND made.problem IN ('holiday', 'closed', 'time_off') THEN
        FOR v_days IN 1..least(6, s.every_weeks * 7 - 1) LOOP
            v_again := series_book(p_actor, p_policies, s, r.planned_on + v_days, p_holidays);
            IF v_again.booking_id IS NOT NULL THEN
                made := v_again;
                EXIT;
            END IF;
        END LOOP;
    END IF;
    r.booking_id := made.booking_id;
    r.problem := made.problem;
    INSERT INTO series_part SELECT r.*;
    RETURN r;
END $$;

-- All numbers of a series that bookings are taken for by now, at most p_most; how many were tried.
CREATE OR REPLACE FUNCTION series_fill(
    p_actor jsonb, p_policies jsonb, p_id uuid, p_holidays jsonb, p_most integer
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    s series;
    v_last CONSTANT integer := (p_policies->>'booking_window_days')::integer;
    v_count integer := 0;
BEGIN
    SELECT * INTO s FROM series WHERE id = p_id;
    WHILE s.state = 'active' AND series_reaches(s, s.next_number) AND v_count < p_most
          AND series_day(s, s.next_number) <= (now() AT TIME ZONE s.zone)::date + v_last LOOP
        PERFORM series_make(p_actor, p_policies, s, s.next_number, p_holidays);
        s.next_number := s.next_number + 1;
        v_count := v_count + 1;
    END LOOP;
    UPDATE series SET next_number = s.next_number, updated_at = now(),
        state = CASE WHEN state = 'active' AND NOT series_reaches(s, s.next_number) THEN 'done'
                     ELSE state END
    WHERE id = p_id;
    RETURN v_count;
END $$;

-- Seats of days that had no session when they were tried: it may have been set up since. How many days
-- have one now; who still has none a week before hears of it.
CREATE OR REPLACE FUNCTION series_again(p_actor jsonb, p_policies jsonb, p_holidays jsonb, p_limit integer)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    r series_part;
    s series;
    made record;
    v_count integer := 0;
BEGIN
    FOR r IN SELECT x.* FROM series_part x JOIN series y ON y.id = x.series_id
             WHERE x.problem = 'no_session' AND y.state <> 'ended' AND EXISTS (
                 SELECT FROM group_session g WHERE g.service_id = y.service_id
                 AND g.location_id = y.location_id AND g.state = 'scheduled' AND g.starts_at > now()
                 AND g.starts_at = local_instant(x.planned_on, y.minute, y.zone))
             ORDER BY x.planned_on, y.minute, x.series_id LIMIT p_limit LOOP
        SELECT * INTO s FROM series WHERE id = r.series_id FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND OR s.state = 'ended';
        made := series_book(p_actor, p_policies, s, r.planned_on, p_holidays);
        UPDATE series_part SET booking_id = made.booking_id, problem = made.problem
        WHERE series_id = r.series_id AND number = r.number AND problem = 'no_session';
        PERFORM series_said(s.id, r.number);
        v_count := v_count + (made.problem IS DISTINCT FROM 'no_session')::integer;
    END LOOP;
    PERFORM series_gap(x.series_id, x.planned_on, x.problem)
    FROM series_part x JOIN series y ON y.id = x.series_id
    WHERE x.problem = 'no_session' AND y.state <> 'ended'
      AND x.planned_on BETWEEN (now() AT TIME ZONE y.zone)::date
                           AND (now() AT TIME ZONE y.zone)::date + 7;
    RETURN v_count;
END $$;

-- Tells the client what became of the days from a number on that were tried without them.
CREATE OR REPLACE FUNCTION series_said(p_id uuid, p_from integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tell_client(CASE b.status WHEN 'held' THEN 'booking_pay' ELSE 'booking_confirmed' END,
                        sitting_body(b))
    FROM series_part r JOIN booking b ON b.id = r.booking_id
    WHERE r.series_id = p_id AND r.number >= p_from AND b.status IN ('held', 'confirmed')
      AND b.created_at = now();
    PERFORM series_gap(p_id, r.planned_on, r.problem) FROM series_part r
    WHERE r.series_id = p_id AND r.number >= p_from AND r.problem <> 'no_session';
END $$;

-- A day that was found shut is left out and said; anything else in the way is a conflict, which the
-- caller has to have seen: `skip` are the days that they accept to lose.
CREATE OR REPLACE FUNCTION series_accept(p_id uuid, p_from integer, p_skip jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_found text;
BEGIN
    SELECT string_agg(planned_on || ' ' || problem, ', ' ORDER BY number) INTO v_found
    FROM series_part WHERE series_id = p_id AND number >= p_from
      AND problem NOT IN ('holiday', 'closed', 'time_off', 'no_session')
      AND NOT coalesce(p_skip, '[]') ? planned_on::text;
    IF v_found IS NOT NULL THEN
        PERFORM refuse('series_conflicts', 'Not every day can be had: ' || v_found || '.', 'skip');
    END IF;
END $$;

-- What a visit consists of, each with who gives it; null of a booking that is none.
CREATE OR REPLACE FUNCTION series_lines(b booking) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_agg(jsonb_build_object('service_id', x.service_id, 'provider_id', x.provider_id)
                     ORDER BY x.visit_line)
    FROM booking x WHERE x.visit_id = b.visit_id AND x.status <> 'cancelled'
$$;

-- {booking_id, version?, every_weeks, count | until, on_closed, use_credits, skip?, source, holidays}
CREATE OR REPLACE FUNCTION series_create(p_actor jsonb, p_policies jsonb, p_request jsonb, p_key jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_policies CONSTANT jsonb := effective_policies(p_policies);
    v_answer jsonb := idempotency_begin(p_key);
    b booking;
    s series;
BEGIN
    IF v_answer IS NOT NULL THEN
        RETURN v_answer;
    END IF;
    b := booking_lock(p_actor, (p_request->>'booking_id')::uuid, (p_request->>'version')::integer);
    IF b.visit_id IS NOT NULL THEN
        PERFORM visit_lock(p_actor, b.visit_id, NULL);
        SELECT * INTO b FROM booking WHERE id = visit_lead(b.visit_id);
    END IF;
    IF b.client_id IS NULL OR EXISTS (SELECT FROM booking x
        WHERE (x.id = b.id OR x.visit_id = b.visit_id AND x.status <> 'cancelled')
          AND (x.status NOT IN ('confirmed', 'arrived') OR x.series_id IS NOT NULL)) THEN
        PERFORM refuse('not_changeable', 'This booking cannot be repeated.');
    END IF;
    IF (p_request->>'use_credits')::boolean AND NOT EXISTS (
        SELECT FROM pass_period x WHERE x.client_id = b.client_id AND x.state = 'open'
        AND x.taken < x.credits) THEN
        PERFORM refuse('no_credit', 'There is no package with credits to pay with.', 'use_credits');
    END IF;
    INSERT INTO series (client_id, service_id, provider_id, location_id, zone, first_day, minute,
        every_weeks, count, until, on_closed, deposit, use_credits, source, seats, lines)
    VALUES (b.client_id, b.service_id, b.provider_id, b.location_id, b.zone,
        (b.starts_at AT TIME ZONE b.zone)::date,
        (extract(epoch FROM (b.starts_at AT TIME ZONE b.zone)::time) / 60)::integer,
        (p_request->>'every_weeks')::integer, (p_request->>'count')::integer,
        (p_request->>'until')::date, p_request->>'on_closed',
        CASE WHEN (p_actor->>'staff')::boolean THEN 'none' ELSE series_rules()->>'deposit' END,
        (p_request->>'use_credits')::boolean, p_request->>'source', b.seats,
        series_lines(b))
    RETURNING * INTO s;
    UPDATE booking x SET series_id = s.id, version = version + 1, updated_at = now()
    WHERE x.id = b.id OR x.visit_id = b.visit_id AND x.status <> 'cancelled';
    PERFORM visit_touch(b.visit_id) WHERE b.visit_id IS NOT NULL;
    INSERT INTO series_part (series_id, number, planned_on, booking_id) VALUES (s.id, 0, s.first_day, b.id);
    PERFORM series_redeem(v_policies, x.id) FROM (SELECT k.id FROM booking k
        WHERE k.series_id = s.id ORDER BY k.visit_line) x;
    PERFORM series_fill(p_actor, v_policies, s.id, p_request->'holidays', 200);
    PERFORM series_accept(s.id, 1, p_request->'skip') WHERE NOT (p_request->>'preview')::boolean;
    PERFORM audit_record(p_actor, 'series.created', 'series', s.id::text, jsonb_build_object(
        'booking_id', b.id, 'every_weeks', s.every_weeks, 'count', s.count, 'until', s.until));
    PERFORM series_tell('series_confirmed', s.id, '{confirmed,held}', 'booking_confirmed');
    RETURN idempotency_end(p_key, 201, series_body(s.id));
END $$;

-- What a change would come to: it is made, told and taken back.
CREATE OR REPLACE FUNCTION series_preview(
    p_actor jsonb, p_policies jsonb, p_id uuid, p_request jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_found text;
    v_request CONSTANT jsonb := p_request || '{"preview": true}';
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'BP002', MESSAGE = CASE
        WHEN p_id IS NULL THEN series_create(p_actor, p_policies, v_request, NULL)
        ELSE series_move(p_actor, p_policies, p_id, v_request) END::text;
EXCEPTION WHEN SQLSTATE 'BP002' THEN
    GET STACKED DIAGNOSTICS v_found = MESSAGE_TEXT;
    RETURN v_found::jsonb;
END $$;

CREATE OR REPLACE FUNCTION series_body(p_id uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('id', s.id, 'state', s.state, 'client_id', s.client_id,
        'service', jsonb_build_object('id', v.id, 'name', CASE WHEN s.lines IS NULL THEN v.name ELSE
            visit_names((SELECT jsonb_agg(jsonb_build_object('service',
                    jsonb_build_object('name', x.name)) ORDER BY n)
                FROM jsonb_array_elements(s.lines) WITH ORDINALITY AS y(line, n)
                JOIN service x ON x.id = (line->>'service_id')::uuid)) END),
        'provider', jsonb_build_object('id', p.id, 'name', p.name), 'zone', s.zone,
        'weekday', extract(isodow FROM s.first_day)::integer, 'minute', s.minute,
        'every_weeks', s.every_weeks, 'count', s.count, 'until', s.until, 'on_closed', s.on_closed,
        'use_credits', s.use_credits, 'seats', s.seats, 'version', s.version,
        'more', s.state = 'active' AND series_reaches(s, s.next_number),
        'parts', (SELECT coalesce(jsonb_agg(jsonb_build_object('number', r.number,
                'planned_on', r.planned_on, 'booking_id', b.id, 'problem', r.problem,
                'starts_at', b.starts_at, 'status', b.status, 'code', b.code,
                'pay_until', b.hold_expires_at) ORDER BY r.number), '[]')
            FROM series_part r LEFT JOIN booking o ON o.id = r.booking_id
            LEFT JOIN booking b ON b.id = series_lead(o)
            WHERE r.series_id = s.id))
    FROM series s JOIN service v ON v.id = s.service_id JOIN provider p ON p.id = s.provider_id
    WHERE s.id = p_id
$$;

-- One message instead of one for each booking that this transaction changed; who has no e-mail address
-- keeps the single ones.
CREATE OR REPLACE FUNCTION series_tell(p_kind text, p_id uuid, p_statuses text[], p_instead text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    c client;
    v_bookings jsonb;
BEGIN
    SELECT k.* INTO c FROM client k JOIN series s ON s.client_id = k.id WHERE s.id = p_id;
    IF c.email IS NULL THEN
        IF p_kind = 'series_confirmed' THEN
            PERFORM tell_client('booking_confirmed', sitting_body(b)) FROM booking b
            WHERE b.series_id = p_id AND b.status = 'confirmed' AND b.created_at = now()
              AND b.id = series_lead(b);
        END IF;
        RETURN;
    END IF;
    DELETE FROM message m USING booking b WHERE b.series_id = p_id AND m.kind = p_instead
        AND m.client_id = c.id AND m.created_at = now() AND m.payload->>'id' = b.id::text;
    SELECT jsonb_agg(sitting_body(b) ORDER BY b.starts_at) INTO v_bookings
    FROM booking b WHERE b.series_id = p_id AND b.status = ANY (p_statuses) AND b.id = series_lead(b)
      AND (p_kind = 'series_confirmed' OR b.updated_at = now());
    IF v_bookings IS NOT NULL THEN
        INSERT INTO message (kind, channel, recipient, client_id, locale, payload, dedupe_key)
        VALUES (p_kind, 'email', c.email, c.id, c.locale,
                v_bookings->0 || jsonb_build_object('bookings', v_bookings),
                p_kind || ':' || p_id || ':' || gen_random_uuid());
    END IF;
END $$;

-- Ends a series. {scope: end | following | all, booking_id?, reason?, override_reason?, version?}:
-- 'end' makes no more bookings; the others also cancel what is still to come, from the booking that is
-- named on, or all. What can no longer be cancelled stays, unless it is the one that is named.
CREATE OR REPLACE FUNCTION series_cancel(p_actor jsonb, p_policies jsonb, p_id uuid, p_request jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    s CONSTANT series := series_lock(p_actor, p_id, (p_request->>'version')::integer);
    v_scope CONSTANT text := p_request->>'scope';
    v_from uuid := (p_request->>'booking_id')::uuid;
    v_start timestamptz := now();
    b booking;
BEGIN
    IF v_scope = 'following' THEN
        SELECT l.id, l.starts_at INTO v_from, v_start
        FROM booking x JOIN booking l ON l.id = series_lead(x)
        WHERE x.id = v_from AND x.series_id = p_id;
        IF NOT FOUND THEN
            PERFORM refuse('not_found', 'There is no such booking in this series.', 'booking_id');
        END IF;
    END IF;
    IF v_scope <> 'end' THEN
        FOR b IN SELECT * FROM booking k WHERE series_id = p_id AND starts_at >= greatest(v_start, now())
                 AND status IN ('held', 'requested', 'confirmed') AND id = series_lead(k)
                 ORDER BY starts_at, id LOOP
            BEGIN
                PERFORM CASE WHEN b.visit_id IS NULL THEN booking_cancel(p_actor, p_policies, b.id,
                                 p_request - 'version' - 'scope' - 'booking_id')
                             ELSE visit_cancel(p_actor, p_policies, b.visit_id,
                                 p_request - 'version' - 'scope' - 'booking_id') END;
            EXCEPTION WHEN SQLSTATE 'BP001' THEN
                IF b.id = v_from AND v_scope = 'following' THEN
                    RAISE;
                END IF;
            END;
        END LOOP;
    END IF;
    UPDATE series SET state = 'ended', version = version + 1, updated_at = now() WHERE id = p_id;
    PERFORM audit_record(p_actor, 'series.ended', 'series', p_id::text,
        jsonb_strip_nulls(jsonb_build_object('scope', v_scope, 'override', p_request->>'override_reason')));
    PERFORM series_tell('series_cancelled', p_id, '{cancelled}', 'booking_cancelled');
    RETURN jsonb_build_object('status', 200, 'body', series_body(p_id), 'replayed', false);
END $$;

-- Moves a booking of a series with what follows, or all that is still to come, by as much.
-- {scope: following | all, booking_id, starts_at, provider_id?, keep?: days that may stay as they are,
-- override_reason?, holidays, version?}
CREATE OR REPLACE FUNCTION series_move(p_actor jsonb, p_policies jsonb, p_id uuid, p_request jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    s CONSTANT series := series_lock(p_actor, p_id, (p_request->>'version')::integer);
    f booking;
    b record;
    v_starts CONSTANT timestamptz := (p_request->>'starts_at')::timestamptz;
    v_provider uuid;
    v_days integer;
    v_later boolean;
    v_minute integer;
    v_kept jsonb := '[]';
    v_to jsonb;
    v_problem text;
    v_code text;
    v_detail text;
    v_state text;
BEGIN
    SELECT l.* INTO f FROM booking x JOIN booking l ON l.id = series_lead(x)
    WHERE x.id = (p_request->>'booking_id')::uuid AND x.series_id = p_id;
    IF NOT FOUND THEN
        PERFORM refuse('not_found', 'There is no such booking in this series.', 'booking_id');
    ELSIF s.lines IS NOT NULL AND p_request->>'provider_id' IS NOT NULL THEN
        PERFORM refuse('not_offered', 'A visit stays with who gives each of its services.', 'provider_id');
    END IF;
    v_provider := coalesce((p_request->>'provider_id')::uuid, f.provider_id);
    v_days := (v_starts AT TIME ZONE s.zone)::date - (f.starts_at AT TIME ZONE s.zone)::date;
    v_minute := (extract(epoch FROM (v_starts AT TIME ZONE s.zone)::time) / 60)::integer;
    v_later := v_starts > f.starts_at;
    -- sessions before the bookings in them, and in the order of time
    PERFORM session_lock(g.id) FROM (
        SELECT x.id FROM group_session x JOIN booking k ON k.series_id = p_id
            AND k.session_id IS NOT NULL AND k.starts_at > now() AND x.service_id = k.service_id
            AND x.location_id = k.location_id AND x.starts_at = local_instant(
                (k.starts_at AT TIME ZONE s.zone)::date + v_days, v_minute, s.zone)
        GROUP BY x.id ORDER BY x.starts_at, x.id) g;
    -- the one that would run into its neighbour is moved after that one
    FOR b IN SELECT k.id, k.visit_id, (k.starts_at AT TIME ZONE s.zone)::date AS day FROM booking k
             WHERE k.series_id = p_id AND k.starts_at > now() AND k.id = series_lead(k)
               AND k.status IN ('held', 'requested', 'confirmed')
               AND (p_request->>'scope' = 'all' OR k.starts_at >= f.starts_at)
             ORDER BY CASE WHEN v_later THEN k.starts_at END DESC, k.starts_at, k.id LOOP
        BEGIN
            v_to := jsonb_strip_nulls(jsonb_build_object(
                'starts_at', local_instant(b.day + v_days, v_minute, s.zone),
                'provider_id', CASE WHEN b.visit_id IS NULL THEN v_provider END,
                'holidays', p_request->'holidays', 'override_reason', p_request->>'override_reason'));
            PERFORM CASE WHEN b.visit_id IS NULL
                THEN booking_reschedule(p_actor, p_policies, b.id, v_to, NULL)
                ELSE visit_reschedule(p_actor, p_policies, b.visit_id, v_to, NULL) END;
        EXCEPTION WHEN exclusion_violation OR SQLSTATE 'BP001' THEN
            GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_code = MESSAGE_TEXT,
                                    v_detail = PG_EXCEPTION_DETAIL;
            v_problem := series_problem(v_state, v_code, v_detail);
            IF b.visit_id IS NOT NULL AND v_problem = 'slot_unavailable' THEN
                v_problem := coalesce(series_visit_problem(s, (v_to->>'starts_at')::timestamptz,
                    effective_policies(p_policies), p_request->'holidays'), v_problem);
            END IF;
            v_kept := v_kept || jsonb_build_object('booking_id', b.id, 'day', b.day, 'problem', v_problem);
        END;
    END LOOP;
    PERFORM series_kept(v_kept, p_request);
    UPDATE series SET first_day = first_day + v_days, minute = v_minute, provider_id = v_provider,
        until = until + v_days, version = version + 1, updated_at = now() WHERE id = p_id;
    UPDATE series_part SET planned_on = planned_on + v_days WHERE series_id = p_id
        AND problem = 'no_session' AND planned_on > (f.starts_at AT TIME ZONE s.zone)::date;
    PERFORM audit_record(p_actor, 'series.moved', 'series', p_id::text, jsonb_strip_nulls(
        jsonb_build_object('scope', p_request->>'scope', 'days', v_days, 'minute', v_minute,
            'kept', jsonb_array_length(v_kept), 'override', p_request->>'override_reason')));
    PERFORM series_tell('series_moved', p_id, '{confirmed}', 'booking_rescheduled');
    RETURN jsonb_build_object('status', 200, 'body',
        series_body(p_id) || jsonb_build_object('kept', v_kept), 'replayed', false);
END $$;

-- Refuses a move that leaves a booking where it is, of which the caller does not know.
CREATE OR REPLACE FUNCTION series_kept(p_kept jsonb, p_request jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_found text;
BEGIN
    SELECT string_agg(k->>'day' || ' ' || (k->>'problem'), ', ' ORDER BY k->>'day') INTO v_found
    FROM jsonb_array_elements(p_kept) k WHERE NOT coalesce(p_request->'keep', '[]') ? (k->>'day');
    IF v_found IS NOT NULL AND NOT coalesce((p_request->>'preview')::boolean, false) THEN
        PERFORM refuse('series_conflicts', 'Not every booking can be moved: ' || v_found || '.', 'keep');
    END IF;
END $$;

-- The job. Bookings that can be made by now, each told by itself, and days that had to be left out.
CREATE OR REPLACE FUNCTION series_advance(p_policies jsonb, p_holidays jsonb, p_limit integer)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    c_actor CONSTANT jsonb := '{"kind": "system", "id": "", "staff": true}';
    v_policies CONSTANT jsonb := effective_policies(p_policies);
    s series;
    v_first integer;
    v_count integer := 0;
BEGIN
    FOR s IN SELECT * FROM series x WHERE state = 'active' AND series_reaches(x, x.next_number)
             AND series_day(x, x.next_number) <= (now() AT TIME ZONE x.zone)::date
                 + (v_policies->>'booking_window_days')::integer
             ORDER BY id LIMIT p_limit FOR UPDATE SKIP LOCKED LOOP
        v_first := s.next_number;
        v_count := v_count + series_fill(c_actor, v_policies, s.id, p_holidays, 10);
        PERFORM series_said(s.id, v_first);
    END LOOP;
    -- never both in one transaction: sessions are locked in the order of time
    RETURN CASE WHEN v_count > 0 THEN v_count
                ELSE series_again(c_actor, v_policies, p_holidays, p_limit) END;
END $$;

-- Tells a client that a day of the series has no booking.
CREATE OR REPLACE FUNCTION series_gap(p_id uuid, p_day date, p_problem text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO message (kind, channel, recipient, client_id, locale, payload, dedupe_key)
    SELECT 'series_gap', 'email', c.email, c.id, c.locale, jsonb_build_object('name', c.name,
               'day', p_day, 'problem', p_problem, 'minute', s.minute),
           'series_gap:' || p_id || ':' || p_day
    FROM series s JOIN client c ON c.id = s.client_id WHERE s.id = p_id AND c.email IS NOT NULL
    ON CONFLICT (dedupe_key) DO NOTHING
$$;

-- Credits for bookings that came near, and a word about deposits that are still missing.
CREATE OR REPLACE FUNCTION series_care(p_policies jsonb, p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_policies CONSTANT jsonb := effective_policies(p_policies);
    b booking;
    v_count integer := 0;
BEGIN
    FOR b IN SELECT k.* FROM booking k JOIN series s ON s.id = k.series_id AND s.use_credits
             WHERE k.status IN ('held', 'confirmed')
               AND k.starts_at BETWEEN now() AND now() + interval '14 days'
               AND NOT booking_covered(k.id) AND booking_paid(k.id) = 0
               AND EXISTS (SELECT FROM pass_period x WHERE x.client_id = k.client_id
                           AND x.state = 'open' AND x.taken < x.credits
                           AND k.starts_at >= x.starts_at AND k.starts_at < x.ends_at)
             ORDER BY k.starts_at LIMIT p_limit FOR NO KEY UPDATE OF k SKIP LOCKED LOOP
        IF series_redeem(v_policies, b.id) THEN
            v_count := v_count + 1;
        END IF;
    END LOOP;
    FOR b IN SELECT k.* FROM booking k WHERE k.series_id IS NOT NULL AND k.status = 'held'
             AND k.hold_expires_at BETWEEN now() AND now() + interval '3 days' AND k.id = series_lead(k)
             AND NOT EXISTS (SELECT FROM message m WHERE m.dedupe_key = 'booking_pay:' || k.id)
             ORDER BY k.id LIMIT p_limit LOOP
        INSERT INTO message (kind, channel, recipient, client_id, locale, payload, dedupe_key)
        SELECT 'booking_pay', 'email', c.email, c.id, c.locale, sitting_body(b), 'booking_pay:' || b.id
        FROM client c WHERE c.id = b.client_id AND c.email IS NOT NULL
        ON CONFLICT (dedupe_key) DO NOTHING;
        IF FOUND THEN
            v_count := v_count + 1;
        END IF;
    END LOOP;
    RETURN v_count;
END $$;

-- A booking of a series whose deposit did not come in time is gone; its client is told.
CREATE OR REPLACE FUNCTION series_lapsed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- of a visit when its last booking is gone
    IF NOT EXISTS (SELECT FROM booking x WHERE x.visit_id = NEW.visit_id
                   AND x.status NOT IN ('expired', 'cancelled')) THEN
        PERFORM tell_client('booking_cancelled', sitting_body(NEW));
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER booking_series_lapsed AFTER UPDATE OF status ON booking
    FOR EACH ROW WHEN (NEW.series_id IS NOT NULL AND NEW.status = 'expired')
    EXECUTE FUNCTION series_lapsed();
