-- Clinical records, working notes, and who may see them.
--
-- Text is sealed by the app (AES-256-GCM) before it comes here: the database never sees it. Entries and
-- the log of readings are append only: the app's role may read and call the functions below, and
-- triggers refuse changes to whoever owns the tables (Ley 26.529 art. 13: integrity, inalterability).

-- Data keys of patients and index keys of authors, wrapped under the master key `notes-key`.
CREATE TABLE sealed_key (
    kind text NOT NULL CHECK (kind IN ('patient', 'author')),
    subject_id uuid NOT NULL,
    master_id text NOT NULL CHECK (length(master_id) = 16),
    wrapped bytea NOT NULL CHECK (length(wrapped) = 60),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, subject_id)
);

CREATE TABLE clinical_entry (
    id uuid PRIMARY KEY,
    client_id uuid NOT NULL REFERENCES client,
    number integer NOT NULL CHECK (number >= 1),
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z_]{1,39}$'),
    corrects uuid REFERENCES clinical_entry,
    author_id uuid NOT NULL,
    author_name text NOT NULL CHECK (length(author_name) BETWEEN 1 AND 120),
    author_licence text NOT NULL DEFAULT '' CHECK (length(author_licence) <= 200),
    happened_at timestamptz NOT NULL,
    written_at timestamptz NOT NULL,
    sealed bytea NOT NULL CHECK (length(sealed) BETWEEN 29 AND 262144),
    previous_hash bytea NOT NULL CHECK (length(previous_hash) = 32),
    hash bytea NOT NULL CHECK (length(hash) = 32),
    UNIQUE (client_id, number)
);
CREATE INDEX clinical_entry_corrects ON clinical_entry (corrects) WHERE corrects IS NOT NULL;
CREATE INDEX clinical_entry_author ON clinical_entry (author_id);

-- Every look at a record, by whom and why; shown to the patient.
CREATE TABLE clinical_access (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    at timestamptz NOT NULL DEFAULT now(),
    client_id uuid NOT NULL REFERENCES client,
    actor_kind text NOT NULL,
    actor_id text NOT NULL,
    actor_name text NOT NULL,
    purpose text NOT NULL CHECK (purpose ~ '^[a-z][a-z_]{1,39}$'),
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
    request_id text NOT NULL DEFAULT ''
);
CREATE INDEX clinical_access_client ON clinical_access (client_id, id);

-- Entry by exception to the record of a patient who is not the reader's: for a while, with a reason.
CREATE TABLE clinical_emergency (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    client_id uuid NOT NULL REFERENCES client,
    staff_id uuid NOT NULL,
    staff_name text NOT NULL,
    reason text NOT NULL CHECK (length(reason) BETWEEN 10 AND 500),
    at timestamptz NOT NULL DEFAULT now(),
    until timestamptz NOT NULL,
    CHECK (until > at AND until <= at + interval '4 hours')
);
CREATE INDEX clinical_emergency_staff ON clinical_emergency (staff_id, client_id, until);

