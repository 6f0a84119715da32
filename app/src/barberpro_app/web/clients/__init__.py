"""The clients of the business, as the team keeps them."""
