-- Dentistry: alerts, health cover, treatment plans, laboratory. Descriptions are health data and come
-- sealed, as in clinical records; the odontogram itself is entries of the clinical record.

CREATE TABLE patient_alert (
    id uuid PRIMARY KEY,
    client_id uuid NOT NULL REFERENCES client,
    kind text NOT NULL CHECK (kind IN ('allergy', 'medication', 'condition', 'other')),
    sealed bytea NOT NULL CHECK (length(sealed) BETWEEN 29 AND 8192),
    active boolean NOT NULL DEFAULT true,
    added_by uuid NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX patient_alert_client ON patient_alert (client_id) WHERE active;

CREATE TABLE health_cover (
    client_id uuid PRIMARY KEY REFERENCES client,
    sealed bytea NOT NULL CHECK (length(sealed) BETWEEN 29 AND 8192),
    version integer NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE treatment_plan (
    id uuid PRIMARY KEY,
    client_id uuid NOT NULL REFERENCES client,
    author_id uuid NOT NULL,
    author_name text NOT NULL,
    sealed bytea NOT NULL CHECK (length(sealed) BETWEEN 29 AND 65536),
    currency text NOT NULL CHECK (currency IN ('ARS', 'USD')),
    total bigint NOT NULL DEFAULT 0 CHECK (total BETWEEN 0 AND 100000000000),
    state text NOT NULL DEFAULT 'draft'
        CHECK (state IN ('draft', 'offered', 'accepted', 'rejected', 'cancelled', 'completed')),
    valid_until date,
    offered_at timestamptz,
    document_sha256 bytea CHECK (length(document_sha256) = 32),
    accepted_at timestamptz,
    accepted_name text NOT NULL DEFAULT '' CHECK (length(accepted_name) <= 120),
    accepted_how text NOT NULL DEFAULT '' CHECK (accepted_how IN ('', 'own_session', 'in_person')),
    accepted_by text NOT NULL DEFAULT '',
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((state = 'draft') = (offered_at IS NULL) OR state = 'cancelled'),
    CHECK (state <> 'accepted' OR (accepted_at IS NOT NULL AND accepted_name <> ''))
);
CREATE INDEX treatment_plan_client ON treatment_plan (client_id, created_at);

CREATE TABLE treatment_stage (
    plan_id uuid NOT NULL REFERENCES treatment_plan,
    number integer NOT NULL CHECK (number BETWEEN 1 AND 50),
    sealed bytea NOT NULL CHECK (length(sealed) BETWEEN 29 AND 8192),
    price bigint NOT NULL CHECK (price BETWEEN 0 AND 100000000000),
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'started', 'done', 'cancelled')),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (plan_id, number)
);

-- What was offered stays as it was: stages change their state alone, once they are offered.
CREATE FUNCTION treatment_is_as_offered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR NEW.sealed <> OLD.sealed OR NEW.price <> OLD.price THEN
        IF EXISTS (SELECT FROM treatment_plan WHERE id = coalesce(OLD.plan_id, NEW.plan_id)
                   AND state <> 'draft') THEN
            RAISE EXCEPTION 'an offered plan does not change' USING ERRCODE = 'insufficient_privilege';
        END IF;
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER treatment_stage_as_offered BEFORE INSERT OR UPDATE OR DELETE ON treatment_stage
    FOR EACH ROW EXECUTE FUNCTION treatment_is_as_offered();

CREATE TABLE lab_order (
    id uuid PRIMARY KEY,
    client_id uuid NOT NULL REFERENCES client,
    plan_id uuid REFERENCES treatment_plan,
    laboratory text NOT NULL CHECK (length(laboratory) BETWEEN 1 AND 120),
    sealed bytea NOT NULL CHECK (length(sealed) BETWEEN 29 AND 8192),
    state text NOT NULL DEFAULT 'draft'
        CHECK (state IN ('draft', 'sent', 'received', 'returned', 'fitted', 'cancelled')),
    due_on date,
    ordered_by uuid NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX lab_order_client ON lab_order (client_id, created_at);
