"""Day 2: what is done to a deployment after it is live."""
