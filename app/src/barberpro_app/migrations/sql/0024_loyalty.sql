-- Stamps by what was spent, and levels that give more of them.

-- One stamp for each so many centavos of a visit's price; null: one for the visit.
ALTER TABLE loyalty_rule
    ADD COLUMN per_centavos bigint CHECK (per_centavos BETWEEN 100 AND 10000000000);

-- A visit may give several.
ALTER TABLE loyalty_stamp
    ADD COLUMN number smallint NOT NULL DEFAULT 1 CHECK (number BETWEEN 1 AND 50),
    DROP CONSTRAINT loyalty_stamp_of_visit,
    ADD CONSTRAINT loyalty_stamp_of_visit UNIQUE (rule_id, booking_id, number);

-- Who came `visits` times within a year gets `stamps` instead of one, from then on.
CREATE TABLE loyalty_level (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    visits integer NOT NULL UNIQUE CHECK (visits BETWEEN 1 AND 500),
    stamps smallint NOT NULL CHECK (stamps BETWEEN 1 AND 5),
    created_at timestamptz NOT NULL DEFAULT now()
);
