-- Several services in one sitting: a booking for each, one after the other, made, confirmed, paid,
-- moved and cancelled together. A line is a booking like any other; what is done to one alone is done
-- by the functions of bookings. Order of locks: visit, its bookings by key, time.

-- The lines as the planner wants them: {service_id, provider_id?, before, after}, and for a visit that
-- moves {was, minutes, price}: the provider who has it, with what was agreed.
CREATE OR REPLACE FUNCTION visit_wishes(p_lines jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_line jsonb;
    v_wishes jsonb := '[]';
    s service;
BEGIN
    FOR v_line IN SELECT * FROM jsonb_array_elements(p_lines) LOOP
        SELECT * INTO s FROM service WHERE id = (v_line->>'service_id')::uuid;
        IF NOT FOUND OR NOT s.active AND v_line->>'was' IS NULL THEN
            PERFORM refuse('not_found', 'There is no such service.', 'lines');
        END IF;
        IF s.capacity > 1 THEN
            PERFORM refuse('not_offered', 'A group has times of its own; it is booked alone.', 'lines');
        END IF;
        v_wishes := v_wishes || (v_line || jsonb_build_object(
            'before', s.buffer_before, 'after', s.buffer_after));
    END LOOP;
    RETURN v_wishes;
END $$;

-- Who can give all lines from p_first to p_last at this place, who has least to do first; minutes and
-- prices by line.
CREATE OR REPLACE FUNCTION visit_candidates(
    p_wishes jsonb, p_first integer, p_last integer, p_location location, p_starts timestamptz
) RETURNS TABLE (provider_id uuid, minutes integer[], prices bigint[])
LANGUAGE sql STABLE AS $$
    WITH run AS (
        SELECT n, w->>'service_id' AS service_id, w->>'provider_id' AS wanted, w
        FROM jsonb_array_elements(p_wishes) WITH ORDINALITY AS x(w, n)
        WHERE n - 1 BETWEEN p_first AND p_last
    ), day AS (
        SELECT tstzrange(date_trunc('day', p_starts, p_location.zone),
                         date_trunc('day', p_starts, p_location.zone) + interval '1 day') AS span
    )
    SELECT p.id, array_agg(CASE WHEN run.w->>'was' = p.id::text THEN (run.w->>'minutes')::integer
                                ELSE coalesce(ps.minutes, s.minutes) END ORDER BY run.n),
           array_agg(CASE WHEN run.w->>'was' = p.id::text THEN (run.w->>'price')::bigint
                          ELSE coalesce(ps.price_centavos, s.price_centavos) END ORDER BY run.n)
    FROM run
    JOIN service s ON s.id = run.service_id::uuid
    JOIN provider_service ps ON ps.service_id = s.id
    JOIN provider_location pl ON pl.provider_id = ps.provider_id AND pl.location_id = p_location.id
    JOIN provider p ON p.id = ps.provider_id AND p.active
    CROSS JOIN day
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(upper(o.period) - lower(o.period)), interval '0') AS booked
        FROM occupancy o WHERE o.resource_id = p.id AND o.active AND o.period && day.span
          AND (o.expires_at IS NULL OR o.expires_at > now())) busy
    WHERE run.wanted IS NULL AND provider_bookable(p.id) OR run.wanted = p.id::text
    GROUP BY p.id, p.sort, p.name, busy.booked
    HAVING count(*) = p_last - p_first + 1
    ORDER BY count(*) FILTER (WHERE run.w->>'was' = p.id::text) DESC,
             busy.booked, p.sort, p.name, p.id
$$;

