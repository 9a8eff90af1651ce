"""How numbers are written, on the command line (``2``, ``2,1``, ``same``, ``1:2,0:1``) and in sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence

from convmm.geometry import LARGEST, shown

Pads = tuple[tuple[int, int], ...]


class NotationError(ValueError):
    """A text that is none of the allowed forms."""


class TooLargeError(NotationError):
    """A number beyond the largest that there is for any argument."""


def parse_int(text: str) -> int:
    """Read ``"2"`` as 2.

    Raises:
        NotationError: anything else, or a number that is too large.
    """
    try:
        number = int(text)
    except ValueError:  # of so many digits Python reads none
        if not _DIGITS.fullmatch(text):
            msg = f"{shown(text)} is not a number: allowed is an int"
            raise NotationError(msg) from None
        number = LARGEST + 1
    if abs(number) > LARGEST:
        msg = f"{shown(text)} is too large: allowed are numbers up to {LARGEST}"
        raise TooLargeError(msg)
    return number


_DIGITS = re.compile(r"\s*[+-]?\d[\d_]*\s*")


def parse_ints(text: str) -> int | tuple[int, ...]:
    """Read ``"2"`` as 2, ``"2,1"`` as (2, 1).

    Raises:
        NotationError: anything else, or a number that is too large.
    """
    try:
        numbers = tuple(parse_int(part) for part in text.split(","))
    except TooLargeError:
        raise
    except NotationError:
        msg = f"{shown(text)} is not a number, nor numbers separated by commas, as in 2 or 2,1"
        raise NotationError(msg) from None
    return numbers[0] if len(numbers) == 1 else numbers


def parse_shape(text: str) -> tuple[int, ...]:
    """Read ``"1,3,8,8"``, and ``"1x3x8x8"`` and ``"(1, 3, 8, 8)"`` as the same.

    Raises:
        NotationError: anything else, or a number that is too large.

    >>> parse_shape("[1, 3, 8, 8]")
    (1, 3, 8, 8)
    """
    inner = text.strip() if len(text) <= _LONGEST_SHAPE else ""
    if inner[:1] + inner[-1:] in {"()", "[]"}:
        inner = inner[1:-1].rstrip().removesuffix(",")
    try:
        return tuple(parse_int(part) for part in inner.split("," if "," in inner else "x"))
    except TooLargeError:
        raise
    except NotationError:
        msg = f"{shown(text)} is no shape: allowed are numbers as in 1,3,8,8, 1x3x8x8 or (1, 3, 8, 8)"
        raise NotationError(msg) from None


_LONGEST_SHAPE = 2**16
"""Characters: of more not even the first number is looked at."""


def parse_padding(text: str) -> int | tuple[int, ...] | Pads | str:
    """Read ``"1"``, ``"1,2"``, ``"same"``, ``"valid"``, or a before:after pair per axis, ``"1:2,0:1"``.

    Raises:
        NotationError: anything else.

    >>> parse_padding("1:2,0")
    ((1, 2), (0, 0))
    """
    if text in {"same", "valid"}:
        return text
    try:
        return _parse_pairs(text) if ":" in text else parse_ints(text)
    except TooLargeError:
        raise
    except NotationError:
        msg = (
            f"{shown(text)} is no padding: allowed are 1 or 1,2, pairs before:after as in "
            "1:2,0:1, same and valid"
        )
        raise NotationError(msg) from None


def _parse_pairs(text: str) -> Pads:
    pairs = []
    for part in text.split(","):
        before, colon, after = part.partition(":")
        pairs.append((parse_int(before), parse_int(after if colon else before)))
    return tuple(pairs)


def format_ints(numbers: Sequence[int]) -> str:
    """Write the shortest text that :func:`parse_ints` reads as these numbers, one per axis."""
    return str(numbers[0]) if len(set(numbers)) == 1 else ",".join(map(str, numbers))


def format_padding(padding: Pads | str) -> str:
    """Write the shortest text that :func:`parse_padding` reads as this padding."""
    if isinstance(padding, str):
        return padding
    if all(before == after for before, after in padding):
        return format_ints([before for before, _ in padding])
    return ",".join(f"{before}:{after}" for before, after in padding)


def parse_names(text: str) -> tuple[str, ...]:
    """Read names separated by commas."""
    return tuple(part.strip() for part in text.split(","))


def format_shape(shape: Sequence[int]) -> str:
    """Write a shape as ``5x3x2x2``."""
    return "x".join(map(str, shape)) if shape else "scalar"


def format_number(value: float) -> str:
    """Write an array's element: an exact integer in full, anything else in six digits."""
    return f"{value:.0f}" if float(value).is_integer() and abs(value) < 2**53 else f"{value:.6g}"


def format_axes(axes: Sequence[int]) -> str:
    """Write "axis 1", or "axes 0 and 2"."""
    return f"{'axis' if len(axes) == 1 else 'axes'} {' and '.join(map(str, axes))}"


def by_axes(clauses: Sequence[str]) -> str:
    """Write one clause per axis, equal ones once: "A on each axis", or "A on axes 0 and 2, B on axis 1"."""
    axes_of = {clause: [axis for axis, each in enumerate(clauses) if each == clause] for clause in clauses}
    if len(axes_of) == 1:
        return f"{clauses[0]} on each axis" if len(clauses) > 1 else clauses[0]
    return ", ".join(f"{clause} on {format_axes(axes)}" for clause, axes in axes_of.items())
