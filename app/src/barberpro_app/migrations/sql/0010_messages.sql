-- Messages through several channels, who agreed to which, reminders, and what outside systems said.

-- How a client may be reached besides the e-mail address of the record. `address` of WhatsApp is
-- digits with the country code, as wa.me takes it; what Meta calls the same person is `wa_id`, kept
-- as it was received. `problem`: why nothing more is sent there (no such number, mail refused).
CREATE TABLE contact_channel (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    client_id uuid NOT NULL REFERENCES client ON DELETE CASCADE,
    channel text NOT NULL CHECK (channel IN ('email', 'whatsapp')),
    address text NOT NULL CHECK (length(address) BETWEEN 3 AND 254),
    wa_id text CHECK (wa_id ~ '^[0-9]{6,20}$'),
    agreed boolean NOT NULL,
    preferred boolean NOT NULL DEFAULT false,
    problem text CHECK (length(problem) <= 200),
    problem_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (client_id, channel),
    CHECK (channel <> 'whatsapp' OR address ~ '^[0-9]{8,15}$')
);
CREATE INDEX contact_channel_address ON contact_channel (channel, address);

-- Each yes and no about a channel: when, from where, to which text. Added to, never changed.
CREATE TABLE channel_consent (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    client_id uuid NOT NULL REFERENCES client ON DELETE CASCADE,
    channel text NOT NULL CHECK (channel IN ('email', 'whatsapp')),
    given boolean NOT NULL,
    source text NOT NULL CHECK (source IN ('page', 'staff', 'api', 'message')),
    text_version text NOT NULL CHECK (length(text_version) <= 40),
    given_by text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX channel_consent_client ON channel_consent (client_id, channel, at);
CREATE FUNCTION channel_consent_is_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a consent is not changed; the next one replaces it'
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER channel_consent_only_added BEFORE UPDATE ON channel_consent
    FOR EACH ROW EXECUTE FUNCTION channel_consent_is_evidence();

-- `attempt_id` is the claim that has the message in hand: only it may note the outcome. `handed_at`
-- is set just before the message leaves: if nothing was noted after it, nobody here knows whether
-- it arrived. `external_id` and `delivery` are the peer's name for it and its reports.
ALTER TABLE message
    ADD COLUMN channel text NOT NULL DEFAULT 'email' CHECK (channel IN ('email', 'whatsapp')),
    ADD COLUMN client_id uuid REFERENCES client ON DELETE CASCADE,
    ADD COLUMN attempt_id uuid,
    ADD COLUMN handed_at timestamptz,
    ADD COLUMN external_id text,
    ADD COLUMN delivery text CHECK (delivery IN ('accepted', 'sent', 'failed', 'delivered', 'read')),
    ADD COLUMN billed boolean NOT NULL DEFAULT false;
CREATE UNIQUE INDEX message_external ON message (external_id) WHERE external_id IS NOT NULL;
CREATE INDEX message_client ON message (client_id) WHERE client_id IS NOT NULL;
CREATE INDEX message_booking ON message ((payload->>'id')) WHERE kind LIKE 'booking\_%';

-- Of the states, in order of what is known; a report never takes a message back (a report that it
-- reached the telephone says more than one that it did not).
CREATE FUNCTION delivery_rank(p_delivery text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE p_delivery WHEN 'accepted' THEN 1 WHEN 'sent' THEN 2 WHEN 'failed' THEN 3
                           WHEN 'delivered' THEN 4 WHEN 'read' THEN 5 ELSE 0 END
$$;

-- Where a client wants messages about bookings: WhatsApp if agreed, preferred and working; else e-mail.
CREATE FUNCTION client_channel(p_client uuid, OUT channel text, OUT address text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT c.channel, coalesce(c.wa_id, c.address) INTO channel, address FROM contact_channel c
    WHERE c.client_id = p_client AND c.channel = 'whatsapp' AND c.agreed AND c.preferred
      AND c.problem IS NULL
      AND coalesce((SELECT (value->>'whatsapp')::boolean FROM settings_value
                    WHERE key = 'messages'), false);
END $$;

CREATE OR REPLACE FUNCTION tell_client(p_kind text, p_body jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_client CONSTANT uuid := (p_body->'client'->>'id')::uuid;
    v_email CONSTANT text := p_body->'client'->>'email';
    c record;
BEGIN
    SELECT * INTO c FROM client_channel(v_client);
    INSERT INTO message (kind, channel, recipient, client_id, locale, payload, dedupe_key)
    SELECT p_kind, coalesce(c.channel, 'email'), coalesce(c.address, v_email), v_client,
           p_body->'client'->>'locale', p_body,
           p_kind || ':' || (p_body->>'id') || ':' || (p_body->>'version')
    WHERE coalesce(c.address, v_email) IS NOT NULL
    ON CONFLICT (dedupe_key) DO NOTHING;
END $$;

-- The same message by e-mail, for one that WhatsApp will not deliver; false if there is no address.
CREATE FUNCTION message_fall_back(p_id uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    m message;
    v_email text;
BEGIN
    SELECT * INTO m FROM message WHERE id = p_id;
    IF NOT FOUND OR m.channel <> 'whatsapp' OR m.kind NOT LIKE 'booking\_%' THEN
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
CREATE FUNCTION client_forgets_channels() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.phone IS NULL AND NEW.email IS NULL THEN
        DELETE FROM message WHERE client_id = NEW.id AND channel = 'whatsapp';
        DELETE FROM contact_channel WHERE client_id = NEW.id;
    ELSIF NEW.email IS DISTINCT FROM OLD.email THEN
        DELETE FROM contact_channel WHERE client_id = NEW.id AND channel = 'email';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER client_channels AFTER UPDATE OF phone, email ON client
    FOR EACH ROW EXECUTE FUNCTION client_forgets_channels();

-- When clients are reminded. One reminder per booking, time and rule; `reminder` says what became of
-- each, also of those that were too late or not due any more.
CREATE TABLE reminder_rule (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    kind text NOT NULL CHECK (kind IN ('booking_reminder', 'booking_ask')),
    minutes_before integer NOT NULL CHECK (minutes_before BETWEEN 30 AND 43200),
    channel text NOT NULL DEFAULT 'preferred' CHECK (channel IN ('preferred', 'email', 'whatsapp')),
    active boolean NOT NULL DEFAULT true,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (kind, minutes_before, channel)
);
CREATE TABLE reminder (
    booking_id uuid NOT NULL REFERENCES booking ON DELETE CASCADE,
    rule_id uuid NOT NULL REFERENCES reminder_rule ON DELETE CASCADE,
    starts_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('made', 'too_late', 'booked_later', 'unreachable')),
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (booking_id, rule_id, starts_at)
);
CREATE INDEX reminder_at ON reminder (at);
CREATE INDEX reminder_rule_id ON reminder (rule_id);
INSERT INTO reminder_rule (kind, minutes_before) VALUES ('booking_reminder', 1440);

-- Makes the reminders of one rule that are due; how many were made, and how many dropped as late.
-- A reminder that could not be made in time is still sent within `p_late`, not after.
CREATE FUNCTION reminders_make(
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
        ORDER BY k.starts_at, k.id LIMIT p_limit FOR NO KEY UPDATE OF k SKIP LOCKED
    LOOP
        v_due := b.starts_at - make_interval(mins => r.minutes_before);
        SELECT * INTO v_channel, v_address FROM client_channel(b.client_id);
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
                   d.document->'client'->>'locale', d.document,
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
CREATE FUNCTION reminder_known_since(p_booking uuid, p_starts timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT max(at) FROM (
        SELECT max(a.at) AS at FROM audit_event a
        WHERE a.object_kind = 'booking' AND a.object_id = p_booking::text
          AND a.action IN ('booking.confirmed', 'booking.rescheduled')
        UNION ALL SELECT b.created_at FROM booking b WHERE b.id = p_booking
    ) known
$$;

-- A reminder says a time: once the booking is not at it any more, it is not sent.
CREATE FUNCTION message_still_right(m message) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
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
CREATE FUNCTION message_hand(p_id uuid, p_attempt uuid, p_lease interval) RETURNS text
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

-- That a client said to come.
CREATE TABLE attendance (
    booking_id uuid NOT NULL REFERENCES booking ON DELETE CASCADE,
    starts_at timestamptz NOT NULL,
    source text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (booking_id, starts_at)
);

-- What WhatsApp told us, until the worker has worked it off. `id` is the wamid, for reports with the
-- state behind it, so that a repeated notification is stored once.
CREATE TABLE whatsapp_event (
    id text PRIMARY KEY CHECK (length(id) <= 300),
    kind text NOT NULL CHECK (kind IN ('message', 'status')),
    document jsonb NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'dropped')),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    last_error text,
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX whatsapp_event_due ON whatsapp_event (next_attempt_at) WHERE state = 'pending';
CREATE INDEX whatsapp_event_received ON whatsapp_event (received_at);

-- Who wrote to us last when: free text may be sent for 24 hours after that, help is given once.
CREATE TABLE whatsapp_conversation (
    wa_id text PRIMARY KEY,
    last_heard_at timestamptz NOT NULL,
    helped_at timestamptz
);

-- What WhatsApp bills, by day (Argentina's), kind of message and country; money is in the price table.
CREATE TABLE whatsapp_usage (
    day date NOT NULL,
    category text NOT NULL,
    country text NOT NULL,
    billable integer NOT NULL DEFAULT 0,
    free integer NOT NULL DEFAULT 0,
    PRIMARY KEY (day, category, country)
);

-- What was last known of each outside system; without personal data.
CREATE TABLE integration_state (
    name text PRIMARY KEY,
    last_success_at timestamptz,
    last_error_at timestamptz,
    last_error text,
    limited_until timestamptz,
    quota jsonb
);
