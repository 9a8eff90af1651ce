"""Random cases, searched for what nothing explains, and each cause shrunk to its smallest case."""
