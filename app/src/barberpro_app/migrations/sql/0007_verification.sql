-- Licences of professionals (matrículas), and the rule that only the verified are booked.

-- One row where the deployment demands it; written by `seed`, which knows app.json.
CREATE TABLE verification_rule (
    required boolean PRIMARY KEY DEFAULT true CHECK (required)
);

CREATE TABLE licence (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    provider_id uuid NOT NULL REFERENCES provider ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('national', 'provincial', 'provisional')),
    number text NOT NULL CHECK (length(number) <= 40),
    jurisdiction text NOT NULL CHECK (length(jurisdiction) <= 80),
    status text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'verified', 'rejected', 'expired')),
    valid_until date,
    recheck_on date,
    note text NOT NULL DEFAULT '' CHECK (length(note) <= 500),
    reviewed_by text NOT NULL DEFAULT '' CHECK (length(reviewed_by) <= 120),
    reviewed_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (kind = 'provisional' OR (number <> '' AND jurisdiction <> '')),
    CHECK (kind <> 'provisional' OR valid_until IS NOT NULL)
);

CREATE INDEX licence_provider ON licence (provider_id);

CREATE UNIQUE INDEX licence_number ON licence (kind, jurisdiction, number)
    WHERE kind <> 'provisional' AND status <> 'rejected';

CREATE TABLE licence_document (
    licence_id uuid PRIMARY KEY REFERENCES licence ON DELETE CASCADE,
    media_type text NOT NULL CHECK (media_type IN ('application/pdf', 'image/jpeg', 'image/png')),
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    content bytea NOT NULL CHECK (length(content) BETWEEN 1 AND 921600),
    uploaded_at timestamptz NOT NULL DEFAULT now()
);

-- Whether a provider may be booked; true for everybody where the rule is off. A licence is good to
-- the end of its last day, wherever that ends last.
CREATE FUNCTION provider_bookable(p_provider uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (SELECT FROM verification_rule)
        OR EXISTS (SELECT FROM licence WHERE provider_id = p_provider AND status = 'verified'
                   AND (valid_until IS NULL
                        OR valid_until >= (now() AT TIME ZONE 'Etc/GMT+12')::date))
$$;

-- The rule that nothing goes round: whatever makes or moves a booking comes through here.
CREATE FUNCTION booking_needs_verified_provider() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT provider_bookable(NEW.provider_id) THEN
        PERFORM refuse('provider_unverified',
            'The licence of this professional is not verified.', 'provider_id');
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER booking_verified_insert BEFORE INSERT ON booking
    FOR EACH ROW EXECUTE FUNCTION booking_needs_verified_provider();

CREATE TRIGGER booking_verified_move BEFORE UPDATE OF provider_id, starts_at ON booking
    FOR EACH ROW WHEN (NEW.provider_id <> OLD.provider_id OR NEW.starts_at <> OLD.starts_at)
    EXECUTE FUNCTION booking_needs_verified_provider();

-- Turns the rule on or off. Whoever is here when it is first turned on may be booked for 30 days, so
-- that a business can open; the owner is told to verify them until then.
CREATE FUNCTION verification_require(p_required boolean) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_count integer := 0;
BEGIN
    IF NOT p_required THEN
        DELETE FROM verification_rule;
        RETURN 0;
    END IF;
    INSERT INTO verification_rule VALUES (true) ON CONFLICT DO NOTHING;
    INSERT INTO seeded (kind, key) VALUES ('rule', 'provider-verification') ON CONFLICT DO NOTHING;
    IF FOUND THEN
        INSERT INTO licence (provider_id, kind, number, jurisdiction, status, valid_until, recheck_on, note)
        SELECT id, 'provisional', '', '', 'verified', current_date + 30, current_date + 30, ''
        FROM provider p WHERE NOT EXISTS (SELECT FROM licence l WHERE l.provider_id = p.id);
        GET DIAGNOSTICS v_count = ROW_COUNT;
    END IF;
    RETURN v_count;
END $$;
