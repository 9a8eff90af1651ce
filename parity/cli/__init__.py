"""For people: one file per command, and what commands print."""
