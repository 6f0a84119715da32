-- Who walked in and waits their turn, by day and place.

CREATE TABLE walk_in (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    location_id uuid NOT NULL REFERENCES location,
    day date NOT NULL,
    number integer NOT NULL CHECK (number >= 1),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    phone text CHECK (length(phone) <= 40),
    client_id uuid REFERENCES client ON DELETE CASCADE,
    service_id uuid NOT NULL REFERENCES service,
    provider_id uuid REFERENCES provider,
    state text NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'called', 'left', 'no_answer')),
    booking_id uuid REFERENCES booking ON DELETE SET NULL,
    version integer NOT NULL DEFAULT 1,
    joined_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    called_at timestamptz,
    UNIQUE (location_id, day, number)
);
CREATE INDEX walk_in_line ON walk_in (location_id, day, number) WHERE state = 'waiting';
CREATE INDEX walk_in_client ON walk_in (client_id) WHERE client_id IS NOT NULL;
