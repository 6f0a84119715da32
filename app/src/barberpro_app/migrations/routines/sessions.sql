-- Groups: sessions with seats.
--
-- A session takes its provider's time by one row of `occupancy`; a booking in it takes seats and no
-- time of its own. Seats are counted under a lock of the session's row, so there are never more than
-- its capacity. Order of locks: idempotency key, session, bookings in it, time. A booking that has no
-- seat (cancelled, expired) may be locked before its session: nobody who holds the session waits for it.

-- Of a booking's status. A hold has its seats until it ends.
CREATE OR REPLACE FUNCTION takes_seats(p_status text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT p_status NOT IN ('cancelled', 'expired')
$$;

-- Locks a session, after ending the holds in it whose time is over. A hold that is confirmed at this
-- moment is waited for, and then has its seats.
CREATE OR REPLACE FUNCTION session_lock(p_id uuid) RETURNS group_session LANGUAGE plpgsql AS $$
DECLARE
    g group_session;
    v_id uuid;
BEGIN
    SELECT * INTO g FROM group_session WHERE id = p_id FOR NO KEY UPDATE;
    FOR v_id IN SELECT id FROM booking WHERE session_id = p_id AND hold_expires_at <= now()
                ORDER BY id FOR NO KEY UPDATE LOOP
        PERFORM expire_hold(v_id);
    END LOOP;
    RETURN g;
END $$;

-- Seats taken of a locked session, without those of one booking.
CREATE OR REPLACE FUNCTION session_taken(p_session uuid, p_except uuid) RETURNS integer
LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT coalesce(sum(seats), 0)::integer FROM booking
            WHERE session_id = p_session AND takes_seats(status) AND id IS DISTINCT FROM p_except);
END $$;

-- The session of a service that starts there and then and has so many seats left, locked: the one
-- named, the provider's, or any. Refuses if there is none.
CREATE OR REPLACE FUNCTION session_with_room(
    p_service uuid, p_location uuid, p_starts timestamptz, p_request jsonb, p_seats integer,
    p_booking uuid
) RETURNS group_session LANGUAGE plpgsql AS $$
DECLARE
    v_session CONSTANT uuid := (p_request->>'session_id')::uuid;
    v_provider CONSTANT uuid := (p_request->>'provider_id')::uuid;
    v_full boolean := false;
    v_id uuid;
    g group_session;
BEGIN
    FOR v_id IN SELECT x.id FROM group_session x
                WHERE x.service_id = p_service AND x.location_id = p_location
                  AND x.starts_at = p_starts AND x.state = 'scheduled'
                  AND (v_session IS NULL OR x.id = v_session)
                  AND (v_provider IS NULL OR x.provider_id = v_provider)
                ORDER BY x.id LOOP
        g := session_lock(v_id);
        -- it may have been changed before it was locked
        CONTINUE WHEN g.state <> 'scheduled' OR g.starts_at <> p_starts
            OR g.provider_id <> coalesce(v_provider, g.provider_id);
        IF session_taken(g.id, p_booking) + p_seats <= g.capacity THEN
            RETURN g;
        END IF;
        v_full := true;
    END LOOP;
    IF v_full THEN
        PERFORM refuse('session_full', 'So many seats are not left.', 'seats');
    ELSIF v_session IS NULL THEN
        PERFORM refuse('slot_unavailable', 'This time is not offered: no_session.', 'starts_at');
    ELSIF EXISTS (SELECT FROM group_session WHERE id = v_session) THEN
        PERFORM refuse('session_changed', 'This was moved or cancelled; look at it again.',
                       'session_id');
    ELSE
        PERFORM refuse('not_found', 'There is no such session.', 'session_id');
    END IF;
END $$;

-- Makes a booking in a session: booking_make for services that are given to a group.
CREATE OR REPLACE FUNCTION session_join(
    p_draft booking, p_service service, p_location location, p_request jsonb
) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    d booking := p_draft;
    g group_session;
BEGIN
    d.seats := coalesce((p_request->>'seats')::integer, 1);
    g := session_with_room(p_service.id, p_location.id, d.starts_at, p_request, d.seats, NULL);
    d.id := uuidv7();
    d.code := new_booking_code();
    d.session_id := g.id;
    d.service_id := g.service_id;
    d.location_id := g.location_id;
    d.provider_id := g.provider_id;
    d.any_provider := coalesce(p_request->>'provider_id', p_request->>'session_id') IS NULL;
    d.ends_at := g.ends_at;
    d.zone := g.zone;
    d.price_centavos := d.seats * coalesce(
        (SELECT price_centavos FROM provider_service
         WHERE provider_id = g.provider_id AND service_id = g.service_id), p_service.price_centavos);
    RETURN booking_insert(d, NULL);
