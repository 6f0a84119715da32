-- Recordings of sessions: encrypted in the browser; here is nothing that could decrypt them.

-- A professional's key pair: the public half, and the private one under a passphrase that never
-- comes here (PKCS #8 in AES-256-GCM under PBKDF2-SHA-256).
CREATE TABLE recording_key (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    staff_id uuid NOT NULL,
    public_key bytea NOT NULL CHECK (length(public_key) BETWEEN 256 AND 1024),
    private_key_sealed bytea NOT NULL CHECK (length(private_key_sealed) BETWEEN 512 AND 8192),
    salt bytea NOT NULL CHECK (length(salt) BETWEEN 16 AND 64),
    iterations integer NOT NULL CHECK (iterations BETWEEN 600000 AND 10000000),
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX recording_key_active ON recording_key (staff_id) WHERE active;

CREATE TABLE session_recording (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    booking_id uuid NOT NULL REFERENCES booking ON DELETE RESTRICT,
    client_id uuid NOT NULL REFERENCES client,
    staff_id uuid NOT NULL,
    key_id uuid NOT NULL REFERENCES recording_key,
    consent_id uuid NOT NULL REFERENCES consent,
    state text NOT NULL DEFAULT 'recording' CHECK (state IN ('recording', 'complete', 'deleted')),
    media_type text NOT NULL CHECK (media_type IN ('audio/webm', 'video/webm', 'audio/mp4', 'video/mp4')),
    wrapped_key bytea NOT NULL CHECK (length(wrapped_key) BETWEEN 256 AND 1024),
    chunks integer NOT NULL DEFAULT 0 CHECK (chunks BETWEEN 0 AND 20000),
    bytes bigint NOT NULL DEFAULT 0 CHECK (bytes BETWEEN 0 AND 2147483648),
    started_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz,
    delete_on date NOT NULL,
    deleted_at timestamptz,
    CHECK ((state = 'deleted') = (deleted_at IS NOT NULL))
);
CREATE INDEX session_recording_client ON session_recording (client_id);
CREATE INDEX session_recording_staff ON session_recording (staff_id, started_at);
CREATE INDEX session_recording_due ON session_recording (delete_on) WHERE state <> 'deleted';

CREATE TABLE session_recording_chunk (
    recording_id uuid NOT NULL REFERENCES session_recording ON DELETE CASCADE,
    number integer NOT NULL CHECK (number BETWEEN 0 AND 19999),
    content bytea NOT NULL CHECK (length(content) BETWEEN 17 AND 524304),
    PRIMARY KEY (recording_id, number)
);
ALTER TABLE session_recording_chunk ALTER COLUMN content SET STORAGE EXTERNAL;
