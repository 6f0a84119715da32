"""What a member of the team has before them: who comes next, how the day goes, and what waits."""
