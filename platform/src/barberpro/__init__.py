"""BarberPro: turns a template into a live booking business, and operates it."""

__version__ = "0.1.0"
