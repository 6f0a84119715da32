-- Who may sign in, with what, and which programs may use the API.

CREATE TABLE staff_user (
    id          uuid PRIMARY KEY DEFAULT uuidv7(),
    email       text NOT NULL CHECK (email = lower(email) AND length(email) <= 254),
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    role        text NOT NULL CHECK (role IN ('owner', 'manager', 'provider', 'reception')),
    provider_id uuid REFERENCES provider (id) ON DELETE SET NULL,
    active      boolean NOT NULL DEFAULT true,
    version     integer NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (email)
);
CREATE INDEX staff_user_provider ON staff_user (provider_id) WHERE provider_id IS NOT NULL;

-- A link's token is a 256-bit random number; only its SHA-256 is kept. A slow password hash would
-- add nothing: there is no dictionary of random numbers to try.
CREATE TABLE sign_in_link (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    staff_id   uuid REFERENCES staff_user (id) ON DELETE CASCADE,
    client_id  uuid REFERENCES client (id) ON DELETE CASCADE,
    next_path  text NOT NULL DEFAULT '' CHECK (length(next_path) <= 500),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    CHECK (num_nonnulls(staff_id, client_id) = 1)
);
CREATE INDEX sign_in_link_staff ON sign_in_link (staff_id) WHERE staff_id IS NOT NULL;
CREATE INDEX sign_in_link_client ON sign_in_link (client_id) WHERE client_id IS NOT NULL;

CREATE TABLE session (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    staff_id   uuid REFERENCES staff_user (id) ON DELETE CASCADE,
    client_id  uuid REFERENCES client (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL,
    CHECK (num_nonnulls(staff_id, client_id) = 1)
);
CREATE INDEX session_staff ON session (staff_id) WHERE staff_id IS NOT NULL;
CREATE INDEX session_client ON session (client_id) WHERE client_id IS NOT NULL;
CREATE INDEX session_expiry ON session (expires_at);

CREATE TABLE api_client (
    id           uuid PRIMARY KEY DEFAULT uuidv7(),
    name         text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    secret_hash  bytea NOT NULL CHECK (length(secret_hash) = 32),
    scopes       text[] NOT NULL CHECK (cardinality(scopes) > 0),
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    removed_at   timestamptz
);

-- The worker sleeps between looks at the outbox. Somebody who waits for a sign-in link should not
-- wait for that; bookings do not notify, for NOTIFY makes committing transactions queue up.
CREATE FUNCTION message_wakes_worker() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('outbox', '');
    RETURN NULL;
END $$;
CREATE TRIGGER message_wakes_worker AFTER INSERT ON message
    FOR EACH ROW WHEN (NEW.kind = 'sign_in_link') EXECUTE FUNCTION message_wakes_worker();

-- What a test of a running deployment left: everything of clients whose address is at the domain.
-- Answers kept for retries hold a copy of the booking, so they go too.
CREATE FUNCTION remove_test_data(p_domain text)
RETURNS TABLE (bookings bigint, clients bigint, messages bigint) LANGUAGE plpgsql AS $$
DECLARE
    v_suffix CONSTANT text := '@' || p_domain;
    v_clients uuid[];
BEGIN
    SELECT array_agg(id) INTO v_clients FROM client WHERE right(email, length(v_suffix)) = v_suffix;
    DELETE FROM idempotency
    WHERE (response->'client'->>'id')::uuid = ANY (v_clients)
       OR response->>'id' IN (SELECT id::text FROM booking WHERE client_id = ANY (v_clients));
    DELETE FROM message WHERE right(recipient, length(v_suffix)) = v_suffix;
    GET DIAGNOSTICS messages = ROW_COUNT;
    DELETE FROM booking WHERE client_id = ANY (v_clients);
    GET DIAGNOSTICS bookings = ROW_COUNT;
    DELETE FROM client WHERE id = ANY (v_clients);
    GET DIAGNOSTICS clients = ROW_COUNT;
    RETURN NEXT;
END $$;
