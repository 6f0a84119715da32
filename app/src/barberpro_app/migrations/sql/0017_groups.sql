-- Groups: a session takes its provider's time once, and bookings take its seats.

-- Above one the service is given to a group, and is booked by session alone.
ALTER TABLE service
    ADD COLUMN capacity integer NOT NULL DEFAULT 1 CHECK (capacity BETWEEN 1 AND 500);

-- A session stays where it is when it is cancelled; `zone` is the location's, kept as booked.
CREATE TABLE group_session (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    service_id uuid NOT NULL REFERENCES service,
    provider_id uuid NOT NULL REFERENCES provider,
    location_id uuid NOT NULL REFERENCES location,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    zone text NOT NULL,
    capacity integer NOT NULL CHECK (capacity BETWEEN 1 AND 500),
    place text NOT NULL DEFAULT '' CHECK (length(place) <= 80),
    state text NOT NULL DEFAULT 'scheduled' CHECK (state IN ('scheduled', 'cancelled')),
    cancel_reason text CHECK (length(cancel_reason) <= 500),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (starts_at < ends_at)
);
CREATE INDEX group_session_start ON group_session (starts_at, id);
CREATE INDEX group_session_service ON group_session (service_id, starts_at);
CREATE INDEX group_session_provider ON group_session (provider_id, starts_at);

-- Seats of a booking: one client may bring others. Neither changes once it is made, but a booking
-- may move to another session of its service.
ALTER TABLE booking
    ADD COLUMN session_id uuid REFERENCES group_session,
    ADD COLUMN seats integer NOT NULL DEFAULT 1 CHECK (seats BETWEEN 1 AND 50),
    ADD CONSTRAINT booking_seats_are_in_a_session CHECK (seats = 1 OR session_id IS NOT NULL);
CREATE INDEX booking_session ON booking (session_id, id) WHERE session_id IS NOT NULL;

-- Time is taken by a booking or by a session, never by both.
ALTER TABLE occupancy
    DROP CONSTRAINT occupancy_pkey,
    ALTER COLUMN booking_id DROP NOT NULL,
    ADD COLUMN session_id uuid REFERENCES group_session ON DELETE CASCADE,
    ADD CONSTRAINT occupancy_booking_part UNIQUE (booking_id, part),
    ADD CONSTRAINT occupancy_of_one CHECK (num_nonnulls(booking_id, session_id) = 1);
CREATE UNIQUE INDEX occupancy_session_part ON occupancy (session_id, part)
    WHERE session_id IS NOT NULL;

-- A credit pays one seat.
ALTER TABLE pass_use ADD COLUMN credits integer NOT NULL DEFAULT 1 CHECK (credits >= 1);
