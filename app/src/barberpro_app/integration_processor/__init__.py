"""The worker of outside systems that we call: WhatsApp; and the state of all of them."""
