"""What is read about the caches, and what follows from it for the tiles."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convmm import conv_transpose
from convmm.fast import caches
from convmm.fast.plan import LIMITS, Limits
from convmm.geometry import conv_geometry
from tests.convmm.tiled import correlate, correlate_weights, spread

MIB = 2**20


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of /sys/devices/system/cpu, on a system that says nothing elsewhere."""
    monkeypatch.setattr(caches, "_PROCESSORS", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {5, 3}, raising=False)
    monkeypatch.setattr(os, "confstr", lambda _: "glibc 2.41", raising=False)
    monkeypatch.setattr(os, "sysconf", lambda _: 0, raising=False)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    return tmp_path


def write_cache(system: Path, index: int, **answers: str) -> None:
    cache = system / "cpu3" / "cache" / f"index{index}"
    cache.mkdir(parents=True)
    for name, text in answers.items():
        (cache / name).write_text(f"{text}\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("size", "processors", "bytes_each"),
    [
        ("2048K", "3", 2 * MIB),
        ("2M", "3", 2 * MIB),
        ("524288", "3", MIB // 2),
        ("2048K", "3,67", MIB),
        ("4096K", "0-3", MIB),
        ("12M", "0-2,6-8", 2 * MIB),
    ],
)
def test_a_processor_has_its_part_of_the_second_level(
    system: Path, size: str, processors: str, bytes_each: int
) -> None:
    write_cache(system, 0, level="1", type="Data", size="48K", shared_cpu_list="3")
    write_cache(system, 1, level="2", type="Instruction", size="64K", shared_cpu_list="3")
    write_cache(system, 2, level="2", type="Unified", size=size, shared_cpu_list=processors)
    write_cache(system, 3, level="3", type="Unified", size="32M", shared_cpu_list="0-31")
    assert caches.second_level() == bytes_each


@pytest.mark.parametrize(
    "answers",
    [
        {"size": ""},
        {"size": "-1K"},
        {"size": "0K"},
        {"size": "many"},
        {"shared_cpu_list": ""},
        {"shared_cpu_list": "5-3"},
        {"shared_cpu_list": "4-3"},
        {"level": "1"},
        {"level": "\xb2"},
    ],
    ids=str,
)
def test_where_the_system_writes_no_number_the_c_library_is_asked(
    system: Path, answers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {"level": "2", "type": "Unified", "size": "2M", "shared_cpu_list": "3"}
    write_cache(system, 2, **{**whole, **answers})
    assert caches.second_level() is None
    monkeypatch.setattr(os, "sysconf", {191: 3 * MIB}.__getitem__, raising=False)
    assert caches.second_level() == 3 * MIB


@pytest.mark.usefixtures("system")
def test_another_c_library_is_not_asked_by_the_numbers_of_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", lambda _: 3 * MIB, raising=False)
    for answer in ("musl", "", None):
        monkeypatch.setattr(os, "confstr", lambda _, answer=answer: answer, raising=False)
        assert caches.second_level() is None


@pytest.mark.usefixtures("system")
def test_a_system_that_has_none_of_these_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sched_getaffinity", "confstr", "sysconf"):
        monkeypatch.delattr(os, name, raising=False)
    assert caches.second_level() is None


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"hw.perflevel0.l2cachesize": 16 * MIB, "hw.perflevel0.cpusperl2": 4}, 4 * MIB),
        ({"hw.l2cachesize": MIB // 4}, MIB // 4),
        ({}, None),
    ],
)
@pytest.mark.usefixtures("system")
def test_macos_is_asked_about_its_fast_cores(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, int], expected: int | None
) -> None:
    class Library:
        @staticmethod
        def sysctlbyname(name: bytes, value: Any, size: Any, *_: object) -> int:  # noqa: ANN401 - of ctypes
            assert size._obj.value == 8  # noqa: SLF001 - what a reference refers to
            value._obj.value = answers.get(name.decode(), 0)  # noqa: SLF001
            return 0 if name.decode() in answers else -1

    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library)
    assert caches.second_level() == expected


def test_the_bytes_of_tiles_are_in_proportion_to_the_cache_within_bounds() -> None:
    assert Limits.for_cache(None) == Limits.for_cache(MIB) == Limits()
    assert Limits.for_cache(2 * MIB).gathered == 2 * Limits().gathered
    assert Limits.for_cache(2 * MIB).columns == Limits().columns
    assert Limits.for_cache(3 * MIB // 2).product == 3 * Limits().product // 2
    assert Limits.for_cache(1) == Limits.for_cache(MIB // 2)
    assert Limits.for_cache(10**12) == Limits.for_cache(2 * MIB)
    assert Limits.for_cache(caches.second_level()) == LIMITS


@given(st.integers(MIB // 2, 2 * MIB))
@settings(max_examples=10)
def test_sums_of_integers_are_the_same_whatever_the_cache(size: int) -> None:
    rng = np.random.default_rng(size)
    x, w = rng.integers(-9, 9, (3, 64, 40, 41)).astype("f4"), rng.integers(-9, 9, (48, 64, 3, 3)).astype("f4")
    geometry = conv_geometry(x.shape, w.shape, padding=1)
    limits = Limits.for_cache(size)
    y = correlate(x, w, None, geometry, Limits())
    assert (correlate(x, w, None, geometry, limits) == y).all()
    dy = np.sign(y)
    assert (spread(dy, w, None, geometry, limits) == conv_transpose(dy, w, padding=1)).all()
    expected = correlate_weights(x, dy, geometry, Limits())
    assert (correlate_weights(x, dy, geometry, limits) == expected).all()
