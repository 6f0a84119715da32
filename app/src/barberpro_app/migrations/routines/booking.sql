-- The life of a booking: one call, one transaction, one round trip each.
--
-- Arguments are jsonb so that the functions can grow without new signatures:
--   p_actor     {kind, id, name, request_id, only_client, only_provider, staff}: who, and what of
--               others' bookings they may touch; `staff` is true for staff and API clients
--   p_policies  app.json's policies; the owner's changes go on top
--   p_request   the body; with `holidays`, the public holidays near starts_at
--   p_key       {principal, key, hash} of the Idempotency-Key, or null
-- Answer: {status, body: the booking, replayed}.

-- In PL/pgSQL because it keeps the plan; a function in SQL would plan four joins at each call.
CREATE OR REPLACE FUNCTION booking_body(p_id uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT document FROM booking_document WHERE id = p_id);
END $$;

CREATE OR REPLACE FUNCTION tell_client(p_kind text, p_body jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_client CONSTANT uuid := (p_body->'client'->>'id')::uuid;
    v_email CONSTANT text := p_body->'client'->>'email';
    c record;
BEGIN
    SELECT * INTO c FROM booking_channel(v_client, (p_body->>'id')::uuid);
    INSERT INTO message (kind, channel, recipient, client_id, locale, payload, dedupe_key)
    SELECT p_kind, coalesce(c.channel, 'email'), coalesce(c.address, v_email), v_client,
           p_body->'client'->>'locale', p_body,
           p_kind || ':' || (p_body->>'id') || ':' || (p_body->>'version')
    WHERE coalesce(c.address, v_email) IS NOT NULL
    ON CONFLICT (dedupe_key) DO NOTHING;
END $$;

-- The booking, locked, if the actor may touch it at the version that it was read.
CREATE OR REPLACE FUNCTION booking_lock(p_actor jsonb, p_id uuid, p_version integer)
RETURNS booking LANGUAGE plpgsql AS $$
DECLARE
    b booking;
BEGIN
    PERFORM visit_of_booking_lock(p_id);
    SELECT * INTO b FROM booking WHERE id = p_id FOR NO KEY UPDATE;
    IF NOT FOUND OR NOT booking_visible(p_actor, b.client_id, b.provider_id, b.held_by) THEN
        PERFORM refuse('not_found', 'There is no such booking.');
    END IF;
    IF p_version IS NOT NULL AND b.version <> p_version THEN
        PERFORM refuse('stale_version', 'Somebody else changed this booking meanwhile.', 'version');
    END IF;
    RETURN b;
END $$;

-- Staff and API clients see all, a provider's login its own agenda, a client the own bookings, and
-- whoever made a hold that hold; an anonymous hold is known by its id alone, until it has a client.
CREATE OR REPLACE FUNCTION booking_visible(p_actor jsonb, p_client uuid, p_provider uuid, p_held_by text)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN p_actor->>'only_provider' IS NOT NULL
            THEN p_provider = (p_actor->>'only_provider')::uuid
        WHEN (p_actor->>'staff')::boolean THEN true
        WHEN p_client IS NOT NULL
            THEN coalesce(p_client = (p_actor->>'only_client')::uuid, false)
        ELSE p_held_by IN ('', coalesce(p_actor->>'only_client', '')) END
$$;

-- Inserts the booking and takes its time; one in a session has seats there instead. Raises
-- exclusion_violation if the time is taken.
CREATE OR REPLACE FUNCTION booking_insert(p booking, p_period tstzrange) RETURNS uuid LANGUAGE plpgsql AS $$
BEGIN
    IF p.session_id IS NULL THEN
        PERFORM booking_prepare(p.service_id, p.location_id, p.provider_id, p_period);
    END IF;
    INSERT INTO booking (id, code, status, client_id, provider_id, service_id, location_id,
        starts_at, ends_at, zone, price_centavos, hold_expires_at, held_by, any_provider, source,
        note, contact, visit_id, visit_line, session_id, seats)
    VALUES (p.id, p.code, p.status, p.client_id, p.provider_id, p.service_id, p.location_id,
        p.starts_at, p.ends_at, p.zone, p.price_centavos, p.hold_expires_at, p.held_by,
        p.any_provider, p.source, p.note, p.contact, p.visit_id, p.visit_line, p.session_id,
        coalesce(p.seats, 1));
    IF p.session_id IS NOT NULL THEN
        RETURN p.id;
    END IF;
    INSERT INTO occupancy (booking_id, resource_id, period, expires_at)
    VALUES (p.id, p.provider_id, p_period, p.hold_expires_at);
    IF p.visit_id IS NULL AND EXISTS (SELECT FROM service_resource WHERE service_id = p.service_id) THEN
        PERFORM resources_take(p, p_period, p.hold_expires_at);
    END IF;
    RETURN p.id;
END $$;

-- Makes a booking of p_draft (status, client, note, held_by, source, hold_expires_at are given)
-- with the provider asked for, or with the one who is free and has least to do that day.
CREATE OR REPLACE FUNCTION booking_make(p_draft booking, p_policies jsonb, p_request jsonb)
RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    d booking := p_draft;
    v_enforced CONSTANT boolean := p_request->>'override_reason' IS NULL;
    v_provider CONSTANT uuid := (p_request->>'provider_id')::uuid;
    v_holidays CONSTANT date[] := ARRAY(SELECT jsonb_array_elements_text(p_request->'holidays'))::date[];
    l location;
    s service;
    c record;
    v_period tstzrange;
    v_problem text;
    v_last text := 'not_offered';
BEGIN
    d.starts_at := (p_request->>'starts_at')::timestamptz;
    SELECT * INTO l FROM location WHERE id = (p_request->>'location_id')::uuid AND active;
    IF NOT FOUND THEN
        PERFORM refuse('not_found', 'There is no such location.', 'location_id');
    END IF;
    SELECT * INTO s FROM service WHERE id = (p_request->>'service_id')::uuid AND active;
    IF NOT FOUND THEN
        PERFORM refuse('not_found', 'There is no such service.', 'service_id');
    END IF;
    IF v_enforced THEN
        PERFORM check_start(d.starts_at, l.zone, p_policies);
    ELSIF d.starts_at < now() - interval '7 days' THEN
        PERFORM refuse('too_soon', 'This is more than seven days ago.', 'starts_at');
    END IF;
    IF s.capacity > 1 OR p_request->>'session_id' IS NOT NULL THEN
        RETURN session_join(d, s, l, p_request);
    ELSIF (p_request->>'seats')::integer > 1 THEN
        PERFORM refuse('not_a_group', 'This service is given to one client at a time.', 'seats');
    END IF;
    d.service_id := s.id;
    d.location_id := l.id;
    d.zone := l.zone;
    d.code := new_booking_code();
    d.any_provider := v_provider IS NULL;
    FOR c IN SELECT * FROM booking_candidates(v_provider, s, l, d.starts_at) LOOP
        d.id := uuidv7();
        d.provider_id := c.provider_id;
        d.ends_at := d.starts_at + make_interval(mins => c.minutes);
        d.price_centavos := c.price_centavos;
        v_period := tstzrange(d.starts_at - make_interval(mins => s.buffer_before),
                              d.ends_at + make_interval(mins => s.buffer_after));
        v_problem := CASE WHEN v_enforced THEN slot_problem(c.provider_id, l, d.starts_at,
            d.ends_at, v_holidays, (p_policies->>'slot_minutes')::integer) END;
        IF v_problem IS NOT NULL THEN
            v_last := CASE WHEN v_last = 'slot_taken' THEN v_last ELSE v_problem END;
        ELSIF v_provider IS NOT NULL THEN
            RETURN booking_insert(d, v_period);
        ELSE
            -- a loser of the race goes to the next provider; the block gives its locks back
            BEGIN
                RETURN booking_insert(d, v_period);
            EXCEPTION WHEN exclusion_violation THEN
                v_last := 'slot_taken';
            END;
        END IF;
    END LOOP;
    PERFORM refuse(CASE WHEN v_last IN ('slot_taken', 'not_offered') THEN v_last
                        ELSE 'slot_unavailable' END,
                   CASE v_last WHEN 'slot_taken' THEN 'This time is taken.'
                               WHEN 'not_offered' THEN 'Nobody gives this service here.'
                               ELSE 'This time is not offered: ' || v_last || '.' END,
                   'starts_at');
END $$;

-- As before, but "any provider" passes over those who may not be booked; one asked for by name is
-- refused by the trigger below, with the reason.
CREATE OR REPLACE FUNCTION booking_candidates(
    p_provider uuid, p_service service, p_location location, p_starts timestamptz
) RETURNS TABLE (provider_id uuid, minutes integer, price_centavos bigint)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_midnight timestamp;
    v_day tstzrange;
BEGIN
    IF p_provider IS NOT NULL THEN
        RETURN QUERY
        SELECT p.id, coalesce(ps.minutes, p_service.minutes),
               coalesce(ps.price_centavos, p_service.price_centavos)
        FROM provider p
        JOIN provider_service ps ON ps.provider_id = p.id AND ps.service_id = p_service.id
        JOIN provider_location pl ON pl.provider_id = p.id AND pl.location_id = p_location.id
        WHERE p.id = p_provider AND p.active;
        RETURN;
    END IF;
    v_midnight := date_trunc('day', p_starts AT TIME ZONE p_location.zone);
    v_day := tstzrange(v_midnight AT TIME ZONE p_location.zone,
        (v_midnight + interval '1 day') AT TIME ZONE p_location.zone);
    RETURN QUERY
    SELECT p.id, coalesce(ps.minutes, p_service.minutes),
           coalesce(ps.price_centavos, p_service.price_centavos)
    FROM provider p
    JOIN provider_service ps ON ps.provider_id = p.id AND ps.service_id = p_service.id
    JOIN provider_location pl ON pl.provider_id = p.id AND pl.location_id = p_location.id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(upper(o.period) - lower(o.period)), interval '0') AS booked
        FROM occupancy o
        WHERE o.resource_id = p.id AND o.active AND o.period && v_day
          AND (o.expires_at IS NULL OR o.expires_at > now())
    ) busy
    WHERE p.active AND provider_bookable(p.id)
    ORDER BY busy.booked, p.sort, p.name, p.id;
