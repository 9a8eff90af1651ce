"""What cases are drawn within: the bounds of one op, with a value for each that is not given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from convmm.geometry import check_int, kernel_extent
from parity.cases.case import CaseError
from parity.cases.op import Op
from parity.cases.selection import PADDING_KINDS, Bounds, PaddingKind, check_bounds

_EXPLICIT = ("symmetric", "pairs")

_USUAL_STEPS = 3  # of stride and dilation, and groups
_USUAL_CHANNELS = 6
_USUAL_BATCH = 2
_USUAL_KERNEL = {1: 5, 2: 3, 3: 2}
_USUAL_SIZE = {1: 9, 2: 5, 3: 3}
_USUAL_PADDING = 4


class Range(NamedTuple):
    """Ints from ``low`` to ``high``, both included."""

    low: int
    high: int

    def multiple_of(self, number: int) -> Range:
        """Return what to multiply the number by; nothing where no multiple of it is in the range."""
        return Range(-(-self.low // number), self.high // number)


@dataclass(frozen=True, repr=False)  # Hypothesis would print them with every failure
class Limits:
    """The bounds of one op's cases, each with its value; under them there is a case.

    Attributes:
        kernel: taps on an axis.
        stride: on an axis.
        dilation: on an axis.
        size: of the input on an axis.
        padding: most elements on a side of an axis.
        output_padding: most elements, if stride and dilation allow them.
        groups: those that divide some number of channels and of filters.
        channels: of the input.
        filters: output channels.
        batch: samples.
        padding_kinds: of which one is drawn for a case.
        biases: of which one is drawn.
        empty: whether an output may have no element.
    """

    kernel: Range
    stride: Range
    dilation: Range
    size: Range
    padding: int
    output_padding: int
    groups: tuple[int, ...]
    channels: Range
    filters: Range
    batch: Range
    padding_kinds: tuple[PaddingKind, ...]
    biases: tuple[bool, ...]
    empty: bool


def limits_of(op: str, bounds: Bounds) -> Limits:
    """Return the bounds for this op, the usual ones where none is given.

    Raises:
        CaseError: an unknown bound or word, or a bound that contradicts another; both are named.
        GeometryError: a bound that is no int, or too small.
    """
    check_bounds(bounds)
    transposed, rank = Op.of(op)
    kernel = _range_of(bounds, "kernel", _USUAL_KERNEL[rank])
    stride, dilation, groups = (
        _range_of(bounds, name, _USUAL_STEPS) for name in ("stride", "dilation", "groups")
    )
    channels, filters = (
        _range_of(bounds, name, max(_USUAL_CHANNELS, groups.high)) for name in ("channels", "filters")
    )
    spanned = 1 if transposed else kernel_extent(kernel.high, dilation.high)
    padding = bounds.get("max_padding", _USUAL_PADDING)
    limits = Limits(
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        size=_range_of(bounds, "size", max(_USUAL_SIZE[rank], spanned)),
        padding=padding,
        output_padding=_most_output_padding(op, bounds, max(stride.high, dilation.high) - 1),
        groups=_groups(bounds, groups, channels, filters),
        channels=channels,
        filters=filters,
        batch=_range_of(bounds, "batch", _USUAL_BATCH),
        padding_kinds=_padding_kinds(bounds, padding),
        biases=tuple(bounds.get("biases", (False, True))),
        empty=bounds.get("allow_empty", False) or bounds.get("min_size") == 0,
    )
    if not transposed:
        _check_kernel_fits(bounds, limits)
    return limits


def between(name: str, low: object, high: object) -> Range:
    """Return the range from the argument ``min_NAME`` to ``max_NAME``.

    Raises:
        CaseError: it is empty.
        GeometryError: an end is no int, or below 1, or 0 for the smallest of sizes.
    """
    least = 0 if name == "size" else 1
    found = Range(check_int(f"min_{name}", low, minimum=least), check_int(f"max_{name}", high, minimum=1))
    if found.low > found.high:
        raise CaseError(f"min_{name}={low}: allowed is at most max_{name}={high}")
    return found


def _range_of(bounds: Mapping[str, Any], name: str, usual: int) -> Range:
    """Return the range between two bounds; the usual end gives way to a given one."""
    low = bounds.get(f"min_{name}", 1)
    found = Range(low, bounds.get(f"max_{name}", max(usual, low)))
    if found.low > found.high:  # none at most, and not none at least
        raise CaseError(f"max_{name}={found.high}: allowed beside min_{name}={found.low} is at least that")
    return found


def room_of(kind: PaddingKind, limits: Limits) -> int | None:
    """Return the size of the largest padded input per axis; None for any, which "same" brings about."""
    if kind == "same":
        return None
    return limits.size.high + (2 * limits.padding if kind in _EXPLICIT else 0)


def _padding_kinds(bounds: Bounds, most: int) -> tuple[PaddingKind, ...]:
    kinds = tuple(bounds.get("padding_kinds", PADDING_KINDS))
    possible = tuple(kind for kind in kinds if most or kind not in _EXPLICIT)
    if "padding_kinds" in bounds and possible != kinds:
        raise CaseError(f"padding_kinds={kinds}: allowed beside max_padding=0 are none, valid, same")
    return possible


def _most_output_padding(op: str, bounds: Bounds, limit: int) -> int:
    most = bounds.get("max_output_padding", limit)
    if "max_output_padding" in bounds and not op.startswith("conv_transpose"):
        raise CaseError(f"max_output_padding={most}: allowed with the transposed ops, not with {op}")
    if most > limit:
        raise CaseError(
            f"max_output_padding={most}: allowed is at most {limit}, "
            "less than the larger of max_stride and max_dilation"
        )
    return most


def _groups(bounds: Bounds, groups: Range, channels: Range, filters: Range) -> tuple[int, ...]:
    """Return the numbers of groups that divide some number of channels and some number of filters."""
    for name, count in (("channels", channels), ("filters", filters)):
        if "max_groups" in bounds and groups.high > count.high and count.low:  # 0 is a multiple of any
            raise CaseError(f"max_groups={groups.high}: allowed is at most max_{name}={count.high}")
    possible = tuple(
        number
        for number in range(groups.low, groups.high + 1)
        if all(low <= high for low, high in (each.multiple_of(number) for each in (channels, filters)))
    )
    if not possible:
        raise CaseError(
            f"min_groups={groups.low}: allowed is a number with a multiple from "
            f"min_channels={channels.low} to max_channels={channels.high}, and one from "
            f"min_filters={filters.low} to max_filters={filters.high}"
        )
    return possible


def _check_kernel_fits(bounds: Bounds, limits: Limits) -> None:
    """Check that each kind of padding leaves room for a kernel, and some kind for the largest one given."""
    rooms = {kind: room_of(kind, limits) for kind in limits.padding_kinds}
    for kind, room in rooms.items():
        _check_room("min_kernel", limits.kernel.low, limits, room, kind)
    if "max_kernel" in bounds and None not in rooms.values():
        kind, room = max(rooms.items(), key=lambda item: item[1] or 0)
        _check_room("max_kernel", limits.kernel.high, limits, room, kind)


def _check_room(name: str, kernel: int, limits: Limits, room: int | None, kind: PaddingKind) -> None:
    extent = kernel_extent(kernel, limits.dilation.low)
    if room is None or extent <= room:
        return
    padded = f" and max_padding={limits.padding}" if kind in _EXPLICIT else ""
    raise CaseError(
        f"{name}={kernel}: allowed is what spans no more than the largest padded input, which has {room} "
        f"elements with max_size={limits.size.high}{padded} and padding kind {kind!r}, and this spans "
        f"{extent} with min_dilation={limits.dilation.low}"
    )
