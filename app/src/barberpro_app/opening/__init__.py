"""The first steps of a new business, until it is open: what the owner looked at, and what is missing."""