END $$;

-- Where a booking in a session is to move: locked, before the booking is. Null if it is in none, or
-- is not one that this actor may move.
CREATE OR REPLACE FUNCTION session_for_move(p_actor jsonb, p_booking uuid, p_request jsonb)
RETURNS group_session LANGUAGE plpgsql AS $$
DECLARE
    b booking;
BEGIN
    SELECT * INTO b FROM booking WHERE id = p_booking;
    IF b.session_id IS NULL OR b.status <> 'confirmed'
       OR NOT booking_visible(p_actor, b.client_id, b.provider_id, b.held_by) THEN
        RETURN NULL;
    END IF;
    RETURN session_with_room(b.service_id, b.location_id, (p_request->>'starts_at')::timestamptz,
                             p_request, b.seats, b.id);
END $$;

-- Moves a locked booking into a locked session with room; the price stays as agreed.
CREATE OR REPLACE FUNCTION session_receive(
    b booking, g group_session, p_policies jsonb, p_request jsonb
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF g.id IS NULL THEN
        PERFORM refuse('stale_version', 'Somebody else changed this booking meanwhile.', 'version');
    END IF;
    IF p_request->>'override_reason' IS NULL THEN
        PERFORM check_start(g.starts_at, g.zone, p_policies);
    ELSIF g.starts_at < now() - interval '7 days' THEN
        PERFORM refuse('too_soon', 'This is more than seven days ago.', 'starts_at');
    END IF;
    UPDATE booking SET session_id = g.id, provider_id = g.provider_id, starts_at = g.starts_at,
        ends_at = g.ends_at, version = version + 1, updated_at = now() WHERE id = b.id;
END $$;

-- Whether a locked booking without a seat can have its seats back; it follows its session to where
-- that is now, or (p_follow false) must find it where it was.
CREATE OR REPLACE FUNCTION session_takes_back(b booking, p_follow boolean) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    g CONSTANT group_session := session_lock(b.session_id);
BEGIN
    IF g.state <> 'scheduled' OR session_taken(g.id, b.id) + b.seats > g.capacity
       OR (g.starts_at <> b.starts_at AND NOT p_follow) THEN
        RETURN false;
    END IF;
    UPDATE booking SET provider_id = g.provider_id, starts_at = g.starts_at, ends_at = g.ends_at
    WHERE id = b.id;
    RETURN true;
END $$;

-- Called whenever seats of a session become free, in the transaction that frees them and with its
-- locks: a mark for whoever looks through the waiting list. It locks no session.
CREATE OR REPLACE FUNCTION session_seats_freed(p_session uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM waiting_entry WHERE session_id = p_session AND state = 'waiting') THEN
        INSERT INTO freed_time DEFAULT VALUES;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION booking_left_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM session_seats_freed(OLD.session_id);
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER booking_z_seats AFTER UPDATE OF status, session_id ON booking
    FOR EACH ROW WHEN (OLD.session_id IS NOT NULL AND OLD.status NOT IN ('cancelled', 'expired')
        AND (NEW.session_id IS DISTINCT FROM OLD.session_id
             OR NEW.status IN ('cancelled', 'expired')))
    EXECUTE FUNCTION booking_left_session();

-- Open pages hear of sessions as they hear of bookings.
CREATE OR REPLACE TRIGGER group_session_told AFTER INSERT OR UPDATE OR DELETE ON group_session
    FOR EACH ROW EXECUTE FUNCTION booking_told();

CREATE OR REPLACE VIEW session_document AS
SELECT g.id, g.starts_at, g.state, g.service_id, g.provider_id, g.location_id, g.capacity,
       seats.taken,
       jsonb_build_object(
           'id', g.id, 'state', g.state, 'starts_at', g.starts_at, 'ends_at', g.ends_at,
           'zone', g.zone, 'capacity', g.capacity, 'free', greatest(0, g.capacity - seats.taken),
           'place', g.place, 'cancel_reason', g.cancel_reason, 'version', g.version,
           'price_centavos', price.price,
           'service', jsonb_build_object('id', s.id, 'name', s.name, 'minutes',
               (extract(epoch FROM g.ends_at - g.starts_at) / 60)::integer),
           'provider', jsonb_build_object('id', p.id, 'name', p.name),
           'location', jsonb_build_object('id', l.id, 'name', l.name)) AS document
FROM group_session g
JOIN service s ON s.id = g.service_id
JOIN provider p ON p.id = g.provider_id
JOIN location l ON l.id = g.location_id
LEFT JOIN provider_service ps ON ps.provider_id = g.provider_id AND ps.service_id = g.service_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(b.seats), 0)::integer AS taken FROM booking b
    WHERE b.session_id = g.id AND takes_seats(b.status)
      AND (b.hold_expires_at IS NULL OR b.hold_expires_at > now())
) seats
CROSS JOIN LATERAL booking_price(g.service_id, g.provider_id, g.starts_at, g.zone,
                                 coalesce(ps.price_centavos, s.price_centavos)) price;

