"""Server-rendered pages: the public booking flow, the team's agenda, the owner's settings."""
