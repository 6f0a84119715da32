"""Where a deployment runs: the Target protocol and its implementations."""
