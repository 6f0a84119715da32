"""Request and catalog in, plan out; pure."""
