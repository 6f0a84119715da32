-- The same booking every so many weeks.

-- `first_day` is the planned day of number 0, `minute` the local time; without `count` and `until` it
-- goes on until somebody ends it. `next_number` is the first that was not tried yet. `deposit`: of
-- bookings after the first, 'each' asks by the rules, 'first' and 'none' ask for nothing more.
CREATE TABLE series (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    client_id uuid NOT NULL REFERENCES client ON DELETE CASCADE,
    service_id uuid NOT NULL REFERENCES service,
    provider_id uuid NOT NULL REFERENCES provider,
    location_id uuid NOT NULL REFERENCES location,
    zone text NOT NULL,
    first_day date NOT NULL,
    minute integer NOT NULL CHECK (minute BETWEEN 0 AND 1439),
    every_weeks integer NOT NULL CHECK (every_weeks BETWEEN 1 AND 26),
    count integer CHECK (count BETWEEN 2 AND 200),
    until date,
    on_closed text NOT NULL CHECK (on_closed IN ('skip', 'next_day')),
    deposit text NOT NULL CHECK (deposit IN ('none', 'first', 'each')),
    use_credits boolean NOT NULL,
    source text NOT NULL,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'done', 'ended')),
    next_number integer NOT NULL DEFAULT 1 CHECK (next_number >= 1),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (num_nonnulls(count, until) <= 1)
);
CREATE INDEX series_active ON series (id) WHERE state = 'active';
CREATE INDEX series_client ON series (client_id);

-- What became of each planned day: its booking, or why there is none.
CREATE TABLE series_part (
    series_id uuid NOT NULL REFERENCES series ON DELETE CASCADE,
    number integer NOT NULL CHECK (number >= 0),
    planned_on date NOT NULL,
    booking_id uuid UNIQUE REFERENCES booking ON DELETE SET NULL,
    problem text CHECK (length(problem) <= 60),
    PRIMARY KEY (series_id, number)
);

ALTER TABLE booking ADD COLUMN series_id uuid REFERENCES series ON DELETE SET NULL;
CREATE INDEX booking_series ON booking (series_id, starts_at) WHERE series_id IS NOT NULL;
