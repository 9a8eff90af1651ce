"""What a case's arrays hold: one way to draw them a file, from the seed alone."""
