"""Bookings that the business approves: the rules, and the answers."""