END $$;

CREATE OR REPLACE FUNCTION booking_hold(p_actor jsonb, p_policies jsonb, p_request jsonb, p_key jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_policies CONSTANT jsonb := effective_policies(p_policies);
    v_answer jsonb := idempotency_begin(p_key);
    d booking;
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
    d.id := booking_make(d, v_policies, p_request);
    PERFORM audit_record(p_actor, 'booking.held', 'booking', d.id::text, p_request - 'holidays'
        - 'override_reason' || jsonb_strip_nulls(jsonb_build_object('override', p_request->>'override_reason')));
    RETURN idempotency_end(p_key, 201, booking_body(d.id));
END $$;

-- A client keeps few times at once; holds without a sign-in are limited by address, in the app.
CREATE OR REPLACE FUNCTION check_holds(p_actor jsonb) RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE
    c_most CONSTANT integer := 5;
BEGIN
    IF p_actor->>'only_client' IS NOT NULL AND (
        SELECT count(DISTINCT coalesce(visit_id, id)) FROM booking
        WHERE status = 'held' AND hold_expires_at > now()
        AND held_by = p_actor->>'only_client') >= c_most
    THEN
        PERFORM refuse('too_many_holds',
            'You keep too many times already; confirm or release one first.');
    END IF;
END $$;

CREATE OR REPLACE FUNCTION booking_book(p_actor jsonb, p_policies jsonb, p_request jsonb, p_key jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_answer jsonb := idempotency_begin(p_key);
    d booking;
    r approval_rule;
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
    r := approval_rule_for((p_request->>'service_id')::uuid, d.client_id, d.source);
    IF r.id IS NOT NULL THEN
        d.status := 'held';
        d.hold_expires_at := now() + interval '1 hour';
    END IF;
    d.id := booking_make(d, effective_policies(p_policies), p_request);
    IF r.id IS NOT NULL THEN
        SELECT * INTO d FROM booking WHERE id = d.id;
        RETURN idempotency_end(p_key, 201, booking_ask(p_actor, d, r, d.client_id, p_request));
    END IF;
    v_answer := booking_body(d.id);
    PERFORM audit_record(p_actor, 'booking.confirmed', 'booking', d.id::text,
        booking_facts(v_answer, p_request));
    PERFORM tell_client('booking_confirmed', v_answer);
    RETURN idempotency_end(p_key, 201, v_answer);
END $$;

-- The client of a request: the signed-in one, the one named, or the contact's.
CREATE OR REPLACE FUNCTION booking_client(p_actor jsonb, p_request jsonb) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    v_id uuid := coalesce(p_actor->>'only_client', p_request->>'client_id')::uuid;
BEGIN
    IF v_id IS NOT NULL THEN
        IF NOT EXISTS (SELECT FROM client WHERE id = v_id) THEN
            PERFORM refuse('not_found', 'There is no such client.', 'client_id');
        END IF;
        RETURN v_id;
    END IF;
    IF p_request->'client'->>'name' IS NULL THEN
        PERFORM refuse('client_required', 'Say who the booking is for.', 'client');
    END IF;
    v_id := client_of_contact(p_request->'client');
    IF p_request->'client'->>'whatsapp' IS NOT NULL THEN
        PERFORM contact_agrees(p_actor, v_id, p_request->'client');
    END IF;
    RETURN v_id;
END $$;

-- The contact that a request gives, if it is that which names the client.
CREATE OR REPLACE FUNCTION booking_contact(p_actor jsonb, p_request jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN coalesce(p_actor->>'only_client', p_request->>'client_id') IS NULL
                THEN p_request->'client' END
$$;

-- What the audit trail keeps of a booking: no personal data.
CREATE OR REPLACE FUNCTION booking_facts(p_body jsonb, p_request jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'code', p_body->>'code', 'status', p_body->>'status', 'starts_at', p_body->>'starts_at',
        'provider_id', p_body->'provider'->>'id', 'service_id', p_body->'service'->>'id',
        'override', p_request->>'override_reason'))
$$;

CREATE OR REPLACE FUNCTION booking_confirm(
    p_actor jsonb, p_policies jsonb, p_id uuid, p_request jsonb, p_key jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_answer jsonb := idempotency_begin(p_key);
    b booking;
    r approval_rule;
    v_client uuid;
BEGIN
    IF v_answer IS NOT NULL THEN
        RETURN v_answer;
    END IF;
    b := booking_lock(p_actor, p_id, NULL);
    IF b.visit_id IS NOT NULL THEN
        RETURN idempotency_end(p_key, 200,
            visit_confirm(p_actor, p_policies, b.visit_id, p_request, NULL)->'body');
    END IF;
    PERFORM check_held(b);
    v_client := booking_client(p_actor, p_request);
    r := booking_asks(b, v_client);
    IF r.id IS NOT NULL THEN
        RETURN idempotency_end(p_key, 200, booking_ask(p_actor, b, r, v_client, p_request));
    END IF;
    UPDATE booking SET status = 'confirmed', hold_expires_at = NULL, version = version + 1,
        updated_at = now(), client_id = v_client,
        contact = coalesce(booking_contact(p_actor, p_request),
                           CASE WHEN b.client_id = v_client THEN b.contact END),
        note = coalesce(p_request->>'note', '')
    WHERE id = p_id;
    UPDATE occupancy SET expires_at = NULL WHERE booking_id = p_id;
    v_answer := booking_body(p_id);
    PERFORM audit_record(p_actor, 'booking.confirmed', 'booking', p_id::text,
        booking_facts(v_answer, p_request));
    PERFORM tell_client('booking_confirmed', v_answer);
    RETURN idempotency_end(p_key, 200, v_answer);
END $$;

CREATE OR REPLACE FUNCTION check_held(b booking) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF b.status = 'expired' OR (b.status = 'held' AND b.hold_expires_at <= now()) THEN
        PERFORM refuse('hold_expired', 'The time is no longer kept for you; choose again.');
    ELSIF b.status <> 'held' THEN
        PERFORM refuse('not_held', 'This is ' || b.status || ', not a hold.');
    END IF;
END $$;

CREATE OR REPLACE FUNCTION booking_extend(p_actor jsonb, p_policies jsonb, p_id uuid)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_policies CONSTANT jsonb := effective_policies(p_policies);
    v_until CONSTANT timestamptz :=
        now() + make_interval(mins => (v_policies->>'hold_minutes')::integer);
    b booking := booking_lock(p_actor, p_id, NULL);
BEGIN
    IF b.visit_id IS NOT NULL THEN
        RETURN visit_extend(p_actor, p_policies, b.visit_id);
    END IF;
    PERFORM check_held(b);
    IF b.hold_extended THEN
        PERFORM refuse('already_extended', 'A hold can be extended once.');
    END IF;
    UPDATE booking SET hold_expires_at = v_until, hold_extended = true, version = version + 1,
        updated_at = now() WHERE id = p_id;
    UPDATE occupancy SET expires_at = v_until WHERE booking_id = p_id;
    PERFORM audit_record(p_actor, 'booking.hold_extended', 'booking', p_id::text, '{}');
    RETURN jsonb_build_object('status', 200, 'body', booking_body(p_id), 'replayed', false);
END $$;

CREATE OR REPLACE FUNCTION booking_reschedule(
    p_actor jsonb, p_policies jsonb, p_id uuid, p_request jsonb, p_key jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_policies CONSTANT jsonb := effective_policies(p_policies);
    v_enforced CONSTANT boolean := p_request->>'override_reason' IS NULL;
    v_starts CONSTANT timestamptz := (p_request->>'starts_at')::timestamptz;
    v_answer jsonb := idempotency_begin(p_key);
    b booking;
    moved booking;
    c record;
    v_period tstzrange;
    v_ends timestamptz;
    g group_session;
BEGIN
    IF v_answer IS NOT NULL THEN
        RETURN v_answer;
    END IF;
    g := session_for_move(p_actor, p_id, p_request);
    b := booking_lock(p_actor, p_id, (p_request->>'version')::integer);
    IF b.status <> 'confirmed' THEN
        PERFORM refuse('not_changeable', 'A booking that is ' || b.status || ' cannot be moved.');
    END IF;
    IF v_enforced AND b.starts_at
       < now() + make_interval(hours => (v_policies->>'reschedule_notice_hours')::integer) THEN
        PERFORM refuse('too_late_to_reschedule', 'It is too late to move this booking.');
    END IF;
    IF b.session_id IS NOT NULL THEN
        PERFORM session_receive(b, g, v_policies, p_request);
    ELSE
        c := reschedule_offer(b, coalesce((p_request->>'provider_id')::uuid, b.provider_id), v_starts,
                              v_policies, p_request);
        v_ends := v_starts + make_interval(mins => c.minutes);
        v_period := tstzrange(v_starts - make_interval(mins => c.buffer_before),
                              v_ends + make_interval(mins => c.buffer_after));
        PERFORM booking_prepare(b.service_id, b.location_id, c.provider_id, v_period);
        UPDATE occupancy SET resource_id = c.provider_id, period = v_period
        WHERE booking_id = p_id AND part = 'provider';
        UPDATE booking SET provider_id = c.provider_id, starts_at = v_starts, ends_at = v_ends,
            version = version + 1, updated_at = now() WHERE id = p_id RETURNING * INTO moved;
        PERFORM resources_take_again(moved, v_period, NULL);
    END IF;
    v_answer := booking_body(p_id);
    PERFORM audit_record(p_actor, 'booking.rescheduled', 'booking', p_id::text,
        booking_facts(v_answer, p_request) || jsonb_build_object('from', b.starts_at));
    PERFORM tell_of_booking('booking_rescheduled', p_id);
    RETURN idempotency_end(p_key, 200, v_answer);
END $$;

-- What a move would be: with the same provider the minutes as booked, with another one theirs; the
-- price stays as agreed. Refuses what is not offered.
CREATE OR REPLACE FUNCTION reschedule_offer(
    b booking, p_provider uuid, p_starts timestamptz, p_policies jsonb, p_request jsonb,
    OUT provider_id uuid, OUT minutes integer, OUT buffer_before integer, OUT buffer_after integer
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    l location;
    v_problem text;
BEGIN
    SELECT * INTO l FROM location WHERE id = b.location_id;
    SELECT p.id, CASE WHEN p.id = b.provider_id
                      THEN (extract(epoch FROM b.ends_at - b.starts_at) / 60)::integer
                      ELSE coalesce(ps.minutes, s.minutes) END, s.buffer_before, s.buffer_after
    INTO provider_id, minutes, buffer_before, buffer_after
    FROM provider p
    JOIN provider_service ps ON ps.provider_id = p.id AND ps.service_id = b.service_id
    JOIN provider_location pl ON pl.provider_id = p.id AND pl.location_id = b.location_id
    JOIN service s ON s.id = b.service_id
    WHERE p.id = p_provider AND p.active;
    IF NOT FOUND THEN
        PERFORM refuse('not_offered', 'This provider does not give this service here.',
                       'provider_id');
    END IF;
    IF p_request->>'override_reason' IS NULL THEN
        PERFORM check_start(p_starts, l.zone, p_policies);
        v_problem := slot_problem(provider_id, l, p_starts,
            p_starts + make_interval(mins => minutes),
            ARRAY(SELECT jsonb_array_elements_text(p_request->'holidays'))::date[],
            (p_policies->>'slot_minutes')::integer);
        IF v_problem IS NOT NULL THEN
            PERFORM refuse('slot_unavailable', 'This time is not offered: ' || v_problem || '.',
                           'starts_at');
        END IF;
    ELSIF p_starts < now() - interval '7 days' THEN
        PERFORM refuse('too_soon', 'This is more than seven days ago.', 'starts_at');
    END IF;
END $$;

-- Cancelling what is cancelled already answers with it, so that a retry is harmless.
CREATE OR REPLACE FUNCTION booking_cancel(p_actor jsonb, p_policies jsonb, p_id uuid, p_request jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_policies CONSTANT jsonb := effective_policies(p_policies);
    b booking := booking_lock(p_actor, p_id, NULL);
    v_body jsonb;
    v_late boolean;
BEGIN
    IF b.visit_id IS NOT NULL AND b.status IN ('held', 'requested') THEN
        RETURN visit_cancel(p_actor, p_policies, b.visit_id, p_request - 'version');
    END IF;
    IF b.status <> 'cancelled' THEN
        PERFORM check_version(b, p_request);
        IF b.status NOT IN ('held', 'requested', 'confirmed') THEN
            PERFORM refuse('not_changeable',
                'A booking that is ' || b.status || ' cannot be cancelled.');
        END IF;
        IF b.status = 'confirmed' AND p_request->>'override_reason' IS NULL THEN
            v_late := class_cancelled_late(b, p_request);
            IF v_late IS NULL AND b.starts_at
               < now() + make_interval(hours => (v_policies->>'cancel_notice_hours')::integer) THEN
                PERFORM refuse('too_late_to_cancel', 'It is too late to cancel this booking.');
            END IF;
        END IF;
        UPDATE booking SET status = 'cancelled', hold_expires_at = NULL, version = version + 1,
            updated_at = now(), cancel_reason = coalesce(p_request->>'reason', ''),
            late_cancel = coalesce(v_late, false),
            late_charged = coalesce(v_late AND (class_rules()->>'late_charges')::boolean, false)
        WHERE id = p_id;
        UPDATE occupancy SET active = false, expires_at = NULL WHERE booking_id = p_id;
        v_body := booking_body(p_id);
        PERFORM audit_record(p_actor, 'booking.cancelled', 'booking', p_id::text,
            booking_facts(v_body, p_request) || jsonb_build_object('was', b.status));
        IF b.status IN ('requested', 'confirmed') THEN
            PERFORM tell_of_booking('booking_cancelled', p_id);
        END IF;
    END IF;
    RETURN jsonb_build_object('status', 200, 'body', booking_body(p_id), 'replayed', false);
END $$;

CREATE OR REPLACE FUNCTION check_version(b booking, p_request jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF b.version <> (p_request->>'version')::integer THEN
        PERFORM refuse('stale_version', 'Somebody else changed this booking meanwhile.', 'version');
    END IF;
END $$;

-- What happened to a booking, by staff. 'no_show' only after its start; 'confirmed' takes a
-- cancelled one back, if its time is still free.
CREATE OR REPLACE FUNCTION booking_set_status(p_actor jsonb, p_id uuid, p_request jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_status CONSTANT text := p_request->>'status';
    b booking := booking_lock(p_actor, p_id, (p_request->>'version')::integer);
    v_body jsonb;
BEGIN
    IF b.client_id IS NULL OR b.status IN ('held', 'requested', 'expired')
       OR (b.status = 'cancelled' AND v_status <> 'confirmed') OR b.status = v_status THEN
        PERFORM refuse('not_changeable',
            'A booking that is ' || b.status || ' cannot become ' || v_status || '.', 'status');
    END IF;
    IF v_status = 'no_show' AND b.starts_at > now() THEN
        PERFORM refuse('not_changeable', 'The booking has not started yet.', 'status');
    END IF;
    IF b.status = 'cancelled' THEN
        IF b.ends_at < now() AND p_request->>'override_reason' IS NULL THEN
            PERFORM refuse('not_changeable', 'The time of this booking is over.', 'status');
        END IF;
        IF b.session_id IS NOT NULL AND NOT session_takes_back(b, true) THEN
            PERFORM refuse('session_full', 'Its seats are taken, or it is cancelled.');
        END IF;
        PERFORM booking_occupy_again(b, NULL);
    END IF;
    UPDATE booking SET status = v_status, version = version + 1, updated_at = now(),
        -- whoever takes a cancelled booking back says yes to it
        approved_at = coalesce(approved_at, CASE WHEN b.status = 'cancelled' THEN now() END),
        cancel_reason = NULL, late_cancel = false, late_charged = false WHERE id = p_id;
    v_body := booking_body(p_id);
    PERFORM audit_record(p_actor, 'booking.' || v_status, 'booking', p_id::text,
        booking_facts(v_body, p_request) || jsonb_build_object('was', b.status));
    IF b.status = 'cancelled' THEN
        PERFORM tell_of_booking('booking_confirmed', p_id);
    END IF;
    RETURN jsonb_build_object('status', 200, 'body', v_body, 'replayed', false);
END $$;

-- One plan for all calls: the planner would otherwise plan the index scans of a time range anew each
-- time, which takes longer than they do.
ALTER FUNCTION booking_hold(jsonb, jsonb, jsonb, jsonb) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION booking_book(jsonb, jsonb, jsonb, jsonb) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION booking_confirm(jsonb, jsonb, uuid, jsonb, jsonb) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION booking_reschedule(jsonb, jsonb, uuid, jsonb, jsonb) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION booking_cancel(jsonb, jsonb, uuid, jsonb) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION booking_set_status(jsonb, uuid, jsonb) SET plan_cache_mode = force_generic_plan;
-- Such a plan may be made while a table is all but empty, when reading the whole of it is the cheapest
-- way, and then be kept while it grows: each booking would read all bookings. So indexes only, where
-- there is one. (It is what is planned first in a session that counts, hence all ways in.)
ALTER FUNCTION booking_hold(jsonb, jsonb, jsonb, jsonb) SET enable_seqscan = off;
ALTER FUNCTION booking_book(jsonb, jsonb, jsonb, jsonb) SET enable_seqscan = off;
ALTER FUNCTION booking_confirm(jsonb, jsonb, uuid, jsonb, jsonb) SET enable_seqscan = off;
ALTER FUNCTION booking_reschedule(jsonb, jsonb, uuid, jsonb, jsonb) SET enable_seqscan = off;
ALTER FUNCTION booking_cancel(jsonb, jsonb, uuid, jsonb) SET enable_seqscan = off;
ALTER FUNCTION booking_set_status(jsonb, uuid, jsonb) SET enable_seqscan = off;
