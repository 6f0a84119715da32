"""The engine room: durable runs, locks, outcomes, audit trail (on DBOS)."""
