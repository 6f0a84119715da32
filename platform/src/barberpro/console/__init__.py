"""The web console of the operator."""
