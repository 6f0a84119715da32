-- Activities, body measures and meal plans: kept with the person's consent alone, and only so long.

CREATE TABLE activity_import (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    client_id uuid NOT NULL REFERENCES client,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    format text NOT NULL CHECK (format IN ('fit', 'gpx', 'tcx', 'csv')),
    bytes integer NOT NULL CHECK (bytes > 0),
    imported_by text NOT NULL CHECK (imported_by IN ('client', 'staff')),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (client_id, sha256)
);

-- A summary: no route and no beat by beat, which nobody here needs. SI units; energy in joules.
-- Nobody trains twice at one time: what overlaps is the same outing, from another device or file.
CREATE TABLE activity (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    client_id uuid NOT NULL REFERENCES client,
    import_id uuid NOT NULL REFERENCES activity_import ON DELETE CASCADE,
    sport text NOT NULL CHECK (sport ~ '^[a-z]{2,20}$'),
    period tstzrange NOT NULL CHECK (NOT isempty(period) AND lower_inc(period) AND NOT upper_inc(period)
        AND lower(period) IS NOT NULL AND upper(period) IS NOT NULL),
    moving_seconds integer NOT NULL CHECK (moving_seconds BETWEEN 1 AND 172800),
    distance_m integer CHECK (distance_m BETWEEN 0 AND 1000000),
    heart_rate_avg smallint CHECK (heart_rate_avg BETWEEN 20 AND 250),
    heart_rate_max smallint CHECK (heart_rate_max BETWEEN 20 AND 250),
    energy_j integer CHECK (energy_j BETWEEN 0 AND 100000000),
    ascent_m integer CHECK (ascent_m BETWEEN 0 AND 20000),
    EXCLUDE USING gist (client_id WITH =, period WITH &&)
);
CREATE INDEX activity_import_id ON activity (import_id);

-- What can be measured: data, to which the business adds. A kind that comes from activities is counted,
-- never typed.
CREATE TABLE measure_kind (
    key text PRIMARY KEY CHECK (key ~ '^[a-z][a-z0-9_]{1,39}$'),
    names jsonb NOT NULL CHECK (jsonb_typeof(names) = 'object' AND names <> '{}'),
    unit text NOT NULL CHECK (length(unit) BETWEEN 1 AND 20),
    least numeric(10, 3) NOT NULL,
    most numeric(10, 3) NOT NULL,
    decimals smallint NOT NULL CHECK (decimals BETWEEN 0 AND 3),
    source text NOT NULL DEFAULT 'typed' CHECK (source IN ('typed', 'activities')),
    sort integer NOT NULL DEFAULT 1000,
    active boolean NOT NULL DEFAULT true,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (least < most)
);
INSERT INTO measure_kind (key, names, unit, least, most, decimals, source, sort) VALUES
    ('weight', '{"es-AR": "Peso", "en": "Weight"}', 'kg', 20, 400, 1, 'typed', 10),
    ('body_fat', '{"es-AR": "Grasa corporal", "en": "Body fat"}', '%', 2, 70, 1, 'typed', 20),
    ('muscle', '{"es-AR": "Masa muscular", "en": "Muscle mass"}', 'kg', 5, 150, 1, 'typed', 30),
    ('waist', '{"es-AR": "Cintura", "en": "Waist"}', 'cm', 40, 250, 1, 'typed', 40),
    ('hip', '{"es-AR": "Cadera", "en": "Hip"}', 'cm', 40, 250, 1, 'typed', 50),
    ('chest', '{"es-AR": "Pecho", "en": "Chest"}', 'cm', 40, 250, 1, 'typed', 60),
    ('arm', '{"es-AR": "Brazo", "en": "Arm"}', 'cm', 10, 90, 1, 'typed', 70),
    ('thigh', '{"es-AR": "Muslo", "en": "Thigh"}', 'cm', 20, 130, 1, 'typed', 80),
    ('resting_heart_rate', '{"es-AR": "Pulso en reposo", "en": "Resting heart rate"}', 'bpm', 25, 150, 0, 'typed', 90),
    ('squat_1rm', '{"es-AR": "Sentadilla, 1RM", "en": "Squat, 1RM"}', 'kg', 1, 600, 1, 'typed', 100),
    ('bench_1rm', '{"es-AR": "Press de banca, 1RM", "en": "Bench press, 1RM"}', 'kg', 1, 500, 1, 'typed', 110),
    ('deadlift_1rm', '{"es-AR": "Peso muerto, 1RM", "en": "Deadlift, 1RM"}', 'kg', 1, 600, 1, 'typed', 120),
    ('press_1rm', '{"es-AR": "Press militar, 1RM", "en": "Overhead press, 1RM"}', 'kg', 1, 400, 1, 'typed', 130),
    ('pull_ups', '{"es-AR": "Dominadas seguidas", "en": "Pull-ups in a row"}', 'rep', 0, 200, 0, 'typed', 140),
    ('week_minutes', '{"es-AR": "Minutos por semana", "en": "Minutes a week"}', 'min', 0, 10080, 0, 'activities', 200),
    ('week_distance', '{"es-AR": "Kilómetros por semana", "en": "Kilometres a week"}', 'km', 0, 2000, 1, 'activities', 210);

