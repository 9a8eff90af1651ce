"""Tests of convmm; none needs a deep learning framework."""
