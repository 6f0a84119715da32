"""Credits bought ahead: packages of bookings, and memberships that give credits each period."""