CREATE OR REPLACE FUNCTION session_body(p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT document FROM session_document WHERE id = p_id);
END $$;

-- Why a session cannot be then, or null. A session may lie outside its provider's hours: it says its
-- own time.
CREATE OR REPLACE FUNCTION session_problem(
    p_provider uuid, p_location location, p_starts timestamptz, p_ends timestamptz, p_holidays date[]
) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_day CONSTANT date := (p_starts AT TIME ZONE p_location.zone)::date;
BEGIN
    IF NOT coalesce((SELECT open FROM holiday_override WHERE day = v_day),
                    v_day <> ALL (p_holidays)) THEN
        RETURN 'holiday';
    END IF;
    IF EXISTS (SELECT FROM time_off t WHERE t.period && tstzrange(p_starts, p_ends)
               AND (t.provider_id = p_provider OR t.location_id = p_location.id)) THEN
        RETURN 'time_off';
    END IF;
    RETURN NULL;
END $$;

-- Refuses a time that a session cannot have: for p_draft's service, provider, location and period.
CREATE OR REPLACE FUNCTION session_check(g group_session, p_request jsonb) RETURNS void
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_enforced CONSTANT boolean := p_request->>'override_reason' IS NULL;
    l location;
    v_problem text;
BEGIN
    SELECT * INTO l FROM location WHERE id = g.location_id;
    IF NOT EXISTS (SELECT FROM provider p
            JOIN provider_service ps ON ps.provider_id = p.id AND ps.service_id = g.service_id
            JOIN provider_location pl ON pl.provider_id = p.id AND pl.location_id = g.location_id
            WHERE p.id = g.provider_id AND p.active) THEN
        PERFORM refuse('not_offered', 'This provider does not give this service here.',
                       'provider_id');
    END IF;
    IF g.starts_at < now() AND (v_enforced OR g.starts_at < now() - interval '7 days') THEN
        PERFORM refuse('too_soon', 'This is over already.', 'starts_at');
    END IF;
    IF v_enforced THEN
        v_problem := session_problem(g.provider_id, l, g.starts_at, g.ends_at,
            ARRAY(SELECT jsonb_array_elements_text(p_request->'holidays'))::date[]);
        IF v_problem IS NOT NULL THEN
            PERFORM refuse('slot_unavailable', 'This time is not offered: ' || v_problem || '.',
                           'starts_at');
        END IF;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION session_period(g group_session) RETURNS tstzrange LANGUAGE sql STABLE AS $$
    SELECT tstzrange(g.starts_at - make_interval(mins => s.buffer_before),
                     g.ends_at + make_interval(mins => s.buffer_after))
    FROM service s WHERE s.id = g.service_id
$$;

