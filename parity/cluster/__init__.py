"""Cases on the workers of a Dask scheduler: what is asked of them, and how it comes back."""
