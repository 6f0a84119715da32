-- What clients are found by, kept with each record: looking through a hundred thousand, and comparing
-- them with each other, works it out once and not at each look.

ALTER TABLE client
    ADD COLUMN plain_name text GENERATED ALWAYS AS (plain_letters(name)) STORED,
    ADD COLUMN phone_tail text GENERATED ALWAYS AS (number_tail(phone)) STORED;
DROP INDEX client_name_parts;
DROP INDEX client_plain_name;
DROP INDEX client_number_tail;
CREATE INDEX client_name_parts ON client USING gin (plain_name gin_trgm_ops);
CREATE INDEX client_plain_name ON client (plain_name, id) WHERE merged_into IS NULL;
CREATE INDEX client_number_tail ON client (phone_tail) WHERE phone_tail IS NOT NULL;
