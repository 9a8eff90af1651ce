"""Who computes: the frameworks, users' functions, and what is known of each."""
