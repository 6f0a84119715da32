-- The core: what is offered, by whom, when, and what was booked.
-- Instants are timestamptz; a day or an hour of the day is local to the location's zone (IANA name).
-- Money is bigint centavos. Keys are uuidv7, so that new rows stay together in the indexes.

CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE location (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    key text NOT NULL UNIQUE CHECK (length(key) BETWEEN 1 AND 63),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    address text NOT NULL DEFAULT '' CHECK (length(address) <= 200),
    phone text NOT NULL DEFAULT '' CHECK (length(phone) <= 40),
    zone text NOT NULL CHECK (length(zone) BETWEEN 1 AND 64),
    active boolean NOT NULL DEFAULT true,
    sort integer NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE provider (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    key text NOT NULL UNIQUE CHECK (length(key) BETWEEN 1 AND 63),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    email text CHECK (length(email) <= 254),
    bio text NOT NULL DEFAULT '' CHECK (length(bio) <= 1000),
    active boolean NOT NULL DEFAULT true,
    sort integer NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE provider_location (
    provider_id uuid NOT NULL REFERENCES provider ON DELETE CASCADE,
    location_id uuid NOT NULL REFERENCES location ON DELETE CASCADE,
    PRIMARY KEY (provider_id, location_id)
);
CREATE INDEX ON provider_location (location_id);

-- Minutes since local midnight, 1440 is the midnight that ends the day. One provider is at one
-- place at a time: rows of one weekday never overlap, whatever the location.
CREATE TABLE working_hours (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    provider_id uuid NOT NULL REFERENCES provider ON DELETE CASCADE,
    location_id uuid NOT NULL REFERENCES location ON DELETE CASCADE,
    weekday integer NOT NULL CHECK (weekday BETWEEN 1 AND 7),
    opens integer NOT NULL CHECK (opens >= 0),
    closes integer NOT NULL CHECK (closes <= 1440),
    valid_from date NOT NULL DEFAULT '2000-01-01',
    valid_to date CHECK (valid_to >= valid_from),
    CHECK (opens < closes),
    CONSTRAINT working_hours_do_not_overlap EXCLUDE USING gist (
        provider_id WITH =, weekday WITH =,
        int4range(opens, closes) WITH &&, daterange(valid_from, valid_to, '[]') WITH &&
    )
);
CREATE INDEX ON working_hours (location_id);

CREATE TABLE break_time (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    working_hours_id uuid NOT NULL REFERENCES working_hours ON DELETE CASCADE,
    starts integer NOT NULL CHECK (starts >= 0),
    ends integer NOT NULL CHECK (ends <= 1440),
    CHECK (starts < ends)
);
CREATE INDEX ON break_time (working_hours_id);

-- Of a provider, or of a whole location when there is no provider.
CREATE TABLE time_off (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    provider_id uuid REFERENCES provider ON DELETE CASCADE,
    location_id uuid REFERENCES location ON DELETE CASCADE,
    period tstzrange NOT NULL
        CHECK (NOT isempty(period) AND NOT lower_inf(period) AND NOT upper_inf(period)),
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 200),
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (num_nonnulls(provider_id, location_id) = 1)
);
CREATE INDEX ON time_off USING gist (provider_id, period);
CREATE INDEX ON time_off USING gist (location_id, period);

CREATE TABLE holiday_override (
    day date PRIMARY KEY,
    open boolean NOT NULL,
    name text NOT NULL DEFAULT '' CHECK (length(name) <= 120)
);

CREATE TABLE service (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    key text NOT NULL UNIQUE CHECK (length(key) BETWEEN 1 AND 63),
    name jsonb NOT NULL CHECK (jsonb_typeof(name) = 'object'),
    description jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(description) = 'object'),
    minutes integer NOT NULL CHECK (minutes BETWEEN 5 AND 720),
    buffer_before integer NOT NULL DEFAULT 0 CHECK (buffer_before BETWEEN 0 AND 240),
    buffer_after integer NOT NULL DEFAULT 0 CHECK (buffer_after BETWEEN 0 AND 240),
    price_centavos bigint NOT NULL CHECK (price_centavos BETWEEN 0 AND 100000000000),
    active boolean NOT NULL DEFAULT true,
    sort integer NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Who gives which service; with own minutes or price where they differ.
CREATE TABLE provider_service (
    provider_id uuid NOT NULL REFERENCES provider ON DELETE CASCADE,
    service_id uuid NOT NULL REFERENCES service ON DELETE CASCADE,
    minutes integer CHECK (minutes BETWEEN 5 AND 720),
    price_centavos bigint CHECK (price_centavos BETWEEN 0 AND 100000000000),
    PRIMARY KEY (provider_id, service_id)
);
CREATE INDEX ON provider_service (service_id);

CREATE TABLE client (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    email text CHECK (length(email) <= 254 AND email = lower(email)),
    phone text CHECK (length(phone) <= 40),
    locale text CHECK (length(locale) <= 5),
    note text NOT NULL DEFAULT '' CHECK (length(note) <= 2000),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX client_email ON client (email) WHERE email IS NOT NULL;
CREATE INDEX client_name ON client (lower(name) text_pattern_ops);

CREATE TABLE booking (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    code text NOT NULL UNIQUE CHECK (code ~ '^[2-9A-HJKMNP-TV-Z]{8}$'),
    status text NOT NULL CHECK (status IN
        ('held', 'confirmed', 'arrived', 'completed', 'no_show', 'cancelled', 'expired')),
    client_id uuid REFERENCES client,
    provider_id uuid NOT NULL REFERENCES provider,
    service_id uuid NOT NULL REFERENCES service,
    location_id uuid NOT NULL REFERENCES location,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    zone text NOT NULL,
    price_centavos bigint NOT NULL CHECK (price_centavos >= 0),
    hold_expires_at timestamptz,
    hold_extended boolean NOT NULL DEFAULT false,
    held_by text NOT NULL DEFAULT '',
    any_provider boolean NOT NULL DEFAULT false,
    source text NOT NULL DEFAULT 'api',
    note text NOT NULL DEFAULT '' CHECK (length(note) <= 500),
    cancel_reason text CHECK (length(cancel_reason) <= 500),
    -- The contact as it was given with this booking; null if the client is known otherwise. Whoever
    -- types an e-mail address sees this again, and nothing of what is on file under the address.
    contact jsonb CHECK (jsonb_typeof(contact) = 'object'),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (starts_at < ends_at),
    CHECK ((status = 'held') = (hold_expires_at IS NOT NULL)),
    CHECK (client_id IS NOT NULL OR status IN ('held', 'cancelled', 'expired'))
);
CREATE INDEX booking_provider ON booking (provider_id, starts_at);
CREATE INDEX booking_client ON booking (client_id, starts_at);
CREATE INDEX booking_start ON booking (starts_at, id);
CREATE INDEX booking_stale ON booking (hold_expires_at) WHERE status = 'held';

-- What a booking takes: now a provider's time, later a chair's too. Buffers are inside the period.
-- The exclusion constraint is the rule that nothing can go round.
CREATE TABLE occupancy (
    booking_id uuid NOT NULL REFERENCES booking ON DELETE CASCADE,
    part text NOT NULL DEFAULT 'provider',
    resource_id uuid NOT NULL,
    period tstzrange NOT NULL
        CHECK (NOT isempty(period) AND NOT lower_inf(period) AND NOT upper_inf(period)),
    active boolean NOT NULL DEFAULT true,
    expires_at timestamptz,
    PRIMARY KEY (booking_id, part),
    CONSTRAINT occupancy_no_overlap
        EXCLUDE USING gist (resource_id WITH =, period WITH &&) WHERE (active)
);

CREATE TABLE idempotency (
    principal text NOT NULL,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request_hash text NOT NULL,
    status integer NOT NULL,
    response jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (principal, key)
);
CREATE INDEX ON idempotency (created_at);

-- Append only: the app's role may add and read, nothing else.
CREATE TABLE audit_event (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    at timestamptz NOT NULL DEFAULT now(),
    actor_kind text NOT NULL,
    actor_id text NOT NULL,
    actor_name text NOT NULL,
    action text NOT NULL,
    object_kind text NOT NULL,
    object_id text NOT NULL,
    request_id text NOT NULL,
    changes jsonb NOT NULL
);
CREATE INDEX audit_event_object ON audit_event (object_kind, object_id);

-- The outbox: written with the change that it tells of, sent by the worker.
CREATE TABLE message (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    kind text NOT NULL,
    recipient text NOT NULL,
    locale text,
    payload jsonb NOT NULL,
    state text NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'sending', 'sent', 'failed', 'cancelled')),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    last_error text,
    dedupe_key text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz
);
CREATE INDEX message_due ON message (next_attempt_at) WHERE state IN ('pending', 'sending');
CREATE INDEX message_recipient ON message (recipient);

-- What the owner changed of app.json's defaults; key 'policies' holds an object of its keys.
CREATE TABLE settings_value (
    key text PRIMARY KEY,
    value jsonb NOT NULL,
    version integer NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Keys of the seed that were loaded once, so that what the owner deleted does not come back.
CREATE TABLE seeded (
    kind text NOT NULL,
    key text NOT NULL,
    PRIMARY KEY (kind, key)
);
