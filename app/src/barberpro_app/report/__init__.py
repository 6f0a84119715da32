"""Figures of a business over a span of days: how full, who came, what was earned, who is new."""