-- {service_id, provider_id, location_id, starts_at, minutes?, capacity?, place?, override_reason?}
CREATE OR REPLACE FUNCTION session_create(p_actor jsonb, p_request jsonb, p_key jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_answer jsonb := idempotency_begin(p_key);
    g group_session;
BEGIN
    IF v_answer IS NOT NULL THEN
        RETURN v_answer;
    END IF;
    g := session_add(p_request);
    v_answer := session_body(g.id);
    PERFORM audit_record(p_actor, 'session.created', 'session', g.id::text,
                         session_facts(v_answer, p_request));
    RETURN idempotency_end(p_key, 201, v_answer);
END $$;

-- Puts a session in place; raises exclusion_violation if its provider is taken.
CREATE OR REPLACE FUNCTION session_add(p_request jsonb) RETURNS group_session LANGUAGE plpgsql AS $$
DECLARE
    s service;
    l location;
    g group_session;
BEGIN
    SELECT * INTO s FROM service WHERE id = (p_request->>'service_id')::uuid AND active;
    IF NOT FOUND THEN
        PERFORM refuse('not_found', 'There is no such service.', 'service_id');
    ELSIF s.capacity = 1 THEN
        PERFORM refuse('not_a_group', 'This service is given to one client at a time.', 'service_id');
    END IF;
    SELECT * INTO l FROM location WHERE id = (p_request->>'location_id')::uuid AND active;
    IF NOT FOUND THEN
        PERFORM refuse('not_found', 'There is no such location.', 'location_id');
    END IF;
    g.id := uuidv7();
    g.service_id := s.id;
    g.provider_id := (p_request->>'provider_id')::uuid;
    g.location_id := l.id;
    g.starts_at := (p_request->>'starts_at')::timestamptz;
    g.ends_at := g.starts_at + make_interval(mins => coalesce((p_request->>'minutes')::integer,
        (SELECT minutes FROM provider_service
         WHERE provider_id = g.provider_id AND service_id = s.id), s.minutes));
    PERFORM session_check(g, p_request);
    PERFORM booking_prepare(g.service_id, g.location_id, g.provider_id, session_period(g));
    INSERT INTO group_session (id, service_id, provider_id, location_id, starts_at, ends_at, zone,
                               capacity, place)
    VALUES (g.id, g.service_id, g.provider_id, g.location_id, g.starts_at, g.ends_at, l.zone,
            coalesce((p_request->>'capacity')::integer, s.capacity),
            coalesce(p_request->>'place', ''))
    RETURNING * INTO g;
    INSERT INTO occupancy (session_id, resource_id, period)
    VALUES (g.id, g.provider_id, session_period(g));
    PERFORM session_take_resources(g);
    RETURN g;
END $$;

-- A session takes the room or equipment that its service needs, once for all who are in it: the same
-- as before if it is free. Raises exclusion_violation if one is lacking. Needs booking_prepare before.
CREATE OR REPLACE FUNCTION session_take_resources(g group_session) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_before CONSTANT uuid[] := ARRAY(SELECT o.resource_id FROM occupancy o
        WHERE o.session_id = g.id AND o.part <> 'provider');
    b booking;
BEGIN
    DELETE FROM occupancy WHERE session_id = g.id AND part <> 'provider';
    b.session_id := g.id;
    b.service_id := g.service_id;
    b.location_id := g.location_id;
    b.starts_at := g.starts_at;
    b.zone := g.zone;
    PERFORM resources_take(b, session_period(g), NULL, v_before);
END $$;

CREATE OR REPLACE FUNCTION session_facts(p_body jsonb, p_request jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'starts_at', p_body->>'starts_at', 'service_id', p_body->'service'->>'id',
        'provider_id', p_body->'provider'->>'id', 'capacity', p_body->'capacity',
        'override', p_request->>'override_reason'))
$$;

-- The session, locked, if it is the actor's and at the version that was read. A provider's login has
-- the own ones only.
CREATE OR REPLACE FUNCTION session_lock_for(p_actor jsonb, p_id uuid, p_version integer)
RETURNS group_session LANGUAGE plpgsql AS $$
DECLARE
    g CONSTANT group_session := session_lock(p_id);
BEGIN
    IF g.id IS NULL OR g.provider_id <> coalesce((p_actor->>'only_provider')::uuid, g.provider_id) THEN
        PERFORM refuse('not_found', 'There is no such session.');
    END IF;
    IF g.version <> p_version THEN
        PERFORM refuse('stale_version', 'Somebody else changed this session meanwhile.', 'version');
    END IF;
    RETURN g;
END $$;

-- The bookings in a locked session are locked too; refuses if somebody has come already.
CREATE OR REPLACE FUNCTION session_lock_bookings(p_session uuid) RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE
    b record;
    v_ids uuid[] := '{}';
BEGIN
    FOR b IN SELECT id, status FROM booking WHERE session_id = p_session AND takes_seats(status)
             ORDER BY id FOR NO KEY UPDATE LOOP
        IF b.status IN ('arrived', 'completed') THEN
            PERFORM refuse('not_changeable', 'Somebody has come to this session already.');
        END IF;
        v_ids := v_ids || CASE WHEN b.status <> 'no_show' THEN b.id END;
    END LOOP;
    RETURN array_remove(v_ids, NULL);
END $$;

