-- Who came and who did not: check-in, missed bookings, and what follows from them.

-- The owner's rules: for how many days a missed booking counts, from how many on a client cannot book
-- without the team (null: never), and how many minutes ahead clients may check in by themselves.
CREATE OR REPLACE FUNCTION attendance_rules() RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT '{"days": 365, "block_from": null, "check_in_minutes": 120}'::jsonb
           || coalesce((SELECT value FROM settings_value WHERE key = 'attendance'), '{}')
$$;

-- How often a client did not come, as the owner counts: recently, and not forgiven.
CREATE OR REPLACE FUNCTION client_no_shows(p_client uuid) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT count(*)::integer FROM booking b
    WHERE b.client_id = p_client
      AND (b.status = 'no_show' OR b.late_cancel AND (class_rules()->>'late_counts')::boolean)
      AND b.starts_at > now() - make_interval(days => (attendance_rules()->>'days')::integer)
      AND NOT EXISTS (SELECT FROM no_show_pardon p WHERE p.booking_id = b.id)
$$;

CREATE OR REPLACE FUNCTION client_is_blocked(p_client uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT p_client IS NOT NULL
           AND coalesce(client_no_shows(p_client) >= (attendance_rules()->>'block_from')::integer, false)
$$;

-- Whoever missed too many books with the team alone. A signed-in client learns it at once, others
-- when it is known who they are.
CREATE OR REPLACE FUNCTION booking_absent() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_client CONSTANT uuid := coalesce(NEW.client_id, CASE WHEN NEW.source = 'client'
        AND NEW.held_by <> '' THEN NEW.held_by::uuid END);
BEGIN
    IF NEW.source NOT IN ('staff', 'system', 'api') AND client_is_blocked(v_client) THEN
        PERFORM refuse('too_many_no_shows',
            'After bookings that were missed, new ones are made with the team only.');
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER booking_absent BEFORE INSERT ON booking
    FOR EACH ROW EXECUTE FUNCTION booking_absent();
CREATE OR REPLACE TRIGGER booking_absent_named BEFORE UPDATE OF client_id ON booking
    FOR EACH ROW WHEN (OLD.client_id IS NULL AND NEW.client_id IS NOT NULL)
    EXECUTE FUNCTION booking_absent();

-- The time of arrival follows the status, whoever sets it.
CREATE OR REPLACE FUNCTION booking_checked_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status = 'arrived' THEN
        NEW.checked_in_at := coalesce(NEW.checked_in_at, now());
    ELSIF NEW.status <> 'completed' THEN
        NEW.checked_in_at := NULL;
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER booking_checked_in BEFORE UPDATE OF status ON booking
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION booking_checked_in();

-- The client is here. By the team on the day of the booking; by the client from shortly before its
-- start until its end. Saying it twice changes nothing.
CREATE OR REPLACE FUNCTION booking_check_in(p_actor jsonb, p_id uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    b booking := booking_lock(p_actor, p_id, NULL);
    v_body jsonb;
BEGIN
    IF b.status <> 'arrived' THEN
        IF b.status <> 'confirmed' THEN
            PERFORM refuse('not_changeable', 'A booking that is ' || b.status
                || ' cannot be checked in.');
        END IF;
        IF (b.starts_at AT TIME ZONE b.zone)::date <> (now() AT TIME ZONE b.zone)::date THEN
            PERFORM refuse('not_today', 'The booking is on another day.');
        END IF;
        IF NOT (p_actor->>'staff')::boolean AND (b.ends_at < now() OR b.starts_at > now()
            + make_interval(mins => (attendance_rules()->>'check_in_minutes')::integer)) THEN
            PERFORM refuse('not_yet', 'Clients check in shortly before the start.');
        END IF;
        UPDATE booking SET status = 'arrived', version = version + 1, updated_at = now()
        WHERE id = p_id;
        v_body := booking_body(p_id);
        PERFORM audit_record(p_actor, 'booking.arrived', 'booking', p_id::text,
            booking_facts(v_body, '{}') || jsonb_build_object('was', b.status));
    END IF;
    RETURN jsonb_build_object('status', 200, 'body', booking_body(p_id), 'replayed', false);
END $$;

-- Forgives a missed booking; again with other words changes nothing.
CREATE OR REPLACE FUNCTION no_show_forgive(p_actor jsonb, p_id uuid, p_reason text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    b CONSTANT booking := booking_lock(p_actor, p_id, NULL);
BEGIN
    IF b.status <> 'no_show' AND NOT b.late_cancel THEN
        PERFORM refuse('not_changeable', 'A booking that is ' || b.status || ' was not missed.');
    END IF;
    INSERT INTO no_show_pardon (booking_id, reason, given_by)
    VALUES (p_id, p_reason, p_actor->>'name') ON CONFLICT (booking_id) DO NOTHING;
    IF FOUND THEN
        PERFORM audit_record(p_actor, 'no_show.forgiven', 'booking', p_id::text,
            jsonb_build_object('client_id', b.client_id));
    END IF;
END $$;
