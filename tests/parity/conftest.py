"""What the tests of parity share."""

import pytest

from tests.support.lent import lend


@pytest.fixture
def shared_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the commands that a test calls use the frameworks' processes that all tests share."""
    lend(monkeypatch)
