"""Before and after: the gallery, with the client's consent and a manager's look."""
