"""What is due, what came, and why they differ."""
