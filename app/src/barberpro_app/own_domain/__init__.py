"""A domain of the business's own: what to write in its DNS, and whether that is there."""
