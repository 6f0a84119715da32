-- What a booking takes beside its provider, several services in one visit, and bookings that the
-- business approves.

-- A chair, a room, equipment: one thing that one booking at a time can use.
CREATE TABLE resource (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    location_id uuid NOT NULL REFERENCES location,
    kind text NOT NULL CHECK (length(kind) BETWEEN 1 AND 40),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    active boolean NOT NULL DEFAULT true,
    sort integer NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (location_id, kind, name)
);

-- So many of a kind are taken with each booking of a service.
CREATE TABLE service_resource (
    service_id uuid NOT NULL REFERENCES service ON DELETE CASCADE,
    kind text NOT NULL CHECK (length(kind) BETWEEN 1 AND 40),
    count integer NOT NULL DEFAULT 1 CHECK (count BETWEEN 1 AND 5),
    PRIMARY KEY (service_id, kind)
);

-- Several services in one sitting: a booking each, one after the other.
CREATE TABLE visit (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    location_id uuid NOT NULL REFERENCES location,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE booking
    ADD COLUMN visit_id uuid REFERENCES visit,
    ADD COLUMN visit_line integer CHECK (visit_line BETWEEN 1 AND 6),
    -- when staff agreed to what the rules leave to them
    ADD COLUMN approved_at timestamptz,
    ADD CONSTRAINT booking_visit_line CHECK ((visit_id IS NULL) = (visit_line IS NULL)),
    DROP CONSTRAINT booking_status_check,
    ADD CONSTRAINT booking_status_check CHECK (status IN ('held', 'requested', 'confirmed',
        'arrived', 'completed', 'no_show', 'cancelled', 'expired')),
    DROP CONSTRAINT booking_check1,
    -- until when a hold is kept, or a request may be answered
    ADD CONSTRAINT booking_until CHECK
        ((status IN ('held', 'requested')) = (hold_expires_at IS NOT NULL));
CREATE UNIQUE INDEX booking_visit ON booking (visit_id, visit_line) WHERE visit_id IS NOT NULL;
DROP INDEX booking_stale;
CREATE INDEX booking_stale ON booking (hold_expires_at) WHERE status IN ('held', 'requested');

-- Which bookings of visitors wait for a yes. Without a service, all; `deposit` is paid before asking
-- or after the yes, within `pay_hours` of it.
CREATE TABLE approval_rule (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    service_id uuid REFERENCES service ON DELETE CASCADE,
    applies text NOT NULL CHECK (applies IN ('always', 'new_client', 'no_shows')),
    no_shows integer CHECK (no_shows BETWEEN 1 AND 100),
    deposit text NOT NULL DEFAULT 'after' CHECK (deposit IN ('before', 'after')),
    answer_hours integer NOT NULL DEFAULT 24 CHECK (answer_hours BETWEEN 1 AND 168),
    pay_hours integer NOT NULL DEFAULT 24 CHECK (pay_hours BETWEEN 1 AND 168),
    active boolean NOT NULL DEFAULT true,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((applies = 'no_shows') = (no_shows IS NOT NULL))
);

-- One payment for a visit, and what of it each booking got. `booking_id` of such a payment is the
-- visit's first booking.
ALTER TABLE payment ADD COLUMN visit_id uuid REFERENCES visit;
CREATE INDEX payment_visit ON payment (visit_id) WHERE visit_id IS NOT NULL;
CREATE TABLE payment_share (
    payment_id uuid NOT NULL REFERENCES payment ON DELETE CASCADE,
    booking_id uuid NOT NULL REFERENCES booking ON DELETE CASCADE,
    received_centavos bigint NOT NULL CHECK (received_centavos > 0),
    refunded_centavos bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (payment_id, booking_id),
    CHECK (refunded_centavos BETWEEN 0 AND received_centavos)
);
CREATE INDEX ON payment_share (booking_id);
