"""Tests of Keras."""
