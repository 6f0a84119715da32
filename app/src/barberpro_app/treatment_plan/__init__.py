"""Dental care around the chair: alerts, health cover, plans with a signed estimate, laboratory."""
