"""Where two arrays differ, in words."""

from __future__ import annotations

import numpy as np

from parity.cases.arrays import Array
from parity.cases.notation import format_number, format_shape
from parity.verdict.compare import equal

_MOST_NUMBERS = 4


def greatest_difference(result: Array, reference: Array) -> str:
    """Say both sides where they are furthest apart; their shapes where these differ."""
    if result.shape != reference.shape:
        return f"its shape is {format_shape(result.shape)} against {format_shape(reference.shape)}"
    a, b = result.astype(np.float64), reference.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):  # NaN is the largest to argmax
        apart = np.where(equal(a, b), 0.0, np.abs(a - b))
    place = np.unravel_index(int(np.argmax(apart)), a.shape)
    return (
        f"greatest difference {format_number(apart[place])} at index {_index(place)}: "
        f"{format_number(a[place])} against {format_number(b[place])}"
    )


def differing_places(differ: Array) -> str:
    """Say how many elements differ, which is the first, and the samples, channels or rows they share."""
    if not differ.any():
        return ""
    first = _index(np.unravel_index(int(np.argmax(differ)), differ.shape))
    count = int(np.count_nonzero(differ))
    parts = [
        f"{count} of {differ.size} elements differ ({count / differ.size:.3g} of all), first at index {first}"
    ]
    names = ["samples", "channels", *(f"elements of axis {axis}" for axis in range(differ.ndim - 2))]
    for axis, name in enumerate(names):
        others = tuple(other for other in range(differ.ndim) if other != axis)
        numbers = np.flatnonzero(differ.any(axis=others))
        if len(numbers) < differ.shape[axis]:
            parts.append(
                f"only in {_which(numbers.tolist(), differ.shape[axis])} of {differ.shape[axis]} {name}"
            )
    return ", ".join(parts)


def _which(numbers: list[int], size: int) -> str:
    """Write some of the numbers below ``size``, briefly."""
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
        return name
    step = numbers[1] - numbers[0] if len(numbers) > 1 else 1
    if len(numbers) > 2 and numbers == every[numbers[0] : numbers[-1] + 1 : step]:  # noqa: PLR2004 - two numbers are no rule
        by = "" if step == 1 else f" in steps of {step}"
        return f"numbers {numbers[0]} to {numbers[-1]}{by}"
    more = f" and {len(numbers) - _MOST_NUMBERS} more" if len(numbers) > _MOST_NUMBERS else ""
    return f"number {', '.join(map(str, numbers[:_MOST_NUMBERS]))}{more}"


def _index(place: tuple[np.intp, ...]) -> str:
    return str(tuple(int(i) for i in place))
