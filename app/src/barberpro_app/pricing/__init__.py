"""What a booking costs, and what has to be paid ahead: rules of the owner."""