-- What a member of the team may do beyond, or short of, what follows from the own agenda.
-- Levels as Ley 27.706 art. 7(a): read; read and add; read, add and correct.
CREATE TABLE clinical_grant (
    staff_id uuid PRIMARY KEY REFERENCES staff_user ON DELETE CASCADE,
    level text NOT NULL CHECK (level IN ('none', 'read', 'add', 'correct')),
    all_patients boolean NOT NULL DEFAULT false,
    granted_by text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION clinical_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'clinical records are append only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER clinical_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON clinical_entry
    FOR EACH STATEMENT EXECUTE FUNCTION clinical_is_append_only();
CREATE TRIGGER clinical_access_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON clinical_access
    FOR EACH STATEMENT EXECUTE FUNCTION clinical_is_append_only();
CREATE TRIGGER clinical_emergency_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON clinical_emergency
    FOR EACH STATEMENT EXECUTE FUNCTION clinical_is_append_only();

-- What the hash of an entry covers: everything that is stored of it, and the hash before it.
CREATE FUNCTION clinical_digest(e clinical_entry) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(convert_to(concat_ws(E'\n', 'clinical-entry-1', e.id, e.client_id, e.number, e.kind,
        coalesce(e.corrects::text, '-'), e.author_id,
        encode(sha256(convert_to(e.author_name, 'UTF8')), 'hex'),
        encode(sha256(convert_to(e.author_licence, 'UTF8')), 'hex'),
        (extract(epoch FROM e.happened_at) * 1000000)::bigint,
        (extract(epoch FROM e.written_at) * 1000000)::bigint,
        encode(sha256(e.sealed), 'hex'), encode(e.previous_hash, 'hex')), 'UTF8'))
$$;

-- Appends one entry to the chain of its patient. Runs as the owner of the tables: the app's role
-- cannot write them itself. p_entry: {id, client_id, kind, corrects?, author_id, author_name,
-- author_licence, happened_at}.
CREATE FUNCTION clinical_append(p_actor jsonb, p_entry jsonb, p_sealed bytea)
RETURNS clinical_entry LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_client CONSTANT uuid := (p_entry->>'client_id')::uuid;
    v_corrects CONSTANT uuid := (p_entry->>'corrects')::uuid;
    v_last clinical_entry;
    e clinical_entry;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('clinical:' || v_client, 7310));
    IF v_corrects IS NOT NULL AND NOT EXISTS (
        SELECT FROM clinical_entry WHERE id = v_corrects AND client_id = v_client) THEN
        PERFORM refuse('not_found', 'There is no such entry to correct.', 'corrects');
    END IF;
    SELECT * INTO v_last FROM clinical_entry WHERE client_id = v_client ORDER BY number DESC LIMIT 1;
    e.id := (p_entry->>'id')::uuid;
    e.client_id := v_client;
    e.number := coalesce(v_last.number, 0) + 1;
    e.kind := p_entry->>'kind';
    e.corrects := v_corrects;
    e.author_id := (p_entry->>'author_id')::uuid;
    e.author_name := p_entry->>'author_name';
    e.author_licence := coalesce(p_entry->>'author_licence', '');
    e.happened_at := (p_entry->>'happened_at')::timestamptz;
    e.written_at := clock_timestamp();
    e.sealed := p_sealed;
    e.previous_hash := coalesce(v_last.hash, sha256(convert_to('clinical-record:' || v_client, 'UTF8')));
    e.hash := clinical_digest(e);
    INSERT INTO clinical_entry SELECT e.*;
    PERFORM audit_record(p_actor, 'clinical_entry.' || CASE WHEN v_corrects IS NULL THEN 'added'
            ELSE 'corrected' END, 'clinical_entry', e.id::text,
        jsonb_build_object('client_id', v_client, 'number', e.number, 'hash', encode(e.hash, 'hex')));
    RETURN e;
END $$;

-- Destroys the key of a patient's record once nothing obliges to keep it: what is stored stays, and
-- nobody can read it any more. Refuses before the end of the floor, which is ten years at least.
CREATE FUNCTION clinical_destroy(p_actor jsonb, p_client uuid, p_years integer)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_last CONSTANT timestamptz := (SELECT max(written_at) FROM clinical_entry WHERE client_id = p_client);
BEGIN
    IF v_last + make_interval(years => greatest(p_years, 10), days => 1) > now() THEN
        PERFORM refuse('retention_floor', 'The record must be kept (Ley 26.529 art. 18).');
    END IF;
    DELETE FROM encrypted_note WHERE client_id = p_client;
    DELETE FROM sealed_key WHERE kind = 'patient' AND subject_id = p_client;
    PERFORM audit_record(p_actor, 'clinical_record.destroyed', 'client', p_client::text, '{}');
    RETURN v_last IS NOT NULL;
END $$;

-- Whether the client is a patient of the provider: they met, or are going to.
CREATE FUNCTION clinical_own_patient(p_client uuid, p_provider uuid) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM booking WHERE client_id = p_client AND provider_id = p_provider
                   AND status IN ('confirmed', 'arrived', 'completed'))
$$;

-- Working notes of a professional: the author's alone. Text and search tokens come sealed.
CREATE TABLE encrypted_note (
    id uuid PRIMARY KEY,
    client_id uuid NOT NULL REFERENCES client,
    author_id uuid NOT NULL,
    sealed bytea NOT NULL CHECK (length(sealed) BETWEEN 29 AND 262144),
    tokens bytea[] NOT NULL DEFAULT '{}' CHECK (cardinality(tokens) <= 2000),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX encrypted_note_author ON encrypted_note (author_id, client_id, created_at);
CREATE INDEX encrypted_note_tokens ON encrypted_note USING gin (tokens);
