"""Many deployments at once: what would change, waves of upgrades, and how all of them stand."""