-- Locks all the time that the lines could take, in the order of keys, providers before kinds, and
-- frees it of holds that have expired: nobody else moves in it until this transaction ends.
CREATE OR REPLACE FUNCTION visit_prepare(p_wishes jsonb, p_location location, p_starts timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_providers uuid[];
    v_pools uuid[];
    v_key uuid;
    v_minutes integer;
    v_span tstzrange;
BEGIN
    SELECT array_agg(DISTINCT ps.provider_id ORDER BY ps.provider_id) INTO v_providers
    FROM jsonb_array_elements(p_wishes) w
    JOIN provider_service ps ON ps.service_id = (w->>'service_id')::uuid
        AND (w->>'provider_id' IS NULL OR w->>'provider_id' = ps.provider_id::text)
    JOIN provider_location pl ON pl.provider_id = ps.provider_id AND pl.location_id = p_location.id;
    SELECT sum(m.most) INTO v_minutes FROM jsonb_array_elements(p_wishes) w, LATERAL (
        SELECT max(greatest(coalesce(ps.minutes, s.minutes), (w->>'minutes')::integer)) AS most
        FROM service s JOIN provider_service ps ON ps.service_id = s.id
        WHERE s.id = (w->>'service_id')::uuid) m;
    SELECT tstzrange(p_starts - make_interval(mins => max((w->>'before')::integer)),
                     p_starts + make_interval(mins => coalesce(v_minutes, 0)
                                                      + max((w->>'after')::integer)))
    INTO v_span FROM jsonb_array_elements(p_wishes) w;
    FOREACH v_key IN ARRAY coalesce(v_providers, '{}') LOOP
        PERFORM slot_lock(v_key, v_span);
    END LOOP;
    v_pools := ARRAY(SELECT DISTINCT resource_pool(p_location.id, n.kind)
        FROM jsonb_array_elements(p_wishes) w
        JOIN service_resource n ON n.service_id = (w->>'service_id')::uuid ORDER BY 1);
    FOREACH v_key IN ARRAY v_pools LOOP
        PERFORM slot_lock(v_key, v_span);
    END LOOP;
    PERFORM stale_expire(coalesce(v_providers, '{}') || ARRAY(
        SELECT r.id FROM resource r WHERE r.location_id = p_location.id AND r.kind IN (
            SELECT n.kind FROM jsonb_array_elements(p_wishes) w
            JOIN service_resource n ON n.service_id = (w->>'service_id')::uuid)), v_span);
END $$;

-- Whether what a service needs is free.
CREATE OR REPLACE FUNCTION resources_free(p_service uuid, p_location uuid, p_period tstzrange)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (
        SELECT FROM service_resource n WHERE n.service_id = p_service AND n.count > (
            SELECT count(*) FROM resource r
            WHERE r.location_id = p_location AND r.kind = n.kind AND r.active
              AND NOT EXISTS (SELECT FROM occupancy o WHERE o.resource_id = r.id AND o.active
                              AND o.period && p_period)))
$$;

-- Who gives each line from p_first on, beginning at p_starts: [{line, provider_id, starts_at, ends_at,
-- price, provider_period, resource_period}], or null. As many lines as possible with one provider
-- first. A provider's buffers are kept round what they give in a row, not inside it; a chair's round
-- the whole visit. With p_free, only what is free now.
CREATE OR REPLACE FUNCTION visit_plan(
    p_wishes jsonb, p_first integer, p_location location, p_starts timestamptz, p_rules jsonb,
    p_free boolean
) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_count CONSTANT integer := jsonb_array_length(p_wishes);
    v_holidays CONSTANT date[] := ARRAY(SELECT jsonb_array_elements_text(p_rules->'holidays'))::date[];
    v_run jsonb;
    v_rest jsonb;
    v_ends timestamptz;
    v_period tstzrange;
    c record;
BEGIN
    IF p_first = v_count THEN
        RETURN '[]';
    END IF;
    FOR v_last IN REVERSE v_count - 1 .. p_first LOOP
        FOR c IN SELECT * FROM visit_candidates(p_wishes, p_first, v_last, p_location, p_starts) LOOP
            v_ends := p_starts + make_interval(mins => (SELECT sum(m) FROM unnest(c.minutes) m)::integer);
            v_period := tstzrange(
                p_starts - make_interval(mins => (p_wishes->p_first->>'before')::integer),
                v_ends + make_interval(mins => (p_wishes->v_last->>'after')::integer));
            CONTINUE WHEN (p_rules->>'enforced')::boolean AND slot_problem(c.provider_id, p_location,
                p_starts, v_ends, v_holidays, CASE WHEN p_first = 0
                    THEN (p_rules->>'slot_minutes')::integer ELSE 1 END) IS NOT NULL;
            CONTINUE WHEN p_free AND EXISTS (SELECT FROM occupancy o
                WHERE o.resource_id = c.provider_id AND o.active AND o.period && v_period);
            v_run := visit_run(p_wishes, p_first, v_last, p_starts, c.provider_id, c.minutes, c.prices,
                               v_period);
            CONTINUE WHEN p_free AND EXISTS (SELECT FROM jsonb_array_elements(v_run) r
                WHERE NOT resources_free((r->>'service_id')::uuid, p_location.id,
                                         (r->>'resource_period')::tstzrange));
            v_rest := visit_plan(p_wishes, v_last + 1, p_location, v_ends, p_rules, p_free);
            IF v_rest IS NOT NULL THEN
                RETURN v_run || v_rest;
            END IF;
        END LOOP;
    END LOOP;
    RETURN NULL;
END $$;

-- The lines of one provider in a row, with the times that each takes.
CREATE OR REPLACE FUNCTION visit_run(
    p_wishes jsonb, p_first integer, p_last integer, p_starts timestamptz, p_provider uuid,
    p_minutes integer[], p_prices bigint[], p_period tstzrange
) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_run jsonb := '[]';
    v_from timestamptz := p_starts;
    v_until timestamptz;
    v_wish jsonb;
    v_all CONSTANT integer := jsonb_array_length(p_wishes) - 1;
BEGIN
    FOR i IN p_first .. p_last LOOP
        v_wish := p_wishes->i;
        v_until := v_from + make_interval(mins => p_minutes[i - p_first + 1]);
        v_run := v_run || jsonb_build_object(
            'line', i + 1, 'service_id', v_wish->'service_id', 'provider_id', p_provider,
            'any_provider', v_wish->>'provider_id' IS NULL,
            'starts_at', v_from, 'ends_at', v_until, 'price', p_prices[i - p_first + 1],
            'provider_period', tstzrange(CASE WHEN i = p_first THEN lower(p_period) ELSE v_from END,
                                         CASE WHEN i = p_last THEN upper(p_period) ELSE v_until END),
            'resource_period', tstzrange(
                v_from - make_interval(mins => CASE WHEN i = 0 THEN (v_wish->>'before')::integer ELSE 0 END),
                v_until + make_interval(mins => CASE WHEN i = v_all THEN (v_wish->>'after')::integer ELSE 0 END)));
        v_from := v_until;
    END LOOP;
    RETURN v_run;
END $$;

-- A plan that is free, or the reason why there is none. The time is locked from here on.
CREATE OR REPLACE FUNCTION visit_find(
    p_wishes jsonb, p_location location, p_starts timestamptz, p_policies jsonb, p_request jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_rules CONSTANT jsonb := jsonb_build_object('slot_minutes', p_policies->'slot_minutes',
        'holidays', p_request->'holidays', 'enforced', p_request->>'override_reason' IS NULL);
    v_plan jsonb;
BEGIN
    IF p_request->>'override_reason' IS NULL THEN
        PERFORM check_start(p_starts, p_location.zone, p_policies);
    ELSIF p_starts < now() - interval '7 days' THEN
        PERFORM refuse('too_soon', 'This is more than seven days ago.', 'starts_at');
    END IF;
    PERFORM visit_prepare(p_wishes, p_location, p_starts);
    v_plan := visit_plan(p_wishes, 0, p_location, p_starts, v_rules, true);
    IF v_plan IS NULL THEN
        IF EXISTS (SELECT FROM generate_series(0, jsonb_array_length(p_wishes) - 1) n
                   WHERE NOT EXISTS (SELECT FROM visit_candidates(p_wishes, n, n, p_location, p_starts)))
        THEN
            PERFORM refuse('not_offered', 'Nobody gives this service here.', 'lines');
        END IF;
        IF visit_plan(p_wishes, 0, p_location, p_starts, v_rules, false) IS NULL THEN
            PERFORM refuse('slot_unavailable', 'This time is not offered for all of these.', 'starts_at');
        END IF;
        PERFORM refuse('slot_taken', 'This time is taken.', 'starts_at');
    END IF;
    RETURN v_plan;
END $$;

-- Inserts the bookings of p_draft (status, client, note, held_by, source, hold_expires_at are given);
-- the visit's key.
CREATE OR REPLACE FUNCTION visit_make(p_draft booking, p_policies jsonb, p_request jsonb)
RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    d booking := p_draft;
    l location;
    v_plan jsonb;
    v_line jsonb;
    v_used uuid[] := '{}';
BEGIN
    SELECT * INTO l FROM location WHERE id = (p_request->>'location_id')::uuid AND active;
    IF NOT FOUND THEN
        PERFORM refuse('not_found', 'There is no such location.', 'location_id');
    END IF;
    v_plan := visit_find(visit_wishes(p_request->'lines'), l, (p_request->>'starts_at')::timestamptz,
                         p_policies, p_request);
    INSERT INTO visit (location_id) VALUES (l.id) RETURNING id INTO d.visit_id;
    d.location_id := l.id;
    d.zone := l.zone;
    FOR v_line IN SELECT * FROM jsonb_array_elements(v_plan) LOOP
        d.id := uuidv7();
        d.code := new_booking_code();
        d.visit_line := (v_line->>'line')::integer;
        d.service_id := (v_line->>'service_id')::uuid;
        d.provider_id := (v_line->>'provider_id')::uuid;
        d.any_provider := (v_line->>'any_provider')::boolean;
        d.starts_at := (v_line->>'starts_at')::timestamptz;
        d.ends_at := (v_line->>'ends_at')::timestamptz;
        d.price_centavos := (v_line->>'price')::bigint;
        PERFORM booking_insert(d, (v_line->>'provider_period')::tstzrange);
        PERFORM resources_take(d, (v_line->>'resource_period')::tstzrange, d.hold_expires_at, v_used);
        v_used := v_used || ARRAY(SELECT o.resource_id FROM occupancy o
                                  WHERE o.booking_id = d.id AND o.part <> 'provider');
    END LOOP;
    RETURN d.visit_id;
END $$;

-- The visit as one booking: its first line that is not cancelled, with the times, names and sums of
-- all such lines, and the lines themselves.
CREATE OR REPLACE FUNCTION visit_body(p_visit uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_lines jsonb;
    v_live jsonb;
    v_lead jsonb;
BEGIN
    SELECT jsonb_agg(d.document ORDER BY b.visit_line),
           jsonb_agg(d.document ORDER BY b.visit_line)
               FILTER (WHERE b.status NOT IN ('cancelled', 'expired'))
    INTO v_lines, v_live
    FROM booking b JOIN booking_document d ON d.id = b.id WHERE b.visit_id = p_visit;
    v_live := coalesce(v_live, v_lines);
    v_lead := v_live->0;
    RETURN v_lead || (
        SELECT jsonb_build_object(
            'visit_id', p_visit,
            'version', (SELECT version FROM visit WHERE id = p_visit),
            'starts_at', min((x->>'starts_at')::timestamptz),
            'ends_at', max((x->>'ends_at')::timestamptz),
            'price_centavos', sum((x->>'price_centavos')::bigint),
            'any_provider', bool_or((x->>'any_provider')::boolean),
            'resources', (SELECT coalesce(jsonb_agg(DISTINCT r), '[]')
                          FROM jsonb_array_elements(v_live) y, jsonb_array_elements(y->'resources') r),
            'service', jsonb_build_object('id', v_lead->'service'->'id',
                'name', visit_names(v_live),
                'minutes', sum((x->'service'->>'minutes')::integer)),
            'provider', jsonb_build_object('id', v_lead->'provider'->'id', 'name',
                (SELECT string_agg(name, ', ' ORDER BY n) FROM (
                    SELECT y->'provider'->>'name' AS name, min(n) AS n
                    FROM jsonb_array_elements(v_live) WITH ORDINALITY AS z(y, n)
                    GROUP BY y->'provider'->>'id', y->'provider'->>'name') people)),
            'lines', v_lines)
        FROM jsonb_array_elements(v_live) x);
END $$;

-- "Corte + Barba" in each language that one of the names has.
CREATE OR REPLACE FUNCTION visit_names(p_lines jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_object_agg(l.locale, (
        SELECT string_agg(coalesce(x->'service'->'name'->>l.locale,
                                   (SELECT value FROM jsonb_each_text(x->'service'->'name') LIMIT 1)),
                          ' + ' ORDER BY n)
        FROM jsonb_array_elements(p_lines) WITH ORDINALITY AS z(x, n)))
    FROM (SELECT DISTINCT k AS locale FROM jsonb_array_elements(p_lines) y,
          jsonb_object_keys(y->'service'->'name') k) l
$$;

-- The visit's bookings, locked, if the actor may touch all of them at the version that it was read.
CREATE OR REPLACE FUNCTION visit_lock(p_actor jsonb, p_visit uuid, p_version integer)
RETURNS SETOF booking LANGUAGE plpgsql AS $$
DECLARE
    v_version integer;
BEGIN
    SELECT version INTO v_version FROM visit WHERE id = p_visit FOR NO KEY UPDATE;
    PERFORM FROM booking WHERE visit_id = p_visit ORDER BY id FOR NO KEY UPDATE;
    IF NOT EXISTS (SELECT FROM booking b WHERE b.visit_id = p_visit)
       OR EXISTS (SELECT FROM booking b WHERE b.visit_id = p_visit
        AND NOT booking_visible(p_actor, b.client_id, b.provider_id, b.held_by)) THEN
        PERFORM refuse('not_found', 'There is no such visit.');
    END IF;
    IF p_version IS NOT NULL AND p_version <> v_version THEN
        PERFORM refuse('stale_version', 'Somebody else changed this visit meanwhile.', 'version');
    END IF;
    RETURN QUERY SELECT * FROM booking WHERE visit_id = p_visit ORDER BY visit_line;
END $$;

CREATE OR REPLACE FUNCTION visit_touch(p_visit uuid) RETURNS void LANGUAGE sql AS $$
    UPDATE visit SET version = version + 1, updated_at = now() WHERE id = p_visit
$$;

-- Before the booking is locked: the visit that it is of.
CREATE OR REPLACE FUNCTION visit_of_booking_lock(p_booking uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM visit WHERE id = (SELECT visit_id FROM booking WHERE id = p_booking)
        FOR NO KEY UPDATE;
END $$;

-- Tells the client of a change to a booking: one message, whether it is alone or one of a visit's. Of
-- a visit of which something is left, what is left.
CREATE OR REPLACE FUNCTION tell_of_booking(p_kind text, p_booking uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_visit CONSTANT uuid := (SELECT visit_id FROM booking WHERE id = p_booking);
BEGIN
    IF v_visit IS NULL THEN
        PERFORM tell_client(p_kind, booking_body(p_booking));
        RETURN;
    END IF;
    PERFORM visit_touch(v_visit);
    PERFORM tell_client(CASE WHEN EXISTS (SELECT FROM booking b WHERE b.visit_id = v_visit
                                 AND b.id <> p_booking AND b.status NOT IN ('cancelled', 'expired'))
                             THEN 'booking_rescheduled' ELSE p_kind END, visit_body(v_visit));
END $$;

CREATE OR REPLACE FUNCTION visit_hold(p_actor jsonb, p_policies jsonb, p_request jsonb, p_key jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_policies CONSTANT jsonb := effective_policies(p_policies);
    v_answer jsonb := idempotency_begin(p_key);
    d booking;
    v_visit uuid;
BEGIN
    IF v_answer IS NOT NULL THEN
        RETURN v_answer;
    END IF;
    PERFORM check_holds(p_actor);
    d.status := 'held';
    d.hold_expires_at := now() + make_interval(mins => (v_policies->>'hold_minutes')::integer);
    d.held_by := coalesce(p_actor->>'only_client', CASE WHEN (p_actor->>'staff')::boolean
        THEN (p_actor->>'kind') || ':' || (p_actor->>'id') END, '');
    d.source := p_request->>'source';
    d.note := '';
    v_visit := visit_make(d, v_policies, p_request);
    PERFORM audit_record(p_actor, 'visit.held', 'visit', v_visit::text, p_request - 'holidays');
    RETURN idempotency_end(p_key, 201, visit_body(v_visit));
END $$;

CREATE OR REPLACE FUNCTION visit_book(p_actor jsonb, p_policies jsonb, p_request jsonb, p_key jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_answer jsonb := idempotency_begin(p_key);
    d booking;
    v_visit uuid;
    v_asks boolean;
BEGIN
    IF v_answer IS NOT NULL THEN
        RETURN v_answer;
    END IF;
    d.status := 'confirmed';
    d.held_by := '';
    d.source := p_request->>'source';
    d.note := coalesce(p_request->>'note', '');
    d.client_id := booking_client(p_actor, p_request);
    d.contact := booking_contact(p_actor, p_request);
    v_asks := d.source NOT IN ('staff', 'system', 'api');
    IF v_asks THEN
        d.status := 'held';
        d.hold_expires_at := now() + interval '1 hour';
    END IF;
    v_visit := visit_make(d, effective_policies(p_policies), p_request);
    IF v_asks THEN
        RETURN idempotency_end(p_key, 201,
            visit_confirm(p_actor, p_policies, v_visit, p_request, NULL)->'body');
    END IF;
    v_answer := visit_body(v_visit);
    PERFORM audit_record(p_actor, 'visit.confirmed', 'visit', v_visit::text,
        visit_facts(v_answer, p_request));
    PERFORM tell_client('booking_confirmed', v_answer);
    RETURN idempotency_end(p_key, 201, v_answer);
END $$;

-- What the audit trail keeps of a visit: no personal data.
CREATE OR REPLACE FUNCTION visit_facts(p_body jsonb, p_request jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object('code', p_body->>'code', 'status', p_body->>'status',
        'starts_at', p_body->>'starts_at', 'override', p_request->>'override_reason',
        'bookings', (SELECT jsonb_agg(x->'id') FROM jsonb_array_elements(p_body->'lines') x)))
$$;

-- Says whom a held visit is for; with somebody new the deposits are worked out anew. What was asked of
-- the same client before stays: it may be on its way already.
CREATE OR REPLACE FUNCTION visit_name_client(p_visit uuid, p_client uuid, p_contact jsonb, p_note text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    b booking;
BEGIN
    FOR b IN SELECT * FROM booking WHERE visit_id = p_visit AND status = 'held' ORDER BY visit_line LOOP
        IF b.client_id IS DISTINCT FROM p_client THEN
            IF b.source NOT IN ('staff', 'system', 'api') THEN
                b.deposit_centavos := greatest(b.deposit_centavos,
                    (deposit_quote(b.service_id, p_client, b.price_centavos)).deposit);
            END IF;
            b.contact := NULL;
        END IF;
        UPDATE booking SET client_id = p_client, contact = coalesce(p_contact, b.contact),
            note = p_note, deposit_centavos = b.deposit_centavos WHERE id = b.id;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION visit_confirm(
    p_actor jsonb, p_policies jsonb, p_visit uuid, p_request jsonb, p_key jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_answer jsonb := idempotency_begin(p_key);
    b booking;
    r approval_rule;
    v_status text;
    v_due bigint;
BEGIN
    IF v_answer IS NOT NULL THEN
        RETURN v_answer;
    END IF;
    FOR b IN SELECT * FROM visit_lock(p_actor, p_visit, NULL) LOOP
        PERFORM check_held(b);
    END LOOP;
    PERFORM visit_name_client(p_visit, booking_client(p_actor, p_request),
        booking_contact(p_actor, p_request), coalesce(p_request->>'note', ''));
    v_due := (SELECT coalesce(sum(greatest(0, x.deposit_centavos - booking_paid(x.id))), 0)
              FROM booking x WHERE x.visit_id = p_visit AND NOT booking_covered(x.id)
              AND x.source NOT IN ('staff', 'system', 'api'));
    r := visit_asks(p_visit);
    IF v_due > 0 AND (r.id IS NULL OR r.deposit = 'before') THEN
        PERFORM refuse('deposit_required', 'A deposit of ' || v_due
            || ' centavos has to be paid first.', 'deposit_centavos');
    END IF;
    v_status := CASE WHEN r.id IS NULL THEN 'confirmed' ELSE 'requested' END;
    PERFORM sitting_set(b, v_status, CASE v_status WHEN 'requested'
        THEN approval_until(b, r.answer_hours) END);
    v_answer := visit_body(p_visit);
    PERFORM audit_record(p_actor, 'visit.' || v_status, 'visit', p_visit::text,
        visit_facts(v_answer, p_request));
    PERFORM tell_client('booking_' || v_status, v_answer);
    RETURN idempotency_end(p_key, 200, v_answer);
END $$;

CREATE OR REPLACE FUNCTION visit_extend(p_actor jsonb, p_policies jsonb, p_visit uuid)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_until CONSTANT timestamptz := now() + make_interval(
        mins => (effective_policies(p_policies)->>'hold_minutes')::integer);
    b booking;
BEGIN
    FOR b IN SELECT * FROM visit_lock(p_actor, p_visit, NULL) LOOP
        PERFORM check_held(b);
        IF b.hold_extended THEN
            PERFORM refuse('already_extended', 'A hold can be extended once.');
        END IF;
    END LOOP;
    PERFORM visit_keep_until(p_visit, v_until);
    UPDATE booking SET hold_extended = true WHERE visit_id = p_visit;
    PERFORM audit_record(p_actor, 'visit.hold_extended', 'visit', p_visit::text, '{}');
    RETURN jsonb_build_object('status', 200, 'body', visit_body(p_visit), 'replayed', false);
END $$;

CREATE OR REPLACE FUNCTION visit_keep_until(p_visit uuid, p_until timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE booking SET hold_expires_at = p_until, version = version + 1, updated_at = now()
    WHERE visit_id = p_visit AND status = 'held';
    UPDATE occupancy SET expires_at = p_until
    WHERE booking_id IN (SELECT id FROM booking WHERE visit_id = p_visit AND status = 'held');
    PERFORM visit_touch(p_visit);
END $$;

-- Cancels what is still to come of a visit; what is cancelled already answers with it.
CREATE OR REPLACE FUNCTION visit_cancel(p_actor jsonb, p_policies jsonb, p_visit uuid, p_request jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_hours CONSTANT integer := (effective_policies(p_policies)->>'cancel_notice_hours')::integer;
    b booking;
    v_first timestamptz;
    v_was text;
    v_body jsonb;
BEGIN
    PERFORM visit_lock(p_actor, p_visit, NULL);
    SELECT min(starts_at) FILTER (WHERE status = 'confirmed'),
           min(status) FILTER (WHERE status IN ('held', 'requested', 'confirmed'))
    INTO v_first, v_was FROM booking WHERE visit_id = p_visit;
    IF EXISTS (SELECT FROM booking WHERE visit_id = p_visit
               AND status IN ('held', 'requested', 'confirmed')) THEN
        PERFORM visit_lock(p_actor, p_visit, (p_request->>'version')::integer);
        IF p_request->>'override_reason' IS NULL
           AND v_first < now() + make_interval(hours => v_hours) THEN
            PERFORM refuse('too_late_to_cancel', 'It is too late to cancel this booking.');
        END IF;
        FOR b IN SELECT * FROM booking WHERE visit_id = p_visit
                 AND status IN ('held', 'requested', 'confirmed')
                 ORDER BY visit_line LOOP
            UPDATE booking SET status = 'cancelled', hold_expires_at = NULL, version = version + 1,
                updated_at = now(), cancel_reason = coalesce(p_request->>'reason', '')
            WHERE id = b.id;
            UPDATE occupancy SET active = false, expires_at = NULL WHERE booking_id = b.id;
        END LOOP;
        PERFORM visit_touch(p_visit);
        v_body := visit_body(p_visit);
        PERFORM audit_record(p_actor, 'visit.cancelled', 'visit', p_visit::text,
            visit_facts(v_body, p_request) || jsonb_build_object('was', v_was));
        IF v_was <> 'held' THEN
            PERFORM tell_client('booking_cancelled', v_body);
        END IF;
    ELSIF EXISTS (SELECT FROM booking WHERE visit_id = p_visit AND status <> 'cancelled') THEN
        PERFORM refuse('not_changeable', 'Nothing of this visit can be cancelled.');
    END IF;
    RETURN jsonb_build_object('status', 200, 'body', visit_body(p_visit), 'replayed', false);
END $$;

-- Moves all of a visit: with the same providers if they are free then, else with whoever is, for lines
-- that were booked with anybody.
CREATE OR REPLACE FUNCTION visit_reschedule(
    p_actor jsonb, p_policies jsonb, p_visit uuid, p_request jsonb, p_key jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_policies CONSTANT jsonb := effective_policies(p_policies);
    v_answer jsonb := idempotency_begin(p_key);
    b booking;
    l location;
    v_from timestamptz;
    v_lines jsonb := '[]';
    v_plan jsonb;
    v_line jsonb;
    v_ids uuid[] := '{}';
BEGIN
    IF v_answer IS NOT NULL THEN
        RETURN v_answer;
    END IF;
    FOR b IN SELECT * FROM visit_lock(p_actor, p_visit, (p_request->>'version')::integer)
             WHERE status <> 'cancelled' ORDER BY visit_line LOOP
        IF b.status <> 'confirmed' THEN
            PERFORM refuse('not_changeable', 'A booking that is ' || b.status || ' cannot be moved.');
        END IF;
        v_from := least(v_from, b.starts_at);
        v_ids := v_ids || b.id;
        v_lines := v_lines || jsonb_strip_nulls(jsonb_build_object('service_id', b.service_id,
            'provider_id', CASE WHEN NOT b.any_provider THEN b.provider_id END, 'was', b.provider_id,
            'minutes', (extract(epoch FROM b.ends_at - b.starts_at) / 60)::integer,
            'price', b.price_centavos));
    END LOOP;
    IF v_from IS NULL THEN
        PERFORM refuse('not_changeable', 'Nothing of this visit can be moved.');
    END IF;
    IF p_request->>'override_reason' IS NULL AND v_from
       < now() + make_interval(hours => (v_policies->>'reschedule_notice_hours')::integer) THEN
        PERFORM refuse('too_late_to_reschedule', 'It is too late to move this booking.');
    END IF;
    SELECT p.* INTO l FROM location p JOIN visit v ON v.location_id = p.id WHERE v.id = p_visit;
    UPDATE occupancy SET active = false WHERE booking_id = ANY (v_ids);
    v_plan := visit_find(visit_wishes(v_lines), l, (p_request->>'starts_at')::timestamptz,
                         v_policies, p_request);
    FOR v_line IN SELECT * FROM jsonb_array_elements(v_plan) LOOP
        PERFORM visit_line_move(v_ids[(v_line->>'line')::integer], v_line);
    END LOOP;
    PERFORM visit_touch(p_visit);
    v_answer := visit_body(p_visit);
    PERFORM audit_record(p_actor, 'visit.rescheduled', 'visit', p_visit::text,
        visit_facts(v_answer, p_request) || jsonb_build_object('from', v_from));
    PERFORM tell_client('booking_rescheduled', v_answer);
    RETURN idempotency_end(p_key, 200, v_answer);
END $$;

-- Puts a line where the plan has it; the price stays as agreed.
CREATE OR REPLACE FUNCTION visit_line_move(p_booking uuid, p_line jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    moved booking;
BEGIN
    UPDATE booking SET provider_id = (p_line->>'provider_id')::uuid,
        starts_at = (p_line->>'starts_at')::timestamptz, ends_at = (p_line->>'ends_at')::timestamptz,
        version = version + 1, updated_at = now() WHERE id = p_booking RETURNING * INTO moved;
    UPDATE occupancy SET resource_id = moved.provider_id, active = true, expires_at = NULL,
        period = (p_line->>'provider_period')::tstzrange
    WHERE booking_id = p_booking AND part = 'provider';
    PERFORM resources_take_again(moved, (p_line->>'resource_period')::tstzrange, NULL);
END $$;

ALTER FUNCTION visit_hold(jsonb, jsonb, jsonb, jsonb) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION visit_book(jsonb, jsonb, jsonb, jsonb) SET plan_cache_mode = force_generic_plan;
