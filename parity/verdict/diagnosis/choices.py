"""Which axes a mistake may concern, and in which order it may take them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def choices(items: Sequence[T]) -> Iterator[tuple[T, ...]]:
    """Yield all of the items, then each alone, then each two, and so on."""
    for count in filter(None, dict.fromkeys([len(items), *range(1, len(items))])):
        yield from itertools.combinations(items, count)


def other_orders(count: int) -> Iterable[tuple[int, ...]]:
    """Return every order of the numbers below ``count`` but their own."""
    return itertools.islice(itertools.permutations(range(count)), 1, None)


def in_order(values: Sequence[T], order: Iterable[int]) -> tuple[T, ...]:
    """Return one value per axis in another order of the axes."""
    return tuple(values[axis] for axis in order)
