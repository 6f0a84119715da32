"""Who walked in and waits their turn."""
