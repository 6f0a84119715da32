"""What every domain stands on and no business rule knows: database, errors, clock, requests."""
