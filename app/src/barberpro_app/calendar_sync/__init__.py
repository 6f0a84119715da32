"""Providers' own calendars: a feed to subscribe to, CalDAV and Google both ways."""
