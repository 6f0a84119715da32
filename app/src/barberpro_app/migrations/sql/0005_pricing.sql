-- What a booking costs, and what has to be paid ahead, by the owner's rules.
--
-- One function each answers for everybody: booking_price() and deposit_quote(). They read nothing but
-- their arguments, the rules, and (deposits) the client's past; the quote that a visitor is shown and
-- the amounts that a booking keeps come from the same call.

-- What is null matches everything. Minutes are since local midnight.
CREATE TABLE price_rule (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    service_id uuid REFERENCES service ON DELETE CASCADE,
    provider_id uuid REFERENCES provider ON DELETE CASCADE,
    weekdays integer[] CHECK (cardinality(weekdays) BETWEEN 1 AND 7
                              AND weekdays <@ ARRAY[1, 2, 3, 4, 5, 6, 7]),
    from_minute integer CHECK (from_minute BETWEEN 0 AND 1439),
    to_minute integer CHECK (to_minute BETWEEN 1 AND 1440),
    kind text NOT NULL CHECK (kind IN ('fixed', 'percent')),
    amount_centavos bigint CHECK (amount_centavos BETWEEN 0 AND 100000000000),
    percent integer CHECK (percent BETWEEN 0 AND 1000),
    active boolean NOT NULL DEFAULT true,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((from_minute IS NULL) = (to_minute IS NULL) AND from_minute < to_minute),
    CHECK ((kind = 'fixed') = (amount_centavos IS NOT NULL)
           AND (kind = 'percent') = (percent IS NOT NULL))
);

-- `applies`: to everybody, to who never came before, or from the n-th no-show of a year on.
CREATE TABLE deposit_rule (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    service_id uuid REFERENCES service ON DELETE CASCADE,
    applies text NOT NULL CHECK (applies IN ('always', 'new_client', 'no_shows')),
    no_shows integer CHECK (no_shows BETWEEN 1 AND 100),
    kind text NOT NULL CHECK (kind IN ('fixed', 'percent')),
    amount_centavos bigint CHECK (amount_centavos BETWEEN 0 AND 100000000000),
    percent integer CHECK (percent BETWEEN 0 AND 100),
    active boolean NOT NULL DEFAULT true,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((applies = 'no_shows') = (no_shows IS NOT NULL)),
    CHECK ((kind = 'fixed') = (amount_centavos IS NOT NULL)
           AND (kind = 'percent') = (percent IS NOT NULL))
);

ALTER TABLE booking
    ADD COLUMN deposit_centavos bigint NOT NULL DEFAULT 0 CHECK (deposit_centavos >= 0),
    ADD COLUMN price_rule_id uuid,
    ADD COLUMN deposit_rule_id uuid;
