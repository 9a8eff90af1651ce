"""How the three sums are computed fast: tiles that fit the caches, spread over threads."""
