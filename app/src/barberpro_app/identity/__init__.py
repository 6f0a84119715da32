"""Who asks and what they may do: staff, clients, API clients, sign-in links, sessions, tokens."""
