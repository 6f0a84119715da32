-- Foods that the table does not have, per 100 g, entered by a nutritionist with their source.
CREATE TABLE own_food (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    kcal numeric(4, 0) NOT NULL CHECK (kcal BETWEEN 0 AND 900),
    protein_g numeric(4, 1) NOT NULL CHECK (protein_g BETWEEN 0 AND 100),
    carbohydrate_g numeric(4, 1) NOT NULL CHECK (carbohydrate_g BETWEEN 0 AND 100),
    fat_g numeric(4, 1) NOT NULL CHECK (fat_g BETWEEN 0 AND 100),
    fibre_g numeric(4, 1) NOT NULL CHECK (fibre_g BETWEEN 0 AND 100),
    contains text[] NOT NULL DEFAULT '{}' CHECK (cardinality(contains) <= 6),
    source text NOT NULL CHECK (length(source) BETWEEN 3 AND 200),
    entered_by text NOT NULL CHECK (length(entered_by) <= 120),
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now()
);
