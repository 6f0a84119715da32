-- Channels, consents and what is told to whom.

CREATE OR REPLACE FUNCTION channel_consent_is_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - 'client_id' = to_jsonb(OLD) - 'client_id'
       AND is_merged(OLD.client_id, NEW.client_id) THEN
        RETURN NEW;  -- the record became part of the person's other one
    END IF;
    RAISE EXCEPTION 'a consent is not changed; the next one replaces it'
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE OR REPLACE TRIGGER channel_consent_only_added BEFORE UPDATE ON channel_consent
    FOR EACH ROW EXECUTE FUNCTION channel_consent_is_evidence();

-- Of the states, in order of what is known; a report never takes a message back (a report that it
-- reached the telephone says more than one that it did not).
CREATE OR REPLACE FUNCTION delivery_rank(p_delivery text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE p_delivery WHEN 'accepted' THEN 1 WHEN 'sent' THEN 2 WHEN 'failed' THEN 3
                           WHEN 'delivered' THEN 4 WHEN 'read' THEN 5 ELSE 0 END
$$;

-- Where a client wants messages about bookings: WhatsApp if agreed, preferred and working; else e-mail.
CREATE OR REPLACE FUNCTION client_channel(p_client uuid, OUT channel text, OUT address text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT c.channel, coalesce(c.wa_id, c.address) INTO channel, address FROM contact_channel c
    WHERE c.client_id = p_client AND c.channel = 'whatsapp' AND c.agreed AND c.preferred
      AND c.problem IS NULL
      AND coalesce((SELECT (value->>'whatsapp')::boolean FROM settings_value
                    WHERE key = 'messages'), false);
END $$;

-- The same for a booking, or for what is of no booking: a channel that nobody proved to be the person's
-- is for bookings that were made with that very number.
CREATE OR REPLACE FUNCTION booking_channel(p_client uuid, p_booking uuid, OUT channel text, OUT address text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM contact_channel WHERE client_id = p_client) THEN
        RETURN; -- as for most, and soon said
    END IF;
    SELECT w.channel, w.address INTO channel, address FROM client_channel(p_client) w
    JOIN contact_channel k ON k.client_id = p_client AND k.channel = w.channel
    WHERE k.proved OR EXISTS (SELECT FROM booking b WHERE b.id = p_booking
                              AND number_tail(b.contact->>'phone') = number_tail(k.address));
END $$;

-- The number in E.164 as WhatsApp takes it: an Argentine mobile has a 9 after the 54. Null if it has
-- no country.
CREATE OR REPLACE FUNCTION whatsapp_number(p_phone text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_phone !~ '^\+' OR d !~ '^[0-9]{8,15}$' THEN NULL
                WHEN d ~ '^54[1-8][0-9]{9}$' THEN '549' || substr(d, 3) ELSE d END
    FROM (SELECT regexp_replace(p_phone, '[^0-9]', '', 'g') AS d) x
$$;

-- A yes to WhatsApp with the contact of a booking: `whatsapp` is the version of the text. It holds where
-- the number is the one on file, and never goes over what the person said before.
CREATE OR REPLACE FUNCTION contact_agrees(p_actor jsonb, p_client uuid, p_contact jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_number CONSTANT text := whatsapp_number(p_contact->>'phone');
    v_known CONSTANT boolean := (p_actor->>'kind') IN ('staff', 'api');
BEGIN
    IF p_contact->>'whatsapp' IS NULL OR v_number IS NULL OR NOT EXISTS (
        SELECT FROM client WHERE id = p_client AND number_tail(phone) = number_tail(v_number)) THEN
        RETURN;
    END IF;
    INSERT INTO contact_channel (client_id, channel, address, agreed, preferred, proved)
    VALUES (p_client, 'whatsapp', v_number, true, true, v_known)
    ON CONFLICT (client_id, channel) DO NOTHING;
    IF FOUND THEN
        INSERT INTO channel_consent (client_id, channel, given, source, text_version, given_by)
        VALUES (p_client, 'whatsapp', true, CASE WHEN v_known THEN p_actor->>'kind' ELSE 'booking' END,
                p_contact->>'whatsapp', (p_actor->>'kind') || ':' || coalesce(p_actor->>'id', ''));
        PERFORM audit_record(p_actor, 'channel.agreed', 'client', p_client::text,
            '{"channel": "whatsapp"}');
    END IF;
END $$;

-- The same message by e-mail, for one that WhatsApp will not deliver; false if there is no address.
CREATE OR REPLACE FUNCTION message_fall_back(p_id uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    m message;
    v_email text;
BEGIN
    SELECT * INTO m FROM message WHERE id = p_id;
    IF NOT FOUND OR m.channel <> 'whatsapp' OR m.kind !~ '^(booking|waiting)_' THEN
        RETURN false;
    END IF;
    SELECT c.email INTO v_email FROM client c WHERE c.id = m.client_id
        AND NOT EXISTS (SELECT FROM contact_channel e WHERE e.client_id = c.id
                        AND e.channel = 'email' AND e.address = c.email
                        AND (e.problem IS NOT NULL OR NOT e.agreed));
    IF v_email IS NULL THEN
        RETURN false;
    END IF;
    INSERT INTO message (kind, channel, recipient, client_id, locale, payload, dedupe_key)
    VALUES (m.kind, 'email', v_email, m.client_id, m.locale, m.payload, 'instead-of:' || p_id)
    ON CONFLICT (dedupe_key) DO NOTHING;
    RETURN true;
END $$;

-- A number that is taken off the record is forgotten here too.
CREATE OR REPLACE FUNCTION client_forgets_channels() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.phone IS NULL AND NEW.email IS NULL THEN
        DELETE FROM message WHERE client_id = NEW.id AND channel = 'whatsapp';
        DELETE FROM contact_channel WHERE client_id = NEW.id;
    ELSIF NEW.email IS DISTINCT FROM OLD.email THEN
        DELETE FROM contact_channel WHERE client_id = NEW.id AND channel = 'email';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER client_channels AFTER UPDATE OF phone, email ON client
    FOR EACH ROW EXECUTE FUNCTION client_forgets_channels();

-- Makes the reminders of one rule that are due; how many were made, and how many dropped as late.
-- A reminder that could not be made in time is still sent within `p_late`, not after.
CREATE OR REPLACE FUNCTION reminders_make(
    p_rule uuid, p_late interval, p_limit integer, OUT made integer, OUT dropped integer
) LANGUAGE plpgsql AS $$
DECLARE
    r reminder_rule;
    b record;
    v_state text;
    v_due timestamptz;
    v_channel text;
    v_address text;
    v_email text;
BEGIN
    made := 0;
    dropped := 0;
    SELECT * INTO r FROM reminder_rule WHERE id = p_rule AND active FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    FOR b IN
        SELECT k.id, k.starts_at, k.client_id, k.created_at FROM booking k
        WHERE k.status = 'confirmed' AND k.starts_at > now()
          AND k.starts_at <= now() + make_interval(mins => r.minutes_before)
          AND NOT EXISTS (SELECT FROM reminder d WHERE d.booking_id = k.id AND d.rule_id = r.id
                          AND d.starts_at = k.starts_at)
          -- of a visit, one reminder: with what comes first of it
          AND NOT EXISTS (SELECT FROM booking e WHERE e.visit_id = k.visit_id AND e.id <> k.id
                          AND (e.starts_at, e.id) < (k.starts_at, k.id)
                          AND e.status IN ('confirmed', 'arrived', 'completed'))
        ORDER BY k.starts_at, k.id LIMIT p_limit FOR NO KEY UPDATE OF k SKIP LOCKED
    LOOP
        v_due := b.starts_at - make_interval(mins => r.minutes_before);
        SELECT * INTO v_channel, v_address FROM booking_channel(b.client_id, b.id);
        SELECT k.email INTO v_email FROM client k WHERE k.id = b.client_id
            AND NOT EXISTS (SELECT FROM contact_channel e WHERE e.client_id = k.id
                            AND e.channel = 'email' AND e.address = k.email
                            AND (e.problem IS NOT NULL OR NOT e.agreed));
        IF r.channel = 'email' THEN
            v_channel := NULL;
            v_address := NULL;
        ELSIF r.channel = 'whatsapp' THEN
            v_email := NULL;
        END IF;
        v_state := CASE WHEN reminder_known_since(b.id, b.starts_at) > v_due THEN 'booked_later'
                        WHEN now() > v_due + p_late THEN 'too_late'
                        WHEN coalesce(v_address, v_email) IS NULL THEN 'unreachable'
                        ELSE 'made' END;
        INSERT INTO reminder (booking_id, rule_id, starts_at, state)
        VALUES (b.id, r.id, b.starts_at, v_state);
        IF v_state = 'made' THEN
            INSERT INTO message (kind, channel, recipient, client_id, locale, payload, dedupe_key)
            SELECT r.kind, coalesce(v_channel, 'email'), coalesce(v_address, v_email), b.client_id,
                   d.document->'client'->>'locale',
                   CASE WHEN d.document->>'visit_id' IS NULL THEN d.document
                        ELSE visit_body((d.document->>'visit_id')::uuid) END,
                   'reminder:' || b.id || ':' || r.id || ':' || extract(epoch FROM b.starts_at)
            FROM booking_document d WHERE d.id = b.id
            ON CONFLICT (dedupe_key) DO NOTHING;
            made := made + 1;
        ELSIF v_state = 'too_late' THEN
            dropped := dropped + 1;
        END IF;
    END LOOP;
END $$;

-- Since when a booking has its time: who books or moves it after a reminder would have been due was
-- told just then.
CREATE OR REPLACE FUNCTION reminder_known_since(p_booking uuid, p_starts timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT max(at) FROM (
        SELECT max(a.at) AS at FROM audit_event a
        WHERE a.object_kind = 'booking' AND a.object_id = p_booking::text
          AND a.action IN ('booking.confirmed', 'booking.rescheduled')
        UNION ALL SELECT b.created_at FROM booking b WHERE b.id = p_booking
    ) known
$$;

-- A reminder says a time: once the booking is not at it any more, it is not sent.
CREATE OR REPLACE FUNCTION message_still_right(m message) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF m.kind NOT IN ('booking_reminder', 'booking_ask') THEN
        RETURN true;
    END IF;
    RETURN EXISTS (SELECT FROM booking b WHERE b.id = (m.payload->>'id')::uuid
                   AND b.status = 'confirmed' AND b.starts_at > now()
                   AND b.starts_at = (m.payload->>'starts_at')::timestamptz);
END $$;

-- Whether the message that p_attempt has in hand may leave now: 'go', or why not. What leaves by
-- WhatsApp is noted before it does; its sender has so long to note what became of it.
CREATE OR REPLACE FUNCTION message_hand(p_id uuid, p_attempt uuid, p_lease interval) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    m message;
BEGIN
    SELECT * INTO m FROM message WHERE id = p_id FOR UPDATE;
    IF NOT FOUND OR m.state <> 'sending' OR m.attempt_id IS DISTINCT FROM p_attempt THEN
        RETURN 'lost';
    END IF;
    IF NOT message_still_right(m) THEN
        RETURN 'outdated';
    END IF;
    IF m.channel <> 'whatsapp' THEN
        RETURN 'go';
    END IF;
    IF m.kind = 'whatsapp_reply' THEN
        IF NOT EXISTS (SELECT FROM whatsapp_conversation c WHERE c.wa_id = m.recipient
                       AND c.last_heard_at > now() - interval '24 hours') THEN
            RETURN 'window_closed';
        END IF;
    ELSIF NOT EXISTS (SELECT FROM contact_channel c WHERE c.client_id = m.client_id
                      AND c.channel = 'whatsapp' AND c.agreed AND c.problem IS NULL) THEN
        RETURN 'not_agreed';
    END IF;
    UPDATE message SET handed_at = now(), next_attempt_at = now() + p_lease WHERE id = p_id;
    RETURN 'go';
END $$;
