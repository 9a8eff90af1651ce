"""The arithmetic of a case, step by step, its sizes, and a picture of its axes."""
