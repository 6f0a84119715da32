"""Recordings of sessions, encrypted in the browser; the server keeps what it cannot read."""
