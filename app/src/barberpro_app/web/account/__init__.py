"""Signing in, and a client's own list."""
