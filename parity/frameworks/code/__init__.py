"""Layers as code: written, read, run."""
