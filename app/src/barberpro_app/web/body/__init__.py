"""Measures, activities and goals."""
