-- Providers' own calendars: an address to subscribe to, connections both ways, what is busy outside,
-- what our side has written there, and where the two disagree.

-- The address holds feed_id and a signature over it; a new id makes the old address nobody's.
CREATE TABLE calendar_feed (
    provider_id uuid PRIMARY KEY REFERENCES provider ON DELETE CASCADE,
    feed_id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    detail text NOT NULL DEFAULT 'service' CHECK (detail IN ('busy', 'service', 'full')),
    read_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- `account` is the user's name there, `calendar` the collection's address or Google's id, `sealed` the
-- password or token, which the database cannot read. `cursor` is the peer's sync token.
CREATE TABLE calendar_connection (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    provider_id uuid NOT NULL REFERENCES provider ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('caldav', 'google')),
    state text NOT NULL DEFAULT 'choosing'
        CHECK (state IN ('choosing', 'active', 'refused', 'removing')),
    account text NOT NULL DEFAULT '' CHECK (length(account) <= 254),
    calendar text NOT NULL DEFAULT '' CHECK (length(calendar) <= 1000),
    title text NOT NULL DEFAULT '' CHECK (length(title) <= 200),
    choices jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(choices) = 'array'),
    sealed bytea NOT NULL,
    detail text NOT NULL DEFAULT 'service' CHECK (detail IN ('busy', 'service', 'full')),
    writes boolean NOT NULL DEFAULT true,
    blocks boolean NOT NULL DEFAULT true,
    cursor text,
    full_at timestamptz,
    unreadable integer NOT NULL DEFAULT 0,
    next_sync_at timestamptz NOT NULL DEFAULT now(),
    lease uuid,
    leased_until timestamptz,
    failures integer NOT NULL DEFAULT 0,
    last_success_at timestamptz,
    last_error_at timestamptz,
    last_error text,
    channel_id uuid UNIQUE,
    channel_resource text,
    channel_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX calendar_connection_provider ON calendar_connection (provider_id);
CREATE UNIQUE INDEX calendar_connection_once ON calendar_connection (provider_id, kind, calendar)
    WHERE state IN ('active', 'refused');

-- What is known of the events there; nothing of what they say.
CREATE TABLE calendar_object (
    connection_id uuid NOT NULL REFERENCES calendar_connection ON DELETE CASCADE,
    source text NOT NULL,
    etag text NOT NULL DEFAULT '',
    PRIMARY KEY (connection_id, source)
);

CREATE TABLE busy_time (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    provider_id uuid NOT NULL REFERENCES provider ON DELETE CASCADE,
    connection_id uuid NOT NULL REFERENCES calendar_connection ON DELETE CASCADE,
    source text NOT NULL,
    uid text NOT NULL,
    period tstzrange NOT NULL
        CHECK (NOT isempty(period) AND NOT lower_inf(period) AND NOT upper_inf(period)),
    ignored boolean NOT NULL DEFAULT false,
    UNIQUE (connection_id, source, period)
);
CREATE INDEX busy_time_period ON busy_time USING gist (provider_id, period) WHERE NOT ignored;

-- The outbox of calendars: a row for each thing of ours that a calendar shows or should show. `wanted`
-- grows with each change, `written` is what the calendar has. Subjects are bookings; no foreign key,
-- for the event of a booking that is gone has still to be taken away.
CREATE TABLE calendar_mirror (
    subject_id uuid NOT NULL,
    connection_id uuid NOT NULL REFERENCES calendar_connection ON DELETE CASCADE,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'failed')),
    wanted integer NOT NULL DEFAULT 1,
    written integer,
    remote text,
    etag text,
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    lease uuid,
    last_error text,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subject_id, connection_id)
);
CREATE INDEX calendar_mirror_due ON calendar_mirror (next_attempt_at) WHERE state = 'pending';
CREATE INDEX calendar_mirror_remote ON calendar_mirror (connection_id, remote);

-- 'overlap': an outside event lies on a booking; 'moved', 'deleted': somebody did that to our event
-- there, while the booking stands.
CREATE TABLE calendar_conflict (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    kind text NOT NULL CHECK (kind IN ('overlap', 'moved', 'deleted')),
    subject_id uuid NOT NULL,
    provider_id uuid NOT NULL REFERENCES provider ON DELETE CASCADE,
    connection_id uuid NOT NULL REFERENCES calendar_connection ON DELETE CASCADE,
    source text NOT NULL,
    period tstzrange NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'kept', 'dismissed', 'gone')),
    found_at timestamptz NOT NULL DEFAULT now(),
    decided_at timestamptz,
    UNIQUE (kind, subject_id, connection_id, source, period)
);
CREATE INDEX calendar_conflict_open ON calendar_conflict (provider_id) WHERE state = 'open';
