"""Messages to clients and staff: the outbox, how it is emptied, and what the messages say."""
