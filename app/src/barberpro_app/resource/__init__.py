"""What a booking takes beside its provider: chairs, rooms, equipment."""
