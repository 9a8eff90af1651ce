"""Tests of LiteRT."""
