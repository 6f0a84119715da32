"""Who came and who did not: check-in, missed bookings, and what follows from them."""
