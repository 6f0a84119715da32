"""What people may ask about their data, by when it must be answered, and what they agreed to."""
