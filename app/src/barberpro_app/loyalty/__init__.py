"""Stamps for completed visits, and what a full card gives."""
