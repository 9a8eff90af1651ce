"""Garbage collection while much is imported."""

from __future__ import annotations

import gc

import pytest

from parity.workers.collection import imports


@pytest.mark.parametrize("enabled", [True, False])
def test_nothing_is_collected_meanwhile_and_all_is_as_before_behind_it(*, enabled: bool) -> None:
    collected: list[str] = []

    def count(phase: str, _about: object) -> None:
        collected.append(phase)

    before = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    gc.callbacks.append(count)
    try:
        with imports():
            kept = [[number] for number in range(100_000)]
        assert collected == []
        assert gc.isenabled() is enabled
        assert len(kept) < gc.get_freeze_count()
    finally:
        gc.callbacks.remove(count)
        gc.unfreeze()
        (gc.enable if before else gc.disable)()
