"""Where: the locations of the business, and its holidays."""
