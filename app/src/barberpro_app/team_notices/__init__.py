"""What the team is told of what clients do."""
