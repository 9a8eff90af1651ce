"""How numbers are written, on the command line (``2``, ``2,1``, ``same``, ``1:2,0:1``) and in sentences."""

from __future__ import annotations

from collections.abc import Sequence

Pads = tuple[tuple[int, int], ...]


class NotationError(ValueError):
    """A text that is none of the allowed forms."""


def parse_ints(text: str) -> int | tuple[int, ...]:
    """Read ``"2"`` as 2, ``"2,1"`` as (2, 1).

    Raises:
        NotationError: anything else.
    """
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        msg = f"{text!r} is not a number, nor numbers separated by commas, as in 2 or 2,1"
        raise NotationError(msg) from None
    return numbers[0] if len(numbers) == 1 else numbers


def parse_padding(text: str) -> int | tuple[int, ...] | Pads | str:
    """Read ``"1"``, ``"1,2"``, ``"same"``, ``"valid"``, or a before:after pair per axis, ``"1:2,0:1"``.

    Raises:
        NotationError: anything else.
    """
    if text in {"same", "valid"}:
        return text
    try:
        return _parse_pairs(text) if ":" in text else parse_ints(text)
    except ValueError:
        msg = (
            f"{text!r} is no padding: allowed are 1 or 1,2, pairs before:after as in 1:2,0:1, same and valid"
        )
        raise NotationError(msg) from None


def _parse_pairs(text: str) -> Pads:
    pairs = []
    for part in text.split(","):
        before, colon, after = part.partition(":")
        pairs.append((int(before), int(after if colon else before)))
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
