"""Groups: sessions with a capacity, which their clients book by seats."""
