"""The arguments of a convolution as they are written, checked and brought into one form each."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, Literal, SupportsIndex, TypeGuard, cast

from convmm.geometry.wording import shown

Ints = SupportsIndex | Sequence[SupportsIndex]
"""One int for every axis, or a sequence of one int per axis."""

Pair = tuple[int, int]
"""Elements of zero padding (before, after) one axis."""

PaddingMode = Literal["valid", "same"]
Padding = SupportsIndex | Sequence[SupportsIndex] | Sequence[Sequence[SupportsIndex]] | str
"""An int, one int per axis, one (before, after) pair per axis, "valid" or "same"."""

MAX_SPATIAL_AXES = 3

LARGEST = 2**63 - 1
"""What any number of an argument may be at most: the largest index of an array that there can be."""


class GeometryError(ValueError):
    """An argument that describes no convolution; the message names it, its value and what is allowed."""


def check_ints(name: str, value: Ints, rank: int, *, minimum: int) -> tuple[int, ...]:
    """Return ``value`` as one int per axis.

    Raises:
        GeometryError: not ints, of another number than ``rank``, below ``minimum``, or too large.
    """
    if _is_sequence(value) and not isinstance(value, str | bytes):
        if len(value) != rank:
            msg = (
                f"{name}={shown(value)}: allowed is one int, or one for each of {rank} axes, not {len(value)}"
            )
            raise GeometryError(msg)
        return tuple(_int(item, minimum, name, value, number) for number, item in enumerate(value))
    return (check_int(name, value, minimum=minimum),) * rank


def check_int(name: str, value: object, *, minimum: int) -> int:
    """Return ``value`` as an int of at least ``minimum``, and at most :data:`LARGEST`.

    Raises:
        GeometryError: not an int (a bool is none), below ``minimum``, or too large.
    """
    return _int(value, minimum, name, value)


def check_padding(padding: Padding, rank: int) -> tuple[Pair, ...] | PaddingMode:
    """Return ``padding`` as one (before, after) pair per axis, or the mode's name.

    Raises:
        GeometryError: neither of the forms, or a number that is negative or too large.
    """
    if isinstance(padding, str):
        if padding in ("valid", "same"):
            return cast("PaddingMode", padding)
        msg = f"padding={shown(padding)}: allowed are an int, ints, (before, after) pairs, 'valid' and 'same'"
        raise GeometryError(msg)
    if not _is_sequence(padding) or not any(map(_is_sequence, padding)):
        return tuple((p, p) for p in _check_symmetric(padding, rank))
    if len(padding) != rank:
        msg = f"padding={shown(padding)}: allowed is one pair for each of {rank} axes, not {len(padding)}"
        raise GeometryError(msg)
    return tuple(_check_pair(padding, number, item) for number, item in enumerate(padding))


def check_spatial(name: str, shape: Sequence[int]) -> int:
    """Return the number of spatial axes of an array of this shape, (N, C, *spatial).

    Raises:
        GeometryError: none, or more than 3.
    """
    rank = len(shape) - 2
    if not 1 <= rank <= MAX_SPATIAL_AXES:
        msg = (
            f"{name} has shape {shown(tuple(shape))}: allowed is (N, C, *spatial) with 1, 2 or 3 spatial axes"
        )
        raise GeometryError(msg)
    return rank


def check_kernel(shape: Sequence[int]) -> int:
    """Return the number of spatial axes of a kernel of this shape.

    Raises:
        GeometryError: none, or more than 3.
    """
    rank = len(shape) - 2
    if not 1 <= rank <= MAX_SPATIAL_AXES:
        msg = (
            f"w has shape {shown(tuple(shape))}: allowed is (O, C/groups, *kernel) for conv, "
            "(C, O/groups, *kernel) for conv_transpose, with 1, 2 or 3 spatial axes"
        )
        raise GeometryError(msg)
    return rank


def check_kernel_rank(kernel_shape: Sequence[int], rank: int) -> None:
    """Check that a kernel has so many spatial axes, each with a tap.

    Raises:
        GeometryError: another number of axes, or an axis without taps.
    """
    if len(kernel_shape) != rank + 2:
        msg = (
            f"w has shape {tuple(kernel_shape)}: allowed are {rank + 2} axes, the last {rank} of them spatial"
        )
        raise GeometryError(msg)
    for number, size in enumerate(kernel_shape[2:]):
        if size < 1:
            msg = (
                f"w has size {size} on spatial axis {number} of {tuple(kernel_shape)}: allowed is at least 1"
            )
            raise GeometryError(msg)


def check_groups(groups: object, *, channels: int, filters: int) -> None:
    """Check that the channels can be divided into so many groups; none can, into any number.

    Raises:
        GeometryError: one of the two numbers of channels is no multiple of ``groups``.
    """
    number = check_int("groups", groups, minimum=1)
    for what, count in (("input", channels), ("output", filters)):
        if count % number:
            msg = f"groups={number}: allowed is a divisor of the {count} {what} channels"
            raise GeometryError(msg)


def _is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    """Return whether a value is a sequence; of the usual types it is known without the slow question."""
    kind = type(value)
    return kind is tuple or (kind is not int and isinstance(value, Sequence))


def _int(value: object, minimum: int, name: str, whole: object, axis: int | None = None) -> int:
    """Return ``value`` as an int of at least ``minimum``: the argument ``name``, or its item of an axis."""
    if type(value) is int and minimum <= value <= LARGEST:  # most are, and there are many for each case
        return value
    try:
        number = minimum - 1 if isinstance(value, bool) else operator.index(cast("SupportsIndex", value))
    except TypeError:
        number = minimum - 1
    if not minimum <= number <= LARGEST:
        where = "" if axis is None else f" on axis {axis}"
        allowed = f"of at least {minimum}" if number < minimum else f"from {minimum} to {LARGEST}"
        msg = f"{name}={shown(whole)}{where}: allowed is an int {allowed}"
        raise GeometryError(msg)
    return number


def _check_symmetric(padding: object, rank: int) -> tuple[int, ...]:
    try:
        return check_ints("padding", padding, rank, minimum=0)  # type: ignore[arg-type] # checked there
    except GeometryError as error:
        if rank == 1 and isinstance(padding, Sequence) and len(padding) == 2:  # noqa: PLR2004 - a pair
            msg = f"{error}; a (before, after) pair for one axis is written ({shown(tuple(padding))},)"
            raise GeometryError(msg) from None
        raise


def _check_pair(padding: object, number: int, item: object) -> Pair:
    if not _is_sequence(item) or isinstance(item, str) or len(item) != 2:  # noqa: PLR2004 - a pair
        msg = (
            f"padding={shown(padding)} on axis {number}: allowed is a (before, after) pair on "
            "every axis, or one "
            "int on every axis"
        )
        raise GeometryError(msg)
    before, after = (_int(value, 0, "padding", padding, number) for value in item)
    return before, after
