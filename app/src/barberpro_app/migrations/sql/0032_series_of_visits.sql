-- A series of a visit: its services, in order, each with who gives it; null for one service.
ALTER TABLE series ADD COLUMN lines jsonb CHECK (jsonb_typeof(lines) = 'array');
