-- The timetable of a gym: weekly rules from which sessions are made, and what late cancelling costs.

-- `starts` in minutes since local midnight. Minutes and capacity are the service's where they are null.
CREATE TABLE class_rule (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    service_id uuid NOT NULL REFERENCES service,
    provider_id uuid NOT NULL REFERENCES provider,
    location_id uuid NOT NULL REFERENCES location,
    weekday integer NOT NULL CHECK (weekday BETWEEN 1 AND 7),
    starts integer NOT NULL CHECK (starts BETWEEN 0 AND 1439),
    minutes integer CHECK (minutes BETWEEN 5 AND 720),
    capacity integer CHECK (capacity BETWEEN 1 AND 500),
    place text NOT NULL DEFAULT '' CHECK (length(place) <= 80),
    valid_from date NOT NULL,
    valid_to date CHECK (valid_to >= valid_from),
    ended_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX class_rule_going ON class_rule (weekday, starts) WHERE ended_at IS NULL;

-- What became of a rule on a day: a session, or why there is none. `session_version` is the session's
-- as the rule left it: one with another was changed by hand, and stays as it is.
CREATE TABLE class_day (
    rule_id uuid NOT NULL REFERENCES class_rule ON DELETE CASCADE,
    day date NOT NULL,
    session_id uuid UNIQUE REFERENCES group_session ON DELETE CASCADE,
    session_version integer,
    skipped text CHECK (length(skipped) <= 60),
    looked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (rule_id, day),
    CHECK (num_nonnulls(session_id, skipped) = 1),
    CHECK ((session_id IS NULL) = (session_version IS NULL))
);

-- Cancelled by its client after the notice of classes; `late_charged`: credit and deposit are kept.
ALTER TABLE booking
    ADD COLUMN late_cancel boolean NOT NULL DEFAULT false,
    ADD COLUMN late_charged boolean NOT NULL DEFAULT false;
