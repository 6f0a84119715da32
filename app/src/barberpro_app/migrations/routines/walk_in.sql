-- Who walked in. A turn that is called is a booking from now on, made in the same transaction; whether
-- the provider is free is decided where it always is. Order of locks: the turn, its booking, time.

CREATE OR REPLACE FUNCTION walk_in_body(p_id uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('id', w.id, 'number', w.number, 'name', w.name, 'phone', w.phone,
        'state', w.state, 'location', jsonb_build_object('id', l.id, 'name', l.name), 'day', w.day,
        'service', jsonb_build_object('id', s.id, 'name', s.name),
        'provider', CASE WHEN p.id IS NOT NULL THEN jsonb_build_object('id', p.id, 'name', p.name) END,
        'booking_id', w.booking_id, 'joined_at', w.joined_at, 'called_at', w.called_at,
        'called_by', (SELECT v.name FROM booking b JOIN provider v ON v.id = b.provider_id
                 WHERE b.id = w.booking_id),
        'ahead', CASE WHEN w.state = 'waiting' THEN (SELECT count(*) FROM walk_in o
            WHERE o.location_id = w.location_id AND o.day = w.day AND o.state = 'waiting'
            AND o.number < w.number) END, 'version', w.version)
    FROM walk_in w JOIN location l ON l.id = w.location_id JOIN service s ON s.id = w.service_id
    LEFT JOIN provider p ON p.id = w.provider_id WHERE w.id = p_id
$$;

-- {location_id, service_id, provider_id?, name, phone?}
CREATE OR REPLACE FUNCTION walk_in_add(p_actor jsonb, p_request jsonb, p_key jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    v_answer jsonb := idempotency_begin(p_key);
    v_provider CONSTANT uuid := (p_request->>'provider_id')::uuid;
    l location;
    v_day date;
    v_id uuid;
BEGIN
    IF v_answer IS NOT NULL THEN
        RETURN v_answer;
    END IF;
    SELECT * INTO l FROM location WHERE id = (p_request->>'location_id')::uuid AND active;
    IF NOT FOUND THEN
        PERFORM refuse('not_found', 'There is no such location.', 'location_id');
    END IF;
    IF NOT EXISTS (
        SELECT FROM service s JOIN provider_service ps ON ps.service_id = s.id
        JOIN provider p ON p.id = ps.provider_id AND p.active
        JOIN provider_location pl ON pl.provider_id = p.id AND pl.location_id = l.id
        WHERE s.id = (p_request->>'service_id')::uuid AND s.active AND s.capacity = 1
          AND (v_provider IS NULL OR p.id = v_provider)) THEN
        PERFORM refuse('not_found', 'Nobody gives this service here.', 'service_id');
    END IF;
    v_day := (now() AT TIME ZONE l.zone)::date;
    PERFORM pg_advisory_xact_lock(hashtextextended(l.id::text || v_day, 7304));
    INSERT INTO walk_in (location_id, day, number, name, phone, service_id, provider_id)
    SELECT l.id, v_day, 1 + coalesce(max(number), 0), p_request->>'name', p_request->>'phone',
           (p_request->>'service_id')::uuid, v_provider
    FROM walk_in WHERE location_id = l.id AND day = v_day
    RETURNING id INTO v_id;
    PERFORM audit_record(p_actor, 'walk_in.added', 'walk_in', v_id::text,
        jsonb_build_object('service_id', p_request->>'service_id'));
    RETURN idempotency_end(p_key, 201, walk_in_body(v_id));
END $$;

CREATE OR REPLACE FUNCTION walk_in_lock(p_id uuid, p_states text[]) RETURNS walk_in LANGUAGE plpgsql AS $$
DECLARE
    w walk_in;
BEGIN
    SELECT * INTO w FROM walk_in WHERE id = p_id FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM refuse('not_found', 'There is no such turn.');
    END IF;
    IF w.state <> ALL (p_states) THEN
        PERFORM refuse('not_waiting', 'This turn is ' || w.state || '.');
    END IF;
    RETURN w;
END $$;

-- Who can begin now: of who works at this moment the one with least to do, or the one named.
CREATE OR REPLACE FUNCTION walk_in_call(p_actor jsonb, p_policies jsonb, p_id uuid, p_request jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    w CONSTANT walk_in := walk_in_lock(p_id, '{waiting}');
    v_now CONSTANT timestamptz := date_trunc('minute', now());
    v_named CONSTANT uuid := coalesce((p_request->>'provider_id')::uuid, w.provider_id);
    v_policies CONSTANT jsonb := effective_policies(p_policies);
    v_holidays CONSTANT date[] := ARRAY(SELECT jsonb_array_elements_text(p_request->'holidays'))::date[];
    l location;
    s service;
    c record;
    d booking;
    v_id uuid;
BEGIN
    IF p_actor->>'only_provider' IS NOT NULL
       AND (p_actor->>'only_provider')::uuid IS DISTINCT FROM v_named THEN
        PERFORM refuse('not_found', 'There is no such turn.');
    END IF;
    SELECT * INTO l FROM location WHERE id = w.location_id;
    SELECT * INTO s FROM service WHERE id = w.service_id;
    d.status := 'confirmed';
    d.source := 'staff';
    d.held_by := '';
    d.note := '';
    d.client_id := coalesce(w.client_id, client_of_contact(jsonb_strip_nulls(
        jsonb_build_object('name', w.name, 'phone', w.phone))));
    FOR c IN SELECT * FROM booking_candidates(v_named, s, l, v_now) LOOP
        -- whoever is called by name is called whatever their hours are
        CONTINUE WHEN v_named IS NULL AND coalesce(slot_problem(c.provider_id, l, v_now,
            v_now + make_interval(mins => c.minutes), v_holidays, 5), 'off_grid') <> 'off_grid';
        BEGIN
            v_id := booking_make(d, v_policies, jsonb_build_object('service_id', s.id,
                'location_id', l.id, 'provider_id', c.provider_id, 'starts_at', v_now,
                'holidays', p_request->'holidays', 'override_reason', 'walk-in'));
            EXIT;
        EXCEPTION WHEN exclusion_violation OR SQLSTATE 'BP001' THEN
            v_id := NULL;  -- busy: the next one
        END;
    END LOOP;
    IF v_id IS NULL THEN
        PERFORM refuse('nobody_free', 'Nobody is free for long enough now.', 'provider_id');
    END IF;
    UPDATE booking SET status = 'arrived', checked_in_at = w.joined_at, version = version + 1,
        updated_at = now() WHERE id = v_id;
    UPDATE walk_in SET state = 'called', booking_id = v_id, client_id = d.client_id, called_at = now(),
        version = version + 1 WHERE id = p_id;
    PERFORM audit_record(p_actor, 'walk_in.called', 'walk_in', p_id::text,
        jsonb_build_object('booking_id', v_id));
    RETURN jsonb_build_object('status', 200, 'body', walk_in_body(p_id), 'replayed', false);
END $$;

-- {state: left | no_answer}: who was called and did not come gives the time back.
CREATE OR REPLACE FUNCTION walk_in_end(p_actor jsonb, p_policies jsonb, p_id uuid, p_request jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_state CONSTANT text := p_request->>'state';
    w walk_in;
BEGIN
    SELECT * INTO w FROM walk_in WHERE id = p_id;
    IF w.state IS DISTINCT FROM v_state THEN
        w := walk_in_lock(p_id, CASE v_state WHEN 'left' THEN '{waiting}' ELSE '{waiting,called}' END::text[]);
        IF w.state = 'called' THEN
            PERFORM booking_set_status(p_actor, b.id, '{"status": "confirmed"}')
            FROM booking b WHERE b.id = w.booking_id AND b.status = 'arrived';
            PERFORM booking_cancel(p_actor, p_policies, b.id,
                '{"reason": "", "override_reason": "walk-in"}')
            FROM booking b WHERE b.id = w.booking_id AND b.status = 'confirmed';
        END IF;
        UPDATE walk_in SET state = v_state, version = version + 1 WHERE id = p_id;
        PERFORM audit_record(p_actor, 'walk_in.' || v_state, 'walk_in', p_id::text, '{}');
    END IF;
    RETURN jsonb_build_object('status', 200, 'body', walk_in_body(p_id), 'replayed', false);
END $$;
