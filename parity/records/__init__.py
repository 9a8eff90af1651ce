"""What is kept of a case, and what is made of what was kept."""
