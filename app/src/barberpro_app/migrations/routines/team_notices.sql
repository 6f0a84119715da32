-- Telling the team what clients did: booked, asked, moved, cancelled.

-- `provider`: what whoever attends is told; `desk`: reception, and where nobody has that role the owner;
-- `address`: one more e-mail that gets what the desk gets. Each a list of topics: new, requests, changes.
CREATE OR REPLACE FUNCTION team_notice_rules() RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT '{"provider": ["new", "requests", "changes"], "desk": ["requests"], "address": ""}'::jsonb
           || coalesce((SELECT value FROM settings_value WHERE key = 'team_notices'), '{}')
$$;

-- The bookings that an event is about: one, those of a visit, the next one of a series.
CREATE OR REPLACE FUNCTION team_notice_bookings(p_event audit_event) RETURNS uuid[] LANGUAGE sql STABLE AS $$
    SELECT CASE p_event.object_kind
        WHEN 'booking' THEN ARRAY[p_event.object_id::uuid]
        WHEN 'visit' THEN ARRAY(SELECT b.id FROM booking b WHERE b.visit_id = p_event.object_id::uuid
                                ORDER BY b.starts_at, b.id)
        ELSE ARRAY(SELECT b.id FROM booking b WHERE b.series_id = p_event.object_id::uuid
                   AND b.starts_at > now() ORDER BY b.starts_at LIMIT 1) END
$$;

-- Who is told of a topic, with the booking of theirs that is named.
CREATE OR REPLACE FUNCTION team_notice_readers(p_topic text, p_bookings uuid[])
RETURNS TABLE (email text, booking_id uuid) LANGUAGE sql STABLE AS $$
    WITH rules AS (SELECT team_notice_rules() AS r),
    desk AS (SELECT u.email, u.role FROM staff_user u WHERE u.active AND u.role IN ('reception', 'owner'))
    (SELECT DISTINCT ON (p.id) coalesce(u.email, lower(p.email)), b.id
     FROM rules JOIN booking b ON b.id = ANY (p_bookings) JOIN provider p ON p.id = b.provider_id
     LEFT JOIN staff_user u ON u.provider_id = p.id AND u.active
     WHERE r->'provider' ? p_topic AND coalesce(u.email, p.email) IS NOT NULL
     ORDER BY p.id, b.starts_at)
    UNION ALL
    SELECT d.email, p_bookings[1] FROM rules, desk d
    WHERE r->'desk' ? p_topic AND (d.role = 'reception'
        OR NOT EXISTS (SELECT FROM desk x WHERE x.role = 'reception'))
    UNION ALL
    SELECT r->>'address', p_bookings[1] FROM rules WHERE r->'desk' ? p_topic AND r->>'address' <> ''
$$;

-- What people outside the team did, what their payment did for them, and what a program or the passing
-- of time moved or cancelled, from the trail: each change is
-- there once, with who did it. What is made ahead for a series says nothing new, and what a deployment
-- books to test itself nobody needs to know: .invalid is nobody's (RFC 2606 §2).
-- Which entries of the trail these are is asked here and not by the trigger: its condition would be read
-- and prepared anew by each INSERT into the trail.
CREATE OR REPLACE FUNCTION team_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
IF NEW.actor_kind NOT IN ('client', 'anonymous', 'system', 'api')
   OR NEW.action NOT IN ('booking.confirmed', 'booking.requested', 'booking.cancelled',
       'booking.rescheduled', 'visit.confirmed', 'visit.requested', 'visit.cancelled',
       'visit.rescheduled', 'series.created', 'series.ended', 'series.moved')
   OR NEW.actor_kind = 'api' AND NEW.action IN ('booking.confirmed', 'booking.requested',
       'visit.confirmed', 'visit.requested', 'series.created') THEN
    RETURN NULL;
END IF;
DECLARE
    v_verb CONSTANT text := split_part(NEW.action, '.', 2);
    v_topic CONSTANT text := CASE WHEN v_verb IN ('confirmed', 'created') THEN 'new'
                                  WHEN v_verb = 'requested' THEN 'requests' ELSE 'changes' END;
    v_kind CONSTANT text := 'team_' || CASE v_topic WHEN 'new' THEN 'new' WHEN 'requests' THEN 'request'
        ELSE CASE WHEN v_verb IN ('cancelled', 'ended') THEN 'cancelled' ELSE 'moved' END END;
    v_bookings uuid[];
BEGIN
    IF NEW.object_kind IN ('booking', 'visit') AND NEW.changes ? 'series_id' THEN
        RETURN NULL;
    END IF;
    v_bookings := team_notice_bookings(NEW);
    IF NEW.actor_kind = 'system' AND v_topic <> 'changes' AND NOT EXISTS (SELECT FROM booking b WHERE b.id = ANY (v_bookings)
            AND b.source IN ('client', 'anonymous')) THEN
        RETURN NULL;
    END IF;
    INSERT INTO message (kind, recipient, payload, dedupe_key)
    SELECT v_kind, t.email,
           jsonb_build_object('id', b.id, 'code', b.code, 'starts_at', b.starts_at, 'zone', b.zone,
               'client_id', b.client_id, 'name', coalesce(b.contact->>'name', c.name),
               'service', jsonb_build_object('name', s.name), 'provider', p.name, 'location', l.name,
               'more', cardinality(v_bookings) - 1, 'repeats', NEW.object_kind = 'series',
               'from', NEW.changes->'from', 'by', NEW.actor_kind, 'answer_by', b.hold_expires_at),
           'team:' || NEW.id || ':' || t.email
    FROM team_notice_readers(v_topic, v_bookings) t JOIN booking b ON b.id = t.booking_id
    JOIN service s ON s.id = b.service_id JOIN provider p ON p.id = b.provider_id
    JOIN location l ON l.id = b.location_id LEFT JOIN client c ON c.id = b.client_id
    WHERE coalesce(b.contact->>'email', c.email, '') NOT LIKE '%.invalid'
    ON CONFLICT (dedupe_key) DO NOTHING;
    RETURN NULL;
END;
END $$;
CREATE OR REPLACE TRIGGER team_told AFTER INSERT ON audit_event FOR EACH ROW
    EXECUTE FUNCTION team_told();
