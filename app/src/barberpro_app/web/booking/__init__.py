"""Booking by a client, from the first page to the confirmed booking and its changes."""
