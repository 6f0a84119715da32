"""Reminders of bookings, by the owner's rules."""
