-- Consents, and what people ask about their data (Ley 25.326 arts. 14 and 16; Ley 26.529 art. 14).

CREATE TABLE consent (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    client_id uuid NOT NULL REFERENCES client,
    purpose text NOT NULL CHECK (purpose ~ '^[a-z][a-z_]{1,39}$'),
    reference_id uuid,
    text_version text NOT NULL CHECK (length(text_version) BETWEEN 1 AND 40),
    locale text NOT NULL CHECK (length(locale) <= 5),
    text_sha256 bytea NOT NULL CHECK (length(text_sha256) = 32),
    text text NOT NULL CHECK (length(text) BETWEEN 1 AND 8000),
    signed_name text NOT NULL DEFAULT '' CHECK (length(signed_name) <= 120),
    how text NOT NULL CHECK (how IN ('own_session', 'in_person')),
    given_by text NOT NULL,
    given_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz CHECK (revoked_at >= given_at)
);
CREATE INDEX consent_client ON consent (client_id, purpose);
CREATE UNIQUE INDEX consent_in_force ON consent
    (client_id, purpose, coalesce(reference_id, '00000000-0000-0000-0000-000000000000'::uuid))
    WHERE revoked_at IS NULL;

CREATE TABLE data_request (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    client_id uuid NOT NULL REFERENCES client,
    kind text NOT NULL CHECK (kind IN ('access', 'rectification', 'erasure', 'clinical_copy')),
    detail text NOT NULL DEFAULT '' CHECK (length(detail) <= 2000),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'partly', 'refused')),
    received_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL,
    decided_at timestamptz,
    decided_by text NOT NULL DEFAULT '',
    decision jsonb NOT NULL DEFAULT '[]',
    answer text NOT NULL DEFAULT '' CHECK (length(answer) <= 2000),
    version integer NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((state = 'open') = (decided_at IS NULL)),
    CHECK (due_at > received_at)
);
CREATE INDEX data_request_client ON data_request (client_id, received_at);
CREATE INDEX data_request_open ON data_request (due_at) WHERE state = 'open';
