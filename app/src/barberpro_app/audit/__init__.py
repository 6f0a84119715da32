"""The trail of who did what: written in the transaction that does it, read by owner and manager."""
