"""PyTorch's functions in place of its modules: read, written, run."""
