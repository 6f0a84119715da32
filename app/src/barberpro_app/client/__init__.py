"""Whom the business serves."""
