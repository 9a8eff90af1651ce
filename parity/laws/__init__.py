"""One implementation against the laws of its operation."""
