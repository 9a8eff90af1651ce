"""Tests of ONNX."""
