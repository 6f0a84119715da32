-- The waiting list. An offer is a hold of the client, made with the change of the entry in one
-- transaction, so that a time is offered to one alone and an entry has one offer at most. Order of
-- locks: booking, entry, time; an entry without an offer is locked before the booking that is made.

CREATE OR REPLACE FUNCTION waiting_rules() RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT '{"enabled": true, "answer_minutes": 60, "cutoff_hours": 3}'::jsonb
           || coalesce((SELECT value FROM settings_value WHERE key = 'waiting_list'), '{}')
$$;

-- Who is before an entry, of those who want something of the same.
CREATE OR REPLACE FUNCTION waiting_position(e waiting_entry) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT 1 + count(*)::integer FROM waiting_entry o
    WHERE o.state IN ('waiting', 'offered') AND (o.joined_at, o.id) < (e.joined_at, e.id)
      AND o.service_id = e.service_id AND o.location_id = e.location_id
      AND o.session_id IS NOT DISTINCT FROM e.session_id
      AND (o.provider_id IS NULL OR e.provider_id IS NULL OR o.provider_id = e.provider_id)
      AND daterange(o.first_day, o.last_day, '[]') && daterange(e.first_day, e.last_day, '[]')
      AND o.parts && e.parts
$$;

CREATE OR REPLACE FUNCTION waiting_body(p_id uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('id', e.id, 'state', e.state, 'joined_at', e.joined_at,
        'position', CASE WHEN e.state IN ('waiting', 'offered') THEN waiting_position(e) END,
        'service', jsonb_build_object('id', s.id, 'name', s.name),
        'location', jsonb_build_object('id', l.id, 'name', l.name),
        'provider', CASE WHEN p.id IS NOT NULL THEN jsonb_build_object('id', p.id, 'name', p.name) END,
        'client', jsonb_build_object('id', c.id, 'name', c.name), 'session_id', e.session_id,
        'seats', e.seats, 'first_day', e.first_day, 'last_day', e.last_day, 'parts', e.parts,
        'booking_id', e.booking_id, 'answer_by', e.answer_by, 'version', e.version)
    FROM waiting_entry e JOIN service s ON s.id = e.service_id JOIN location l ON l.id = e.location_id
    JOIN client c ON c.id = e.client_id LEFT JOIN provider p ON p.id = e.provider_id
    WHERE e.id = p_id
$$;

CREATE OR REPLACE FUNCTION waiting_visible(p_actor jsonb, e waiting_entry) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_actor->>'only_provider' IS NOT NULL
                THEN e.provider_id = (p_actor->>'only_provider')::uuid
                WHEN (p_actor->>'staff')::boolean THEN true
                ELSE coalesce(e.client_id = (p_actor->>'only_client')::uuid, false) END
$$;

CREATE OR REPLACE FUNCTION waiting_tell(p_kind text, p_id uuid) RETURNS void LANGUAGE sql AS $$
    INSERT INTO message (kind, channel, recipient, client_id, locale, payload, dedupe_key)
    SELECT p_kind, coalesce(w.channel, 'email'), coalesce(w.address, c.email), c.id, c.locale, waiting_body(e.id) || jsonb_build_object('name', c.name),
           p_kind || ':' || e.id || ':' || e.version
    FROM waiting_entry e JOIN client c ON c.id = e.client_id
    LEFT JOIN LATERAL booking_channel(c.id, NULL) w ON true
    WHERE e.id = p_id AND coalesce(w.address, c.email) IS NOT NULL
    ON CONFLICT (dedupe_key) DO NOTHING
$$;

-- {service_id, location_id, provider_id?, session_id?, seats?, first_day, last_day, parts, client?}
CREATE OR REPLACE FUNCTION waiting_join(p_actor jsonb, p_policies jsonb, p_request jsonb, p_key jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    c_most CONSTANT integer := 5;
    v_policies CONSTANT jsonb := effective_policies(p_policies);
    v_answer jsonb := idempotency_begin(p_key);
    v_client uuid;
    l location;
    g group_session;
    e waiting_entry;
BEGIN
    IF v_answer IS NOT NULL THEN
        RETURN v_answer;
    END IF;
    IF NOT (waiting_rules()->>'enabled')::boolean THEN
        PERFORM refuse('waiting_list_closed', 'There is no waiting list here.');
    END IF;
    SELECT * INTO l FROM location WHERE id = (p_request->>'location_id')::uuid AND active;
    IF NOT FOUND THEN
        PERFORM refuse('not_found', 'There is no such location.', 'location_id');
    END IF;
    e.provider_id := (p_request->>'provider_id')::uuid;
    e.session_id := (p_request->>'session_id')::uuid;
    e.service_id := (p_request->>'service_id')::uuid;
    IF NOT EXISTS (
        SELECT FROM service s JOIN provider_service ps ON ps.service_id = s.id
        JOIN provider p ON p.id = ps.provider_id AND p.active
        JOIN provider_location pl ON pl.provider_id = p.id AND pl.location_id = l.id
        WHERE s.id = e.service_id AND s.active AND (e.provider_id IS NULL OR p.id = e.provider_id)) THEN
        PERFORM refuse('not_found', 'Nobody gives this service here.', 'service_id');
    END IF;
    e.first_day := greatest((p_request->>'first_day')::date, (now() AT TIME ZONE l.zone)::date);
    e.last_day := least((p_request->>'last_day')::date, (now() AT TIME ZONE l.zone)::date
                        + (v_policies->>'booking_window_days')::integer);
    IF e.session_id IS NOT NULL THEN
        SELECT * INTO g FROM group_session WHERE id = e.session_id AND state = 'scheduled'
            AND service_id = e.service_id AND location_id = l.id AND starts_at > now();
        IF NOT FOUND THEN
            PERFORM refuse('not_found', 'There is no such session.', 'session_id');
        END IF;
        e.first_day := (g.starts_at AT TIME ZONE g.zone)::date;
        e.last_day := e.first_day;
    END IF;
    IF e.first_day > e.last_day THEN
        PERFORM refuse('not_these_days', 'These days cannot be waited for.', 'last_day');
    END IF;
    v_client := booking_client(p_actor, p_request);
    IF NOT EXISTS (SELECT FROM client WHERE id = v_client AND email IS NOT NULL) THEN
        PERFORM refuse('client_required', 'An offer is sent by e-mail.', 'client.email');
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(v_client::text, 7302));
    IF EXISTS (SELECT FROM waiting_entry o WHERE o.client_id = v_client
               AND o.state IN ('waiting', 'offered') AND o.service_id = e.service_id
               AND o.location_id = l.id AND o.provider_id IS NOT DISTINCT FROM e.provider_id
               AND o.session_id IS NOT DISTINCT FROM e.session_id
               AND daterange(o.first_day, o.last_day, '[]') && daterange(e.first_day, e.last_day, '[]'))
    THEN
        PERFORM refuse('already_waiting', 'You are waiting for this already.');
    END IF;
    IF (SELECT count(*) FROM waiting_entry WHERE client_id = v_client
        AND state IN ('waiting', 'offered')) >= c_most THEN
        PERFORM refuse('too_many_waiting', 'You are on this list too often already.');
    END IF;
    INSERT INTO waiting_entry (client_id, service_id, location_id, provider_id, session_id, seats,
                               first_day, last_day, parts)
    VALUES (v_client, e.service_id, l.id, e.provider_id, e.session_id,
            coalesce((p_request->>'seats')::integer, 1), e.first_day, e.last_day,
            ARRAY(SELECT jsonb_array_elements_text(p_request->'parts')))
    RETURNING * INTO e;
    INSERT INTO freed_time DEFAULT VALUES;
    PERFORM audit_record(p_actor, 'waiting.joined', 'waiting_entry', e.id::text, jsonb_build_object(
        'service_id', e.service_id, 'first_day', e.first_day, 'last_day', e.last_day));
    PERFORM waiting_tell('waiting_joined', e.id);
    RETURN idempotency_end(p_key, 201, waiting_body(e.id));
END $$;

-- Out of the line, with what was offered given back. Leaving twice changes nothing.
CREATE OR REPLACE FUNCTION waiting_leave(p_actor jsonb, p_policies jsonb, p_id uuid) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    e waiting_entry;
BEGIN
    SELECT * INTO e FROM waiting_entry WHERE id = p_id;
    IF NOT FOUND OR NOT waiting_visible(p_actor, e) THEN
        PERFORM refuse('not_found', 'There is no such entry.');
    END IF;
    IF e.state = 'offered' THEN
        PERFORM booking_cancel(p_actor, p_policies, b.id, '{}') FROM booking b
        WHERE b.id = e.booking_id AND b.status = 'held';
    END IF;
    UPDATE waiting_entry SET state = 'left', version = version + 1, updated_at = now()
    WHERE id = p_id AND state = 'waiting';
    IF FOUND THEN
        PERFORM audit_record(p_actor, 'waiting.left', 'waiting_entry', p_id::text, '{}');
    END IF;
    RETURN jsonb_build_object('status', 200, 'body', waiting_body(p_id), 'replayed', false);
END $$;

-- Offers a time to an entry: 'offered', 'taken' (the time is gone), 'gone' (the entry is) or why it may
-- not be booked by this client.
CREATE OR REPLACE FUNCTION waiting_offer(
    p_policies jsonb, p_id uuid, p_starts timestamptz, p_answer_by timestamptz, p_holidays jsonb
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    e waiting_entry;
    d booking;
    v_code text;
BEGIN
    SELECT * INTO e FROM waiting_entry WHERE id = p_id AND state = 'waiting' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'gone';
    END IF;
    d.status := 'held';
    d.client_id := e.client_id;
    d.held_by := e.client_id::text;
    d.hold_expires_at := p_answer_by;
    d.source := 'client';
    d.note := '';
    BEGIN
        d.id := booking_make(d, effective_policies(p_policies), jsonb_strip_nulls(jsonb_build_object(
            'service_id', e.service_id, 'location_id', e.location_id, 'provider_id', e.provider_id,
            'session_id', e.session_id, 'seats', CASE WHEN e.session_id IS NOT NULL THEN e.seats END,
            'starts_at', p_starts, 'holidays', p_holidays)));
    EXCEPTION
        WHEN exclusion_violation THEN
            RETURN 'taken';
        WHEN SQLSTATE 'BP001' THEN
            GET STACKED DIAGNOSTICS v_code = MESSAGE_TEXT;
            RETURN CASE WHEN v_code IN ('slot_taken', 'slot_unavailable', 'session_full',
                'session_changed', 'too_soon', 'too_far', 'not_offered') THEN 'taken' ELSE v_code END;
    END;
    UPDATE waiting_entry SET state = 'offered', booking_id = d.id, answer_by = p_answer_by,
        version = version + 1, updated_at = now() WHERE id = p_id;
    PERFORM audit_record('{"kind": "system", "id": ""}', 'waiting.offered', 'waiting_entry', p_id::text,
        jsonb_build_object('booking_id', d.id, 'answer_by', p_answer_by));
    PERFORM tell_client('booking_offer', booking_body(d.id));
    RETURN 'offered';
END $$;

-- What becomes of an offer: taken when it is confirmed or asked for; not answered, and the entry is
-- out; given back, and it waits on in its place, but not for this time.
CREATE OR REPLACE FUNCTION waiting_follows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    e waiting_entry;
BEGIN
    SELECT * INTO e FROM waiting_entry WHERE booking_id = NEW.id AND state = 'offered' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    UPDATE waiting_entry SET version = version + 1, updated_at = now(),
        state = CASE NEW.status WHEN 'expired' THEN 'lapsed' WHEN 'cancelled' THEN 'waiting'
                                ELSE 'taken' END,
        booking_id = CASE WHEN NEW.status <> 'cancelled' THEN booking_id END, answer_by = NULL
    WHERE id = e.id;
    IF NEW.status = 'cancelled' THEN
        INSERT INTO waiting_refusal (entry_id, starts_at) VALUES (e.id, NEW.starts_at)
        ON CONFLICT DO NOTHING;
    ELSIF NEW.status = 'expired' THEN
        PERFORM waiting_tell('waiting_lapsed', e.id);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER booking_waiting AFTER UPDATE OF status ON booking
    FOR EACH ROW WHEN (OLD.status = 'held' AND NEW.status <> 'held') EXECUTE FUNCTION waiting_follows();

-- A mark for whoever looks through the line. Nothing is lost without it: the line is looked through
-- every minute anyway, for hours and days off change too.
CREATE OR REPLACE FUNCTION time_freed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM waiting_entry WHERE state = 'waiting') THEN
        INSERT INTO freed_time DEFAULT VALUES;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER occupancy_freed AFTER UPDATE ON occupancy
    FOR EACH ROW WHEN (OLD.active AND (NOT NEW.active OR OLD.period <> NEW.period
                                       OR OLD.resource_id <> NEW.resource_id))
    EXECUTE FUNCTION time_freed();
CREATE OR REPLACE TRIGGER time_off_freed AFTER DELETE ON time_off
    FOR EACH STATEMENT EXECUTE FUNCTION time_freed();
CREATE OR REPLACE TRIGGER working_hours_freed AFTER INSERT OR UPDATE ON working_hours
    FOR EACH STATEMENT EXECUTE FUNCTION time_freed();

-- Ends entries whose days are over; how many.
CREATE OR REPLACE FUNCTION waiting_close() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_id uuid;
    v_count integer := 0;
BEGIN
    FOR v_id IN SELECT e.id FROM waiting_entry e JOIN location l ON l.id = e.location_id
                WHERE e.state = 'waiting' AND (e.last_day < (now() AT TIME ZONE l.zone)::date
                    OR e.session_id IS NOT NULL AND NOT EXISTS (SELECT FROM group_session g
                       WHERE g.id = e.session_id AND g.state = 'scheduled' AND g.starts_at > now()))
                FOR UPDATE OF e SKIP LOCKED LOOP
        UPDATE waiting_entry SET state = 'over', version = version + 1, updated_at = now() WHERE id = v_id;
        PERFORM waiting_tell('waiting_over', v_id);
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;

-- The line, first come first, with what is needed to find a time for each.
CREATE OR REPLACE VIEW waiting_wish AS
SELECT e.id, e.client_id, e.service_id, e.location_id, e.provider_id, e.session_id, e.seats,
       e.first_day, e.last_day, e.parts, e.joined_at, g.starts_at AS session_starts_at,
       g.capacity - (SELECT coalesce(sum(b.seats), 0) FROM booking b WHERE b.session_id = g.id
           AND takes_seats(b.status) AND (b.hold_expires_at IS NULL OR b.hold_expires_at > now()))
           AS session_free,
       ARRAY(SELECT r.starts_at FROM waiting_refusal r WHERE r.entry_id = e.id) AS refused
FROM waiting_entry e LEFT JOIN group_session g ON g.id = e.session_id
WHERE e.state = 'waiting';
