-- A series of seats in what is given to a group: so many each time.
ALTER TABLE series ADD COLUMN seats integer NOT NULL DEFAULT 1 CHECK (seats >= 1);
CREATE INDEX series_part_without_session ON series_part (series_id) WHERE problem = 'no_session';
