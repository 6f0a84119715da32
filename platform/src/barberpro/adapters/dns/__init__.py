"""Public DNS: who writes records (one module per kind of provider) and what the world sees of them."""
