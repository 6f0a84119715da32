"""Stamps, levels and rewards."""
