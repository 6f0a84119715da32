"""What the law asks for on every site."""
