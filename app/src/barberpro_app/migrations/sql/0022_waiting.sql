-- Who waits for a time, and what was offered to them.

-- A wish: a service at a place, with somebody or anybody, on some days and parts of them; or seats in a
-- session. `joined_at` is the place in line. An offer is a hold: `booking_id`, until `answer_by`.
CREATE TABLE waiting_entry (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    client_id uuid NOT NULL REFERENCES client ON DELETE CASCADE,
    service_id uuid NOT NULL REFERENCES service,
    location_id uuid NOT NULL REFERENCES location,
    provider_id uuid REFERENCES provider,
    session_id uuid REFERENCES group_session ON DELETE CASCADE,
    seats integer NOT NULL DEFAULT 1 CHECK (seats BETWEEN 1 AND 50),
    first_day date NOT NULL,
    last_day date NOT NULL,
    parts text[] NOT NULL
        CHECK (cardinality(parts) > 0 AND parts <@ '{morning,afternoon,evening}'::text[]),
    state text NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'offered', 'taken', 'left', 'lapsed', 'over')),
    booking_id uuid REFERENCES booking ON DELETE SET NULL,
    answer_by timestamptz,
    version integer NOT NULL DEFAULT 1,
    joined_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (first_day <= last_day)
);
CREATE INDEX waiting_line ON waiting_entry (joined_at, id) WHERE state = 'waiting';
CREATE INDEX waiting_client ON waiting_entry (client_id);
CREATE UNIQUE INDEX waiting_offer ON waiting_entry (booking_id) WHERE state = 'offered';

-- A time that was offered and not wanted is not offered again.
CREATE TABLE waiting_refusal (
    entry_id uuid NOT NULL REFERENCES waiting_entry ON DELETE CASCADE,
    starts_at timestamptz NOT NULL,
    PRIMARY KEY (entry_id, starts_at)
);

-- That something became free since the line was last looked through.
CREATE TABLE freed_time (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
