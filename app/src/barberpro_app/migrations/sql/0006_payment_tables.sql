-- Payments: one row for what was asked for or handed over, one for each payment at the provider, one
-- for each refund; the account of each booking. No card data: who pays online does it at the
-- provider's own page, and we know its payment by a number.

CREATE TABLE payment (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    booking_id uuid REFERENCES booking ON DELETE SET NULL,
    purchase_id uuid,
    client_id uuid REFERENCES client ON DELETE SET NULL,
    method text NOT NULL CHECK (method IN ('cash', 'transfer', 'mercado_pago')),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount_centavos bigint NOT NULL CHECK (amount_centavos BETWEEN 1 AND 100000000000),
    state text NOT NULL CHECK (state IN ('pending', 'approved', 'expired', 'failed')),
    received_centavos bigint NOT NULL DEFAULT 0 CHECK (received_centavos >= 0),
    refunded_centavos bigint NOT NULL DEFAULT 0,
    reference text NOT NULL DEFAULT '' CHECK (length(reference) <= 100),
    preference_id text,
    checkout_url text,
    expires_at timestamptz,
    next_check_at timestamptz,
    checks integer NOT NULL DEFAULT 0,
    receipt_number bigint UNIQUE,
    recorded_by text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    paid_at timestamptz,
    CHECK (refunded_centavos BETWEEN 0 AND received_centavos),
    CHECK ((state = 'approved') = (paid_at IS NOT NULL)),
    CHECK ((state = 'approved') = (receipt_number IS NOT NULL))
);
CREATE INDEX payment_booking ON payment (booking_id);
CREATE INDEX payment_client ON payment (client_id);
CREATE INDEX payment_due ON payment (next_check_at) WHERE next_check_at IS NOT NULL;

-- The states: what was pending is approved, or its time ends; late money approves it all the same.
CREATE FUNCTION payment_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'approved' AND NEW.state <> 'approved'
       OR OLD.state IN ('expired', 'failed') AND NEW.state = 'pending' THEN
        RAISE EXCEPTION 'a payment does not go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (OLD.amount_centavos, OLD.currency, OLD.method)
       IS DISTINCT FROM (NEW.amount_centavos, NEW.currency, NEW.method)
       OR NEW.received_centavos < OLD.received_centavos
       OR NEW.refunded_centavos < OLD.refunded_centavos THEN
        RAISE EXCEPTION 'what a payment was does not change'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    NEW.updated_at := now();
    RETURN NEW;
END $$;
CREATE TRIGGER payment_moves BEFORE UPDATE ON payment
    FOR EACH ROW EXECUTE FUNCTION payment_moves();

-- A payment at Mercado Pago as it was last read there. `allocated`: it counts for what it was asked
-- for; otherwise it came too late, twice or with another amount, and goes back.
CREATE TABLE mercado_pago_payment (
    id text PRIMARY KEY CHECK (id ~ '^[0-9]{1,20}$'),
    payment_id uuid NOT NULL REFERENCES payment,
    status text NOT NULL CHECK (length(status) <= 40),
    currency text NOT NULL,
    amount_centavos bigint NOT NULL,
    received_centavos bigint NOT NULL DEFAULT 0,
    reversed_centavos bigint NOT NULL DEFAULT 0,
    fee_centavos bigint NOT NULL DEFAULT 0,
    allocated boolean,
    last_change timestamptz NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON mercado_pago_payment (payment_id);

-- Signed notifications, each worked off once; x-request-id is what tells a replay.
CREATE TABLE mercado_pago_notice (
    request_id text PRIMARY KEY CHECK (length(request_id) BETWEEN 1 AND 200),
    provider_payment text NOT NULL CHECK (provider_payment ~ '^[0-9]{1,20}$'),
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'dropped')),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    last_error text,
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON mercado_pago_notice (next_attempt_at) WHERE state = 'pending';

-- Money that goes back. The key is also the Idempotency-Key at the provider: a retry gives it once.
CREATE TABLE refund (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    payment_id uuid NOT NULL REFERENCES payment,
    provider_payment text REFERENCES mercado_pago_payment,
    amount_centavos bigint NOT NULL CHECK (amount_centavos > 0),
    kind text NOT NULL CHECK (kind IN
        ('asked', 'late', 'surplus', 'mismatch', 'cancelled')),
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    last_error text,
    asked_by text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    done_at timestamptz
);
CREATE INDEX ON refund (payment_id);
CREATE INDEX refund_due ON refund (next_attempt_at) WHERE state = 'pending';

-- One row, locked while a receipt gets its number: the numbers have no gaps.
CREATE TABLE receipt_counter (only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
                              last bigint NOT NULL);
INSERT INTO receipt_counter (last) VALUES (0);

-- Where a booking stands: paid (net of refunds) against charged. Until it is charged, what is paid
-- is a deposit; what is charged and not paid is owed. `income` is where the charge went.
CREATE TABLE booking_account (
    booking_id uuid PRIMARY KEY,
    client_id uuid,
    currency text NOT NULL,
    paid bigint NOT NULL DEFAULT 0 CHECK (paid >= 0),
    gross bigint NOT NULL DEFAULT 0 CHECK (gross >= 0),
    adjusted bigint NOT NULL DEFAULT 0 CHECK (adjusted BETWEEN 0 AND gross),
    income text NOT NULL DEFAULT 'revenue'
);
