"""Runs of pytest inside a test of pytest."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import pytest

_ADDED = () if entry_points(group="pytest11", name="parity") else ("-p", "parity.testing.plugin")
"""Where the project was installed before it had the plugin, it has to be named."""


def run(pytester: pytest.Pytester, *arguments: str | Path) -> pytest.RunResult:
    """A run in a process of its own, with the plugin."""
    return pytester.runpytest_subprocess(*_ADDED, "-p", "no:cacheprovider", *arguments)
