"""The buttons that the law asks for: withdrawing within ten days, and ending a service that goes on."""
