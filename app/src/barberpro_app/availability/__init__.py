"""When a client can book: free times from hours, breaks, days off, holidays and bookings."""
