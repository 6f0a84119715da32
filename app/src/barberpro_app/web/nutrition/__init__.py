"""Meal plans and foods."""