-- {starts_at?, minutes?, provider_id?, capacity?, place?, version?, override_reason?}: what is left
-- out stays. Who is booked moves along and is told.
CREATE OR REPLACE FUNCTION session_change(p_actor jsonb, p_id uuid, p_request jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    g group_session := session_lock_for(p_actor, p_id, (p_request->>'version')::integer);
    v_was CONSTANT group_session := g;
    v_body jsonb;
BEGIN
    IF g.state <> 'scheduled' THEN
        PERFORM refuse('not_changeable', 'This session is cancelled.');
    END IF;
    g.starts_at := coalesce((p_request->>'starts_at')::timestamptz, g.starts_at);
    g.ends_at := g.starts_at + coalesce(make_interval(mins => (p_request->>'minutes')::integer),
                                        v_was.ends_at - v_was.starts_at);
    g.provider_id := coalesce((p_request->>'provider_id')::uuid, g.provider_id);
    g.capacity := coalesce((p_request->>'capacity')::integer, g.capacity);
    g.place := coalesce(p_request->>'place', g.place);
    IF g.capacity < v_was.capacity AND g.capacity < session_taken(g.id, NULL) THEN
        PERFORM refuse('capacity_below_taken', 'More seats are taken already.', 'capacity');
    END IF;
    IF (g.starts_at, g.ends_at, g.provider_id)
       IS DISTINCT FROM (v_was.starts_at, v_was.ends_at, v_was.provider_id) THEN
        PERFORM session_move(g, v_was, p_request);
    END IF;
    UPDATE group_session SET starts_at = g.starts_at, ends_at = g.ends_at,
        provider_id = g.provider_id, capacity = g.capacity, place = g.place,
        version = version + 1, updated_at = now() WHERE id = g.id;
    IF g.capacity > v_was.capacity THEN
        PERFORM session_seats_freed(g.id);
    END IF;
    v_body := session_body(g.id);
    PERFORM audit_record(p_actor, 'session.changed', 'session', g.id::text,
        session_facts(v_body, p_request) || jsonb_build_object('from', v_was.starts_at));
    RETURN jsonb_build_object('status', 200, 'body', v_body, 'replayed', false);
END $$;

CREATE OR REPLACE FUNCTION session_move(g group_session, p_was group_session, p_request jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_ids CONSTANT uuid[] := session_lock_bookings(g.id);
    v_id uuid;
    v_body jsonb;
BEGIN
    PERFORM session_check(g, p_request);
    PERFORM booking_prepare(g.service_id, g.location_id, g.provider_id, session_period(g));
    UPDATE occupancy SET resource_id = g.provider_id, period = session_period(g)
    WHERE session_id = g.id AND part = 'provider';
    PERFORM session_take_resources(g);
    UPDATE booking SET starts_at = g.starts_at, ends_at = g.ends_at, provider_id = g.provider_id,
        version = version + 1, updated_at = now() WHERE id = ANY (v_ids);
    FOREACH v_id IN ARRAY v_ids LOOP
        v_body := booking_body(v_id);
        IF v_body->>'status' <> 'held'
           AND (g.starts_at, g.provider_id) <> (p_was.starts_at, p_was.provider_id) THEN
            PERFORM tell_client('booking_rescheduled', v_body);
        END IF;
    END LOOP;
END $$;

-- {reason?, version?}: cancels it with all bookings in it, which are told and paid back by the same
-- rules as any booking that the business cancels. One that is cancelled is answered as it is.
CREATE OR REPLACE FUNCTION session_cancel(
    p_actor jsonb, p_policies jsonb, p_id uuid, p_request jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    c_actor CONSTANT jsonb := (p_actor - 'only_client' - 'only_provider') || '{"staff": true}'::jsonb;
    g group_session;
    v_ids uuid[];
    v_id uuid;
    v_body jsonb;
BEGIN
    -- one at a time: the bookings of two sessions may be paid from the same passes
    PERFORM pg_advisory_xact_lock(7311);
    g := session_lock_for(p_actor, p_id, NULL);
    IF g.state = 'scheduled' THEN
        IF g.version <> (p_request->>'version')::integer THEN
            PERFORM refuse('stale_version', 'Somebody else changed this session meanwhile.',
                           'version');
        END IF;
        v_ids := session_lock_bookings(g.id);
        UPDATE group_session SET state = 'cancelled', version = version + 1, updated_at = now(),
            cancel_reason = coalesce(p_request->>'reason', '') WHERE id = g.id;
        UPDATE occupancy SET active = false WHERE session_id = g.id;
        FOREACH v_id IN ARRAY v_ids LOOP
            PERFORM booking_cancel(c_actor, p_policies, v_id, jsonb_build_object(
                'reason', coalesce(p_request->>'reason', ''),
                'override_reason', 'session cancelled'));
        END LOOP;
        v_body := session_body(g.id);
        PERFORM audit_record(p_actor, 'session.cancelled', 'session', g.id::text,
            session_facts(v_body, '{}') || jsonb_build_object('bookings', cardinality(v_ids)));
    END IF;
    RETURN jsonb_build_object('status', 200, 'body', session_body(p_id), 'replayed', false);
END $$;
