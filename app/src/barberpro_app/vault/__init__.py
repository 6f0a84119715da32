"""Keys that the owner typed in a page: sealed in the database, shown to nobody."""
