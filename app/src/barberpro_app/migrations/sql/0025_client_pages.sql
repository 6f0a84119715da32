-- What the team notes about clients, and what is left of a record that became part of another.

ALTER TABLE client
    ADD COLUMN tags text[] NOT NULL DEFAULT '{}' CHECK (cardinality(tags) <= 20),
    ADD COLUMN preferred_provider_id uuid REFERENCES provider ON DELETE SET NULL;
CREATE INDEX client_tags ON client USING gin (tags);

-- `author`: nobody but who wrote it.
ALTER TABLE client_note
    DROP CONSTRAINT client_note_readers_check,
    ADD CONSTRAINT client_note_readers_check
        CHECK (readers IN ('everybody', 'desk', 'management', 'author'));

-- The other e-mail or number of a person who had two records: found by it, and known by it again at
-- the next booking. By such an e-mail one signs in only if the team said so when it joined the records.
CREATE TABLE client_alias (
    kind text NOT NULL CHECK (kind IN ('email', 'phone')),
    value text NOT NULL CHECK (length(value) BETWEEN 3 AND 254),
    client_id uuid NOT NULL REFERENCES client ON DELETE CASCADE,
    signs_in boolean NOT NULL DEFAULT false,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, value, client_id)
);
CREATE UNIQUE INDEX client_alias_email ON client_alias (value) WHERE kind = 'email';
CREATE INDEX client_alias_client ON client_alias (client_id);

-- Two records that look alike and are two people.
CREATE TABLE client_not_same (
    one_id uuid NOT NULL REFERENCES client ON DELETE CASCADE,
    other_id uuid NOT NULL REFERENCES client ON DELETE CASCADE,
    said_by text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (one_id, other_id),
    CHECK (one_id < other_id)
);
CREATE INDEX client_not_same_other ON client_not_same (other_id);

-- Both records of a person had agreed to the same: one stands for it, the other stays as evidence, and
-- they are withdrawn together.
ALTER TABLE consent ADD COLUMN superseded_by uuid REFERENCES consent;
CREATE INDEX consent_superseded ON consent (superseded_by) WHERE superseded_by IS NOT NULL;
DROP INDEX consent_in_force;
CREATE UNIQUE INDEX consent_in_force ON consent
    (client_id, purpose, coalesce(reference_id, '00000000-0000-0000-0000-000000000000'::uuid))
    WHERE revoked_at IS NULL AND superseded_by IS NULL;

DROP FUNCTION IF EXISTS client_merge(jsonb, uuid, uuid, integer, integer);
