"""Cases: a layer's arguments and the sizes that they fit."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Unpack

import hypothesis.strategies as st

import convmm
from convmm.geometry import GeometryError, Padding, full_response_size, kernel_extent
from parity.cases.case import DTYPES, PADDING_MODES, VALUES, ZEROS, Case, CaseError
from parity.cases.op import OPS, Op
from parity.cases.selection import Bounds, PaddingKind, Selection, check_choices
from parity.strategies.limits import Limits, Range, limits_of, room_of
from parity.strategies.pieces import (
    Pair,
    dilations,
    input_sizes,
    ints,
    kernel_sizes,
    output_paddings,
    paddings,
    strides,
)

RANKS = (1, 2, 3)
_OUTPUT_PADDINGS = ("none", "zero", "more")


@dataclass(frozen=True)
class AxisArguments:
    """What a case has on one axis."""

    size: int
    kernel: int
    stride: int
    dilation: int
    pads: Pair = (0, 0)
    output_padding: int | None = None


def cases(
    ops: Sequence[str] = OPS,
    dtypes: Sequence[str] = ("float32",),
    values: Sequence[str] = ("integers",),
    padding_modes: Sequence[str] = (ZEROS,),
    **bounds: Unpack[Bounds],
) -> st.SearchStrategy[Case]:
    """Draw cases of these ops, dtypes and values, within bounds that are those of :class:`Bounds`.

    Shrinks towards the fewest axes and a convolution, one sample, channel, filter and group, no bias, the
    first dtype and values, seed 0, padding of zeros, and on each axis no padding, one tap, stride and
    dilation 1 and the smallest size. Of the bounds that are sequences the first is what it shrinks to.

    Args:
        ops: of :data:`parity.cases.case.OPS`.
        dtypes: of :data:`parity.cases.case.DTYPES`.
        values: of :data:`parity.cases.case.VALUES`.
        padding_modes: of :data:`parity.cases.case.PADDING_MODES`; others than zeros are rare beside them, and
            no transposed op has any.
        **bounds: the largest kernel, stride and so on: see :class:`Bounds`.

    Raises:
        CaseError: an unknown word or bound, bounds that contradict each other, or no padding mode of an op.
        GeometryError: a bound is no int, or too small.
    """
    chosen = check_choices("ops", ops, OPS)
    modes = check_choices("padding_modes", padding_modes, PADDING_MODES)
    if ZEROS not in modes:
        chosen = tuple(op for op in chosen if not Op.of(op).transposed)
    if not chosen:
        raise CaseError(f"padding_modes={modes}: allowed with the transposed ops is {ZEROS}, and no others")
    drawn = (check_choices("dtypes", dtypes, DTYPES), check_choices("values", values, VALUES), modes)
    # In the order of their length: the first example that Hypothesis tries should be the smallest.
    limits = {op: limits_of(op, bounds) for op in OPS if op in chosen}
    if ZEROS not in modes:  # there has to be something to fill padding with
        sizes = {op: Range(max(each.size.low, 1), each.size.high) for op, each in limits.items()}
        limits = {op: replace(each, size=sizes[op]) for op, each in limits.items()}
    return st.one_of([_cases(op, each, *drawn) for op, each in limits.items()])


def selected_cases(selection: Selection) -> st.SearchStrategy[Case]:
    """Draw what :func:`cases` does, of what is selected.

    Raises:
        CaseError: bounds that contradict each other, or have none of an op.
    """
    words = (selection.ops, selection.dtypes, selection.values, selection.padding_modes)
    return cases(*words, **selection.bounds)


def conv_cases(
    ranks: Sequence[int] = RANKS,
    dtypes: Sequence[str] = ("float32",),
    values: Sequence[str] = ("integers",),
    padding_modes: Sequence[str] = (ZEROS,),
    **bounds: Unpack[Bounds],
) -> st.SearchStrategy[Case]:
    """Draw what :func:`cases` does, of convolutions over so many axes."""
    ops = [f"conv{rank}d" for rank in check_choices("ranks", ranks, RANKS)]
    return cases(ops, dtypes, values, padding_modes, **bounds)


def conv_transpose_cases(
    ranks: Sequence[int] = RANKS,
    dtypes: Sequence[str] = ("float32",),
    values: Sequence[str] = ("integers",),
    **bounds: Unpack[Bounds],
) -> st.SearchStrategy[Case]:
    """Draw what :func:`cases` does, of transposed convolutions over so many axes."""
    ops = [f"conv_transpose{rank}d" for rank in check_choices("ranks", ranks, RANKS)]
    return cases(ops, dtypes, values, **bounds)


@st.composite
def _cases(
    draw: st.DrawFn,
    op: str,
    limits: Limits,
    dtypes: Sequence[str],
    values: Sequence[str],
    padding_modes: Sequence[str],
) -> Case:
    """Draw a case, its axes last and one by one, so that fewer of them are a shorter example."""
    groups = draw(st.sampled_from(limits.groups))
    channels, filters = (
        groups * draw(ints(count.multiple_of(groups))) for count in (limits.channels, limits.filters)
    )
    batch, bias = draw(ints(limits.batch)), draw(st.sampled_from(limits.biases))
    dtype, value = draw(st.sampled_from(dtypes)), draw(st.sampled_from(values))
    seed = draw(st.integers(0, 2**32 - 1))
    kind = draw(st.sampled_from(limits.padding_kinds))
    mode = draw(_padding_modes(op, padding_modes))
    if op.startswith("conv_transpose"):
        axis = _conv_transpose_axes(limits, kind, draw(st.sampled_from(_OUTPUT_PADDINGS)))
    else:
        axis = _conv_axes(limits, kind)
    axes = [draw(axis) for _ in range(int(op[-2]))]
    if not all(each.size for each in axes):  # there is nothing to fill padding with
        mode = ZEROS
    added = [each.output_padding for each in axes if each.output_padding is not None]
    return Case(
        op,
        (batch, channels, *(each.size for each in axes)),
        filters,
        [each.kernel for each in axes],
        stride=[each.stride for each in axes],
        padding=_padding(kind, [each.pads for each in axes]),
        output_padding=added if len(added) == len(axes) else None,
        dilation=[each.dilation for each in axes],
        groups=groups,
        bias=bias,
        dtype=dtype,
        values=value,
        seed=seed,
        padding_mode=mode,
    )


_TIMES_RARER = 9
"""Draws of zeros for one of each other padding mode, where there are both."""


def _padding_modes(op: str, modes: Sequence[str]) -> st.SearchStrategy[str]:
    """Draw what padding holds; shrinks towards zeros, which are the only ones of the transposed ops."""
    others = [] if Op.of(op).transposed else [mode for mode in modes if mode != ZEROS]
    return st.sampled_from([ZEROS] * (_TIMES_RARER if ZEROS in modes else 0) + others)


def _padding(kind: PaddingKind, pads: Sequence[Pair]) -> Padding:
    return kind if kind in {"valid", "same"} else pads


@st.composite
def _conv_axes(draw: st.DrawFn, limits: Limits, kind: PaddingKind) -> AxisArguments:
    """Draw padding that leaves room for the smallest kernel, a kernel that fits, and an input for it."""
    smallest = kernel_extent(limits.kernel.low, limits.dilation.low)
    missing = 0 if kind == "same" else max(smallest - limits.size.high, 0)
    pads = draw(paddings(kind, max_padding=limits.padding, at_least=missing))
    room = limits.size.high + sum(pads)
    if room_of(kind, limits) is None:
        room = kernel_extent(limits.kernel.high, limits.dilation.high)
    most_taps = min((room - 1) // limits.dilation.low + 1, limits.kernel.high)
    kernel = draw(kernel_sizes(min_kernel=limits.kernel.low, max_kernel=most_taps))
    widest = limits.dilation.high if kernel == 1 else min((room - 1) // (kernel - 1), limits.dilation.high)
    dilation = draw(dilations(min_dilation=limits.dilation.low, max_dilation=widest))
    stride = draw(_strides(limits))
    sizes = input_sizes(
        kernel,
        stride=stride,
        dilation=dilation,
        padding=_padding(kind, [pads]),
        min_size=limits.size.low,
        max_size=limits.size.high,
    )
    return AxisArguments(draw(sizes), kernel, stride, dilation, pads)


@st.composite
def _conv_transpose_axes(draw: st.DrawFn, limits: Limits, kind: PaddingKind, added: str) -> AxisArguments:
    """Draw output padding below its limit, and padding that takes no more than there is.

    Beside "same" Keras's formula takes an element more than there is of one input under an even kernel: then
    there is no output padding, or a larger input. Of no input, a formula may take more than that.
    """
    kernel = draw(kernel_sizes(min_kernel=limits.kernel.low, max_kernel=limits.kernel.high))
    stride = draw(_strides(limits))
    dilation = draw(dilations(min_dilation=limits.dilation.low, max_dilation=limits.dilation.high))
    more = draw(_output_paddings(limits, stride, dilation)) if added == "more" else 0
    extent = kernel_extent(kernel, dilation)
    arguments = {"stride": stride, "dilation": dilation, "padding": kind if kind in {"valid", "same"} else 0}
    fewest = _fewest(limits, kernel, arguments | {"output_padding": None if added == "none" else more})
    if fewest > limits.size.high:
        added, fewest = "none", _fewest(limits, kernel, arguments)
    size = draw(ints(Range(max(fewest, limits.size.low), limits.size.high)))
    there = full_response_size(size, extent, stride) + more - (0 if limits.empty else 1)
    pads = draw(paddings(kind, max_padding=limits.padding, at_most=max(there, 0)))
    return AxisArguments(size, kernel, stride, dilation, pads, None if added == "none" else more)


def _fewest(limits: Limits, kernel: int, arguments: dict[str, Any]) -> int:
    """Return the smallest input of a transposed op whose output has as many elements as it has to have."""
    for size in (0, 1):
        with suppress(GeometryError):
            if convmm.conv_transpose_output_size(size, kernel, **arguments) >= (0 if limits.empty else 1,):
                return size
    return 2


def _strides(limits: Limits) -> st.SearchStrategy[int]:
    return strides(min_stride=limits.stride.low, max_stride=limits.stride.high)


def _output_paddings(limits: Limits, stride: int, dilation: int) -> st.SearchStrategy[int]:
    """Draw output padding with at least one element where there may be one."""
    most = min(max(stride, dilation) - 1, limits.output_padding)
    return output_paddings(stride, dilation, min_output_padding=min(1, most), max_output_padding=most)
