"""A patient's record, for the professional."""
