"""The booking itself: holds, bookings, their states, and who may change them."""
