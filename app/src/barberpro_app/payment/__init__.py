"""Payments: asked for, taken by hand or online, refunded; their states and receipts."""
