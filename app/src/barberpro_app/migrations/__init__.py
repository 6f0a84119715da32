"""The schema, as a chain of SQL migrations."""
