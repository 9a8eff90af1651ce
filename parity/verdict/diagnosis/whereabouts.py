"""Where two arrays differ, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from parity.cases.arrays import Array
from parity.cases.notation import format_axes, format_number, format_shape
from parity.verdict.compare import distances

_MOST_NUMBERS = 4

_NAMED = ("samples", "channels")
"""What stands before an array's spatial axes."""


def greatest_difference(result: Array, reference: Array) -> str:
    """Say both sides where they are furthest apart; their shapes where these differ."""
    if result.shape != reference.shape:
        return f"its shape is {format_shape(result.shape)} against {format_shape(reference.shape)}"
    a, b = result.astype(np.float64), reference.astype(np.float64)
    apart = distances(a, b)
    place = np.unravel_index(int(np.argmax(apart)), a.shape)  # to which NaN is the largest
    return (
        f"greatest difference {format_number(apart[place])} at index {_index(place)}: "
        f"{format_number(a[place])} against {format_number(b[place])}"
    )


class Place(NamedTuple):
    """Some of the samples, of the channels, or of the elements of an axis, in which all differences are.

    Attributes:
        axis: number of the spatial axis; below zero of samples and channels.
        size: how many of them there are.
        which: these, in words.
        pattern: what of the words holds of another size too, such as "the last"; None where nothing does.
    """

    axis: int
    size: int
    which: str
    pattern: str | None

    @property
    def of(self) -> str:
        """What they are some of: "samples", "channels" or "axis N"."""
        return f"axis {self.axis}" if self.axis >= 0 else _NAMED[self.axis]


def shared_places(differ: Array) -> list[Place]:
    """Return the samples, channels and elements of each axis to which the differences are confined."""
    found = []
    for axis, size in enumerate(differ.shape):
        others = tuple(other for other in range(differ.ndim) if other != axis)
        numbers = np.flatnonzero(differ.any(axis=others)).tolist()
        if 0 < len(numbers) < size:
            found.append(Place(axis - len(_NAMED), size, *_which(numbers, size)))
    return found


def patterns(places: Iterable[Place]) -> tuple[str, ...]:
    """Write those of the places that could be found in an output of another size, as "the last of axis 1"."""
    return tuple(f"{place.pattern} of {place.of}" for place in places if place.pattern is not None)


def differing_places(differ: Array) -> str:
    """Say how many elements differ, which is the first, and the samples, channels or rows they share."""
    if not differ.any():
        return ""
    first = _index(np.unravel_index(int(np.argmax(differ)), differ.shape))
    count = int(np.count_nonzero(differ))
    parts = [
        f"{count} of {differ.size} elements differ ({count / differ.size:.3g} of all), first at index {first}"
    ]
    places = shared_places(differ)
    parts += [f"{_only_in(place)} {place.of}" for place in places if place.of in _NAMED]
    along = [place for place in places if place.of not in _NAMED]
    for clause in dict.fromkeys(map(_only_in, along)):
        axes = [place.axis for place in along if _only_in(place) == clause]
        parts.append(f"{clause} elements of {format_axes(axes)}")
    return ", ".join(parts)


def _only_in(place: Place) -> str:
    return f"only in {place.which} of {place.size}"


def _which(numbers: list[int], size: int) -> tuple[str, str | None]:
    """Write some of the numbers below ``size``, briefly, and what of it holds of another size too."""
    every = list(range(size))
    named = {
        "the first": every[:1],
        "the last": every[-1:],
        "all but the first": every[1:],
        "all but the last": every[:-1],
        "all but the first and the last": every[1:-1] if size > 3 else None,  # noqa: PLR2004 - of three, it is one
    }
    name = next((name for name, those in named.items() if those == numbers), None)
    if name:
        return name, name
    step = numbers[1] - numbers[0] if len(numbers) > 1 else 1
    if len(numbers) > 2 and numbers == every[numbers[0] : numbers[-1] + 1 : step]:  # noqa: PLR2004 - two numbers are no rule
        steps = None if step == 1 else f"in steps of {step}"
        return " ".join(filter(None, (f"numbers {numbers[0]} to {numbers[-1]}", steps))), steps
    more = f" and {len(numbers) - _MOST_NUMBERS} more" if len(numbers) > _MOST_NUMBERS else ""
    return f"number {', '.join(map(str, numbers[:_MOST_NUMBERS]))}{more}", None


def _index(place: tuple[np.intp, ...]) -> str:
    return str(tuple(int(i) for i in place))
