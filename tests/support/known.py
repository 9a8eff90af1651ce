"""Known differences in the place of the built-in ones."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from parity.frameworks.known.divergences import Divergence


def plant_known(monkeypatch: pytest.MonkeyPatch, known: Sequence[Divergence]) -> None:
    """Let these be all that is built in."""
    registry = "parity.frameworks.known.registry"
    monkeypatch.setattr(f"{registry}.built_in", lambda: tuple(known))
    monkeypatch.setattr(
        f"{registry}._built_in_of", lambda *about: tuple(each for each in known if each.concerns(*about))
    )
