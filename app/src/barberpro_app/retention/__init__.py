"""What is kept no longer than it serves: the owner's terms, and the job that keeps to them."""
