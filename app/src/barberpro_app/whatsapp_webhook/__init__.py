"""What WhatsApp tells us: who wrote, which button was pressed, what became of a message."""
