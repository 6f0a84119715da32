"""Meal plans from a table of foods, shown to the person once a licensed nutritionist signed them."""
