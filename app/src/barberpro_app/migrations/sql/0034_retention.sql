-- When a person was last told that body data of theirs are about to go, because they did not come for long.
ALTER TABLE client ADD COLUMN body_data_warned_at timestamptz;

CREATE INDEX walk_in_day ON walk_in (day);
CREATE INDEX waiting_entry_closed ON waiting_entry (updated_at) WHERE state NOT IN ('waiting', 'offered');
