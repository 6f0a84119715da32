"""First data of a new deployment: loaded once per key, never over what the owner changed."""
