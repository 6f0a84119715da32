"""The team's agenda: days, one booking, requests, arrivals."""
