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
