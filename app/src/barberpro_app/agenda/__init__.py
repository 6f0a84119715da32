"""The agenda: what of the team and its bookings lies on some days."""
