"""What can be booked: services with duration, buffers and price."""
