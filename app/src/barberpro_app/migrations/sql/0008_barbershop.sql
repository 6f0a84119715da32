-- Photographs, the gallery, posts, and loyalty.

-- What was uploaded waits as a file named by its id; what is published are its variants.
CREATE TABLE media_file (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    state text NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'ready', 'refused', 'deleted')),
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 200),
    uploaded_by text NOT NULL,
    bytes integer NOT NULL CHECK (bytes > 0),
    width integer CHECK (width > 0),
    height integer CHECK (height > 0),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    processed_at timestamptz
);
CREATE INDEX media_file_pending ON media_file (next_attempt_at) WHERE state = 'pending';

-- Two photographs may have the same variant: its name is the hash of its content.
CREATE TABLE media_variant (
    media_id uuid NOT NULL REFERENCES media_file ON DELETE CASCADE,
    name text NOT NULL CHECK (name ~ '^[0-9a-f]{64}\.(webp|jpg)$'),
    media_type text NOT NULL CHECK (media_type IN ('image/webp', 'image/jpeg')),
    width integer NOT NULL CHECK (width BETWEEN 1 AND 1080),
    height integer NOT NULL CHECK (height BETWEEN 1 AND 10000),
    bytes integer NOT NULL CHECK (bytes > 0),
    PRIMARY KEY (media_id, name)
);
CREATE INDEX media_variant_name ON media_variant (name);

CREATE TABLE portfolio_item (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    provider_id uuid NOT NULL REFERENCES provider,
    service_id uuid NOT NULL REFERENCES service,
    client_id uuid NOT NULL REFERENCES client,
    consent_id uuid NOT NULL REFERENCES consent,
    before_id uuid NOT NULL REFERENCES media_file,
    after_id uuid NOT NULL REFERENCES media_file,
    before_alt text NOT NULL CHECK (length(before_alt) BETWEEN 3 AND 200),
    after_alt text NOT NULL CHECK (length(after_alt) BETWEEN 3 AND 200),
    state text NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'published', 'rejected', 'withdrawn')),
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 300),
    published_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (before_id <> after_id),
    CHECK ((state = 'published') = (published_at IS NOT NULL)),
    CHECK (state <> 'rejected' OR reason <> '')
);
CREATE INDEX portfolio_published ON portfolio_item (published_at DESC, id DESC)
    WHERE state = 'published';
CREATE INDEX portfolio_consent ON portfolio_item (consent_id);

-- Whoever revokes the consent, by whatever page: the pair is not shown from the same instant on.
-- Its files are deleted by the job that finds it withdrawn.
CREATE FUNCTION portfolio_withdraw() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE portfolio_item SET state = 'withdrawn', published_at = NULL,
        version = version + 1, updated_at = now()
    WHERE consent_id = NEW.id AND state <> 'withdrawn';
    RETURN NULL;
END $$;
CREATE TRIGGER portfolio_withdraw AFTER UPDATE OF revoked_at ON consent
    FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL)
    EXECUTE FUNCTION portfolio_withdraw();

CREATE TABLE social_post (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    item_id uuid NOT NULL REFERENCES portfolio_item,
    caption text NOT NULL CHECK (length(caption) <= 2200),
    state text NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'container', 'published', 'failed')),
    container_id text,
    media_id text,
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    last_error text NOT NULL DEFAULT '' CHECK (length(last_error) <= 300),
    created_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz
);
CREATE UNIQUE INDEX social_post_once ON social_post (item_id) WHERE state <> 'failed';
CREATE INDEX social_post_due ON social_post (next_attempt_at)
    WHERE state IN ('pending', 'container');

-- `stamps` completed visits give `percent` off the next one (100: it is free).
CREATE TABLE loyalty_rule (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    service_id uuid REFERENCES service,
    stamps integer NOT NULL CHECK (stamps BETWEEN 1 AND 50),
    percent integer NOT NULL CHECK (percent BETWEEN 1 AND 100),
    valid_days integer NOT NULL CHECK (valid_days BETWEEN 1 AND 3650),
    active boolean NOT NULL DEFAULT true,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE loyalty_reward (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    rule_id uuid NOT NULL REFERENCES loyalty_rule,
    booking_id uuid NOT NULL UNIQUE REFERENCES booking,
    client_id uuid NOT NULL REFERENCES client,
    discount_centavos bigint NOT NULL CHECK (discount_centavos >= 0),
    redeemed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE loyalty_stamp (
    rule_id uuid NOT NULL REFERENCES loyalty_rule,
    booking_id uuid NOT NULL REFERENCES booking,
    client_id uuid NOT NULL REFERENCES client,
    state text NOT NULL CHECK (state IN ('active', 'spent', 'expired', 'taken_back')),
    expires_at timestamptz NOT NULL,
    reward_id uuid,
    moves integer NOT NULL DEFAULT 0,
    PRIMARY KEY (rule_id, booking_id),
    CHECK ((state = 'spent') = (reward_id IS NOT NULL))
);
CREATE INDEX loyalty_stamp_client ON loyalty_stamp (client_id, rule_id, state);
CREATE INDEX loyalty_stamp_expiry ON loyalty_stamp (expires_at) WHERE state = 'active';
