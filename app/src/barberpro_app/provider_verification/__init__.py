"""Licences of professionals (matrículas): claimed, reviewed, expiring; only the verified are booked."""
