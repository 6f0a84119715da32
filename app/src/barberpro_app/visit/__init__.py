"""Several services in one visit: a booking for each, made, confirmed, paid, moved and cancelled together."""
