"""Paying, and the desk."""
