"""The target that needs nothing but Python: PostgreSQL, Caddy and supervisor from wheels."""
