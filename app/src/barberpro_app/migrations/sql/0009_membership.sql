-- Credits bought ahead: a package gives so many once, a membership so many each period.
--
-- A plan is what is sold; a pass is what a client bought; a period of a pass holds its credits (a
-- package has one); a use is a booking that took one. What of the price was not used yet is owed to
-- the client (account 'packages') and becomes revenue with each use, to the centavo: after k of n uses
-- floor(price * k / n) has been earned. What expires unused is earned too, under its own account.

CREATE TABLE plan (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    kind text NOT NULL CHECK (kind IN ('package', 'membership')),
    credits integer NOT NULL CHECK (credits BETWEEN 1 AND 500),
    days integer NOT NULL CHECK (days BETWEEN 1 AND 1100),
    price_centavos bigint NOT NULL CHECK (price_centavos BETWEEN 1 AND 100000000000),
    active boolean NOT NULL DEFAULT true,
    online boolean NOT NULL DEFAULT true,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Which services a credit pays; none means every one.
CREATE TABLE plan_service (
    plan_id uuid NOT NULL REFERENCES plan ON DELETE CASCADE,
    service_id uuid NOT NULL REFERENCES service ON DELETE CASCADE,
    PRIMARY KEY (plan_id, service_id)
);

CREATE TABLE pass (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    plan_id uuid NOT NULL REFERENCES plan,
    client_id uuid REFERENCES client ON DELETE SET NULL,
    name text NOT NULL,
    kind text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX ON pass (client_id);

CREATE TABLE pass_period (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    pass_id uuid NOT NULL REFERENCES pass,
    payment_id uuid NOT NULL UNIQUE REFERENCES payment,
    client_id uuid NOT NULL,
    currency text NOT NULL,
    credits integer NOT NULL,
    price_centavos bigint NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    taken integer NOT NULL DEFAULT 0,
    earned_uses integer NOT NULL DEFAULT 0,
    earned_centavos bigint NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'expired', 'refunded')),
    CHECK (starts_at < ends_at),
    CHECK (taken BETWEEN 0 AND credits),
    CHECK (earned_uses BETWEEN 0 AND taken),
    CHECK (earned_centavos BETWEEN 0 AND price_centavos)
);

CREATE INDEX ON pass_period (pass_id);

CREATE INDEX pass_period_open ON pass_period (ends_at) WHERE state = 'open';

-- One booking takes one credit at most; a credit that was given back leaves its row.
CREATE TABLE pass_use (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    period_id uuid NOT NULL REFERENCES pass_period,
    booking_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('taken', 'earned', 'returned')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX pass_use_booking ON pass_use (booking_id) WHERE state <> 'returned';

CREATE INDEX ON pass_use (period_id);

-- What is being sold by a payment that is not there yet, or was.
CREATE TABLE purchase (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    plan_id uuid NOT NULL REFERENCES plan,
    pass_id uuid REFERENCES pass,
    client_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE payment ADD CONSTRAINT payment_purchase FOREIGN KEY (purchase_id) REFERENCES purchase;
