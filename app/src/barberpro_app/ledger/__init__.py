"""The books: every movement of money as an entry of lines that add up to zero."""
