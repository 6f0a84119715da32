"""Published work on Instagram, by its official API."""
