-- Clients as the team keeps them: found by any part of name, e-mail or number; blocked; two made one.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- `merged_into`: this record was one person's second one; everything of it belongs to the other, and
-- what names it still (the audit trail, the books) can be followed.
ALTER TABLE client
    ADD COLUMN blocked_at timestamptz,
    ADD COLUMN blocked_reason text NOT NULL DEFAULT '' CHECK (length(blocked_reason) <= 300),
    ADD COLUMN blocked_by text NOT NULL DEFAULT '',
    ADD COLUMN merged_into uuid REFERENCES client ON DELETE CASCADE,
    ADD CONSTRAINT client_not_into_itself CHECK (merged_into <> id);
CREATE INDEX client_merged ON client (merged_into) WHERE merged_into IS NOT NULL;

-- Letters without accents, in small; the last eight digits tell a number in Argentina whatever was
-- typed before it. Indexes are made of these two, so they stay as they are.
CREATE FUNCTION plain_letters(p text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT translate(lower(p), 'áàâãäéèêëíìîïóòôõöúùûüñç', 'aaaaaeeeeiiiiooooouuuunc')
$$;
CREATE FUNCTION number_tail(p text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT nullif(right(regexp_replace(p, '[^0-9]', '', 'g'), 8), '')
$$;
CREATE INDEX client_name_parts ON client USING gin (plain_letters(name) gin_trgm_ops);
CREATE INDEX client_email_parts ON client USING gin (email gin_trgm_ops);
CREATE INDEX client_number_parts ON client
    USING gin (regexp_replace(phone, '[^0-9]', '', 'g') gin_trgm_ops);
CREATE INDEX client_number_tail ON client (number_tail(phone)) WHERE phone IS NOT NULL;
CREATE INDEX client_plain_name ON client (plain_letters(name), id) WHERE merged_into IS NULL;

-- `everybody`: providers too; `desk`: not providers; `management`: owner and managers.
CREATE TABLE client_note (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    client_id uuid NOT NULL REFERENCES client ON DELETE CASCADE,
    readers text NOT NULL CHECK (readers IN ('everybody', 'desk', 'management')),
    text text NOT NULL CHECK (length(text) BETWEEN 1 AND 2000),
    author_id text NOT NULL,
    author_name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX client_note_client ON client_note (client_id, id);

-- That two records were made one, by whom, and how many rows of which table went over. No personal
-- data. Written by client_merge() alone.
CREATE TABLE client_merge (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    kept_id uuid NOT NULL,
    gone_id uuid NOT NULL UNIQUE,
    moved jsonb NOT NULL,
    actor_kind text NOT NULL,
    actor_id text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX client_merge_kept ON client_merge (kept_id);
