"""Content delivery networks: what they may keep is said in ``rules``, one module per network."""
