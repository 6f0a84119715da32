"""The booking product that BarberPro deploys; one deployment serves one brand."""

__version__ = "0.1.0"
