"""What body data have in common: consents, who may see them, and the log of who did."""
