-- What Meta says of each text that a conversation may begin with. `wanted`: to be sent to it; a row is
-- looked at again at `next_attempt_at`. `status` is Meta's word, small; NULL where it was never asked.
CREATE TABLE whatsapp_template (
    name text NOT NULL CHECK (length(name) <= 100),
    language text NOT NULL CHECK (length(language) <= 20),
    wanted boolean NOT NULL DEFAULT false,
    external_id text CHECK (length(external_id) <= 64),
    status text CHECK (length(status) <= 40),
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 300),
    -- whether Meta has this release's text
    same_text boolean NOT NULL DEFAULT true,
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    last_error text CHECK (length(last_error) <= 300),
    -- since when the status is known; what Meta tells late does not go back
    status_at timestamptz,
    looked_at timestamptz,
    PRIMARY KEY (name, language)
);

ALTER TABLE whatsapp_event DROP CONSTRAINT whatsapp_event_kind_check;
ALTER TABLE whatsapp_event ADD CONSTRAINT whatsapp_event_kind_check
    CHECK (kind IN ('message', 'status', 'template'));
