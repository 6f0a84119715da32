"""Before and after: pairs of photographs and their gallery."""
