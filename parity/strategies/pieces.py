"""Strategies for the arguments of one axis, which a layer's are put together of."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st

import convmm
from convmm.geometry import Padding, check_int, check_padding, kernel_extent
from parity.cases.case import CaseError
from parity.cases.selection import PADDING_KINDS, PaddingKind, check_choices
from parity.strategies.limits import Range, between

Pair = tuple[int, int]


def kernel_sizes(*, min_kernel: int = 1, max_kernel: int = 5) -> st.SearchStrategy[int]:
    """Draw taps per axis; shrinks towards the fewest.

    Raises:
        CaseError: the bounds contradict each other.
        GeometryError: a bound is no int of at least 1.
    """
    return ints(between("kernel", min_kernel, max_kernel))


def strides(*, min_stride: int = 1, max_stride: int = 3) -> st.SearchStrategy[int]:
    """Draw the stride of an axis; shrinks towards the smallest.

    Raises:
        CaseError: the bounds contradict each other.
        GeometryError: a bound is no int of at least 1.
    """
    return ints(between("stride", min_stride, max_stride))


def dilations(*, min_dilation: int = 1, max_dilation: int = 3) -> st.SearchStrategy[int]:
    """Draw the dilation of an axis; shrinks towards the smallest.

    Raises:
        CaseError: the bounds contradict each other.
        GeometryError: a bound is no int of at least 1.
    """
    return ints(between("dilation", min_dilation, max_dilation))


def paddings(
    kind: PaddingKind = "pairs", *, max_padding: int = 4, at_least: int = 0, at_most: int | None = None
) -> st.SearchStrategy[Pair]:
    """Draw explicit padding (before, after) of an axis; shrinks towards none.

    Args:
        kind: "none", "symmetric" or "pairs". Of the two names it is (0, 0): they say themselves what they
            pad.
        max_padding: most elements on a side.
        at_least: fewest elements on both sides together.
        at_most: most elements on both sides together; None for as many as there can be.

    Raises:
        CaseError: an unknown kind, or no padding is within the bounds.
        GeometryError: a bound is no int of at least 0.
    """
    check_choices("kind", [kind], PADDING_KINDS)
    most = check_int("max_padding", max_padding, minimum=0)
    least = check_int("at_least", at_least, minimum=0)
    total = 2 * most if at_most is None else check_int("at_most", at_most, minimum=0)
    within = _totals(kind, most, Range(least, total))
    if within.low > within.high:
        raise CaseError(
            f"at_least={least}: allowed is at most {within.high} beside {max_padding=}, {at_most=}"
        )
    if within.high == 0:
        return st.just((0, 0))  # with no choice to make, it is also the shortest example
    if kind == "symmetric":
        return ints(Range(within.low // 2, within.high // 2)).map(lambda each: (each, each))
    return _pairs(most, within)


def _totals(kind: PaddingKind, most: int, asked: Range) -> Range:
    """Draw how much both sides together have."""
    if kind not in {"symmetric", "pairs"}:
        return Range(asked.low, 0)
    high = min(2 * most, asked.high)
    return (
        Range(asked.low + asked.low % 2, high - high % 2) if kind == "symmetric" else Range(asked.low, high)
    )


@st.composite
def _pairs(draw: st.DrawFn, most: int, total: Range) -> Pair:
    before = draw(ints(Range(max(total.low - most, 0), min(most, total.high))))
    return before, draw(ints(Range(max(total.low - before, 0), min(most, total.high - before))))


def output_paddings(
    stride: int, dilation: int = 1, *, min_output_padding: int = 0, max_output_padding: int | None = None
) -> st.SearchStrategy[int]:
    """Draw output padding of an axis, below the larger of stride and dilation; shrinks towards the least.

    Raises:
        CaseError: a bound is not below that limit, or the bounds contradict each other.
        GeometryError: an argument is no int, or too small.
    """
    limit = max(check_int("stride", stride, minimum=1), check_int("dilation", dilation, minimum=1)) - 1
    most = limit if max_output_padding is None else max_output_padding
    high = check_int("max_output_padding", most, minimum=0)
    low = check_int("min_output_padding", min_output_padding, minimum=0)
    for name, value, allowed in (("max", high, limit), ("min", low, high)):
        if value > allowed:
            raise CaseError(
                f"{name}_output_padding={value}: allowed is at most {allowed} beside {stride=}, {dilation=}, "
                f"max_output_padding={high}"
            )
    return ints(Range(low, high))


def input_sizes(
    kernel: int,
    *,
    stride: int = 1,
    dilation: int = 1,
    padding: Padding = 0,
    min_size: int = 1,
    max_size: int = 9,
) -> st.SearchStrategy[int]:
    """Draw sizes of a convolution's input per axis, in which the kernel fits once it is padded.

    The output's size is drawn, and then one of the input's sizes that give it, so that inputs whose last
    elements are never read are as frequent as their outputs. Shrinks towards the smallest output, and the
    smallest input that gives it.

    Raises:
        CaseError: no input within the bounds has room for the kernel.
        GeometryError: an argument is out of its range.
    """
    size = between("size", min_size, max_size)
    taps, step = check_int("kernel", kernel, minimum=1), check_int("dilation", dilation, minimum=1)
    pads = check_padding(padding, 1)
    needed = 0 if pads == "same" else kernel_extent(taps, step) - (0 if pads == "valid" else sum(pads[0]))
    if needed > size.high:
        raise CaseError(
            f"max_size={max_size}: allowed is at least {needed} beside {kernel=}, {dilation=}, {padding=}"
        )
    arguments = {"stride": check_int("stride", stride, minimum=1), "dilation": step, "padding": pads}
    return _input_sizes(taps, Range(max(size.low, needed), size.high), arguments)


@st.composite
def _input_sizes(draw: st.DrawFn, kernel: int, size: Range, arguments: dict[str, Any]) -> int:
    outputs = Range(*(convmm.conv_output_size(end, kernel, **arguments)[0] for end in size))
    [giving] = convmm.input_sizes(draw(ints(outputs)), kernel, **arguments)
    within = Range(max(giving[0], size.low), min(giving[-1], size.high))
    # With no choice where there is no stride, convolutions are as short as transposed ones.
    return within.low if within.low == within.high else draw(ints(within))


def ints(within: Range) -> st.SearchStrategy[int]:
    """Draw ints of this range."""
    return st.integers(within.low, within.high)
