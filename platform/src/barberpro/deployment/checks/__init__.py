"""Checks of what was deployed, from outside: over HTTPS like a client, and on its sockets."""