CREATE TABLE measurement (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    client_id uuid NOT NULL REFERENCES client,
    kind text NOT NULL REFERENCES measure_kind,
    measured_on date NOT NULL,
    value numeric(10, 3) NOT NULL,
    note text NOT NULL DEFAULT '' CHECK (length(note) <= 300),
    written_by text NOT NULL CHECK (written_by IN ('client', 'staff')),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (client_id, kind, measured_on)
);

CREATE TABLE progress_goal (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    client_id uuid NOT NULL REFERENCES client,
    kind text NOT NULL REFERENCES measure_kind,
    start_value numeric(10, 3) NOT NULL,
    target numeric(10, 3) NOT NULL,
    start_on date NOT NULL,
    by_day date NOT NULL,
    ended boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (by_day > start_on),
    CHECK (target <> start_value)
);
CREATE UNIQUE INDEX progress_goal_open ON progress_goal (client_id, kind) WHERE NOT ended;
CREATE INDEX progress_goal_client ON progress_goal (client_id);

-- Who may sign meal plans: an owner or manager saw the licence and answers for the entry.
CREATE TABLE nutritionist (
    provider_id uuid PRIMARY KEY REFERENCES provider ON DELETE CASCADE,
    licence_number text NOT NULL CHECK (length(licence_number) BETWEEN 1 AND 40),
    jurisdiction text NOT NULL CHECK (length(jurisdiction) BETWEEN 2 AND 80),
    valid_until date,
    entered_by text NOT NULL CHECK (length(entered_by) <= 120),
    entered_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE nutrition_profile (
    client_id uuid PRIMARY KEY REFERENCES client,
    born_on date NOT NULL,
    sex text NOT NULL CHECK (sex IN ('female', 'male')),
    height_cm numeric(4, 1) NOT NULL CHECK (height_cm BETWEEN 80 AND 250),
    weight_kg numeric(4, 1) NOT NULL CHECK (weight_kg BETWEEN 20 AND 400),
    activity text NOT NULL CHECK (activity IN ('sedentary', 'light', 'moderate', 'high', 'very_high')),
    aim text NOT NULL CHECK (aim IN ('lose', 'keep', 'gain')),
    avoids text[] NOT NULL DEFAULT '{}' CHECK (cardinality(avoids) <= 20),
    note text NOT NULL DEFAULT '' CHECK (length(note) <= 1000),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE nutrition_plan (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    client_id uuid NOT NULL REFERENCES client,
    latest integer NOT NULL DEFAULT 1 CHECK (latest >= 1),
    ended boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX nutrition_plan_client ON nutrition_plan (client_id);

-- Each change is a version; a version never changes, so that a signature is for what was read.
CREATE TABLE nutrition_version (
    plan_id uuid NOT NULL REFERENCES nutrition_plan ON DELETE CASCADE,
    number integer NOT NULL CHECK (number >= 1),
    document text NOT NULL CHECK (length(document) BETWEEN 2 AND 200000),
    sha256 bytea NOT NULL CHECK (sha256 = sha256(convert_to(document, 'UTF8'))),
    author_name text NOT NULL CHECK (length(author_name) <= 120),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (plan_id, number),
    UNIQUE (plan_id, number, sha256)
);

CREATE TABLE nutrition_signature (
    plan_id uuid NOT NULL,
    number integer NOT NULL,
    sha256 bytea NOT NULL,
    provider_id uuid NOT NULL REFERENCES provider,
    signer_name text NOT NULL CHECK (length(signer_name) BETWEEN 1 AND 120),
    licence_number text NOT NULL,
    jurisdiction text NOT NULL,
    signed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (plan_id, number),
    FOREIGN KEY (plan_id, number, sha256) REFERENCES nutrition_version (plan_id, number, sha256)
        ON DELETE CASCADE
);
