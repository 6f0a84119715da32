-- The owner's brand, categories of services, ending a membership, stamps that are given by hand.

-- Pictures of the brand, made from what the owner sent. They are kept here and not in a folder, so
-- that every process of a deployment has them. `name` is the hash of the content.
CREATE TABLE brand_image (
    kind text PRIMARY KEY CHECK (kind IN ('logo', 'icon')),
    name text NOT NULL CHECK (name ~ '^[0-9a-f]{64}\.png$'),
    width integer NOT NULL CHECK (width BETWEEN 1 AND 1024),
    height integer NOT NULL CHECK (height BETWEEN 1 AND 1024),
    content bytea NOT NULL CHECK (length(content) BETWEEN 1 AND 1048576),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Values that the owner gave and that nobody may read back: sealed by the app under a key of its own.
CREATE TABLE sealed_setting (
    key text PRIMARY KEY CHECK (key ~ '^[a-z][a-z0-9-]{1,62}$'),
    sealed bytea NOT NULL CHECK (length(sealed) BETWEEN 29 AND 8192),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- By language, like the name; services of one category are shown together.
ALTER TABLE service
    ADD COLUMN category jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(category) = 'object');

-- Besides withdrawing from a contract, ending a service that goes on (Disposición 954/2025).
ALTER TABLE withdrawal_request
    ADD COLUMN kind text NOT NULL DEFAULT 'regret' CHECK (kind IN ('regret', 'cancellation')),
    ADD COLUMN pass_id uuid REFERENCES pass ON DELETE SET NULL,
    DROP CONSTRAINT withdrawal_request_code_check,
    ADD CONSTRAINT withdrawal_request_code_check CHECK (code ~ '^[AB][2-9A-HJKMNP-TV-Z]{9}$');
CREATE INDEX withdrawal_request_pass ON withdrawal_request (pass_id) WHERE pass_id IS NOT NULL;

-- A membership that its client ended: what is paid stays good, and no other period begins.
ALTER TABLE pass ADD COLUMN ended_at timestamptz;

-- A stamp of a visit, or one that the front desk gave and says why.
ALTER TABLE loyalty_stamp
    ADD COLUMN id uuid NOT NULL DEFAULT uuidv7(),
    ADD COLUMN given_by text NOT NULL DEFAULT '',
    ADD COLUMN reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 200),
    ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(),
    DROP CONSTRAINT loyalty_stamp_pkey,
    ADD PRIMARY KEY (id),
    ADD CONSTRAINT loyalty_stamp_of_visit UNIQUE (rule_id, booking_id),
    ALTER COLUMN booking_id DROP NOT NULL,
    ADD CHECK (booking_id IS NOT NULL OR given_by <> '');
CREATE INDEX loyalty_stamp_booking ON loyalty_stamp (booking_id) WHERE booking_id IS NOT NULL;
CREATE INDEX loyalty_reward_client ON loyalty_reward (client_id);
CREATE INDEX portfolio_item_client ON portfolio_item (client_id);
