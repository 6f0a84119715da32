"""Who waits for a time, and offering what becomes free to the next in line."""
