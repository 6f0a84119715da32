"""A client's own data: what is kept, and the rights over it."""
