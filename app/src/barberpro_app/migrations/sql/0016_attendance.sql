-- Who came and who did not.

-- When the client of a booking came; empty while it is not 'arrived' or later.
ALTER TABLE booking ADD COLUMN checked_in_at timestamptz;

-- A missed booking that does not count against its client any more, by whom and why.
CREATE TABLE no_show_pardon (
    booking_id uuid PRIMARY KEY REFERENCES booking ON DELETE CASCADE,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 200),
    given_by text NOT NULL,
    given_at timestamptz NOT NULL DEFAULT now()
);
