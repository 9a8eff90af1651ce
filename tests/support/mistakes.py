"""Mistakes that an implementation may have, and what parity has to say of each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from parity import Case
from parity.cases.op import OPS, Op
from tests.support.faults import (
    Wrong,
    bias_along_last_axis,
    ends_exchanged,
    exchanged,
    first_sample_always,
    flipped,
    groups_for_dilation,
    in_arguments,
    in_bias,
    in_input,
    in_kernel,
    in_operands,
    in_result,
    interleaved,
    junk_at_the_border,
    moved,
    one_ulp,
    output_padding_first,
    overwriting,
    padded,
    read_channels_last,
    reversed_axes,
    rolled,
    spoilt,
    spoilt_one_in,
    stride_for_padding,
    summed,
    through,
    truncated,
    view_of_input,
    without,
    without_groups,
    without_last_tap,
    without_on,
    wrapped_to_16_bits,
)
from tests.support.strategies import CONVS, TRANSPOSES, changed

MANY_AXES = tuple(op for op in OPS if not op.endswith("1d"))
SIZES = (9, 8, 7)


@dataclass(frozen=True)
class Fault:
    """A mistake, and what parity has to say of it.

    Attributes:
        wrong: makes it.
        relation: its name in the diagnosis; None where it has none, so that it is only to be caught.
        says: what stands in the reason.
        ops: those that it can be made in.
        case: how the case that exposes it differs from :func:`typical`.
    """

    wrong: Wrong
    relation: str | None = None
    says: str = ""
    ops: Sequence[str] = OPS
    case: tuple[tuple[str, object], ...] = ()


def fault(
    wrong: Wrong, relation: str | None = None, says: str = "", ops: Sequence[str] = OPS, **case: object
) -> Fault:
    """A :class:`Fault`, its case's arguments by name."""
    return Fault(wrong, relation, says, ops, tuple(case.items()))


def typical(op: str, **arguments: object) -> Case:
    """Two samples, two groups of two channels, every argument in use."""
    rank = Op.of(op).rank
    own: dict[str, Any] = {"stride": 2, "padding": 1, "groups": 2, "bias": True}
    if op in TRANSPOSES:
        own["output_padding"] = 1
    case = Case(op, (2, 4, *SIZES[:rank]), 4, 3, **own)
    return changed(case, **arguments)


REAL: dict[str, Any] = {"values": "normal"}
LONG_SUMS: dict[str, Any] = {"values": "normal", "stride": 1, "output_padding": None}

FAULTS: dict[str, Fault] = {
    # windows
    "the window begins one later": fault(moved(-1), "window", "begins"),
    "the window begins one sooner": fault(moved(1), "window", "begins"),
    "the window begins later on the last axis only": fault(
        moved(-1, np.s_[-1:]), "window", "begins", MANY_AXES
    ),
    "padding is ignored": fault(without("padding"), "window", "as if there were no padding; its shape"),
    "output padding is ignored": fault(without("output_padding"), "window", "its shape is", TRANSPOSES),
    "output padding comes before the output": fault(
        output_padding_first(of_zeros=False), "window", "added before it, not after", TRANSPOSES, padding=2
    ),
    "output padding is zeros before the output": fault(
        output_padding_first(of_zeros=True), "output padding side", "zeros before the output", TRANSPOSES
    ),
    "the result lacks its last row": fault(in_result(lambda y: y[..., :-1]), "window", "its shape is"),
    "edge padding": fault(padded("edge"), "padding values", "edge values", CONVS),
    "reflected padding": fault(padded("reflect"), "padding values", "reflect values", CONVS),
    "wrapped padding": fault(padded("wrap"), "padding values", "wrap values", CONVS),
    "wrapped padding on the last axis only": fault(
        padded("wrap", np.s_[-1:]), "padding values", "wrap values, not zeros on axis", ("conv2d", "conv3d")
    ),
    "reflected padding, of as much as another axis has": fault(
        padded("reflect", exchanged=True),
        "padding values",
        "for ((1, 1), (3, 3))",
        ("conv2d",),
        padding=(1, 3),
    ),
    "zeros for reflected padding": fault(
        in_arguments(lambda _: {"padding_mode": "zeros"}),
        "padding values",
        "holds zeros, not reflect values",
        CONVS,
        padding_mode="reflect",
    ),
    "zeros for repeated padding on the first axis": fault(
        padded("edge", np.s_[1:]),
        "padding values",
        "holds zeros, not edge values on axis 0",
        ("conv2d",),
        padding_mode="replicate",
    ),
    "circular padding for reflected": fault(
        in_arguments(lambda _: {"padding_mode": "circular"}),
        "padding values",
        "holds wrap values, not reflect values",
        CONVS,
        padding_mode="reflect",
    ),
    "reflected padding repeats the edge": fault(
        padded("symmetric"),
        "padding values",
        "holds symmetric values, not reflect values",
        CONVS,
        padding_mode="reflect",
        padding=2,
    ),
    "reflected padding's axes are exchanged": fault(
        reversed_axes("padding"),
        "window",
        "the padding's axes were",
        ("conv2d",),
        padding=(1, 2),
        padding_mode="reflect",
    ),
    "padding's ends are exchanged": fault(
        in_arguments(ends_exchanged), "window", "ends were exchanged", ("conv1d",), padding=((1, 2),)
    ),
    "padding's axes are exchanged": fault(
        reversed_axes("padding"),
        "window",
        "the padding's axes were",
        ("conv2d", "conv_transpose2d"),
        padding=(1, 2),
    ),
    # order
    "the kernel is flipped": fault(flipped(), "flipped", "flipped on"),
    "the kernel is flipped on one axis": fault(flipped(2), "flipped", "1 of", MANY_AXES),
    "the kernel's axes are swapped": fault(
        in_kernel(lambda w: w.swapaxes(2, 3)), "axes swapped", "order (1, 0", MANY_AXES
    ),
    "the result's axes are swapped": fault(
        in_result(lambda y: y.swapaxes(2, 3)), "axes swapped", "the output's axes", MANY_AXES
    ),
    "the input's axes are swapped": fault(
        in_input(lambda x: x.swapaxes(2, 3)), "axes swapped", "the input's axes", MANY_AXES
    ),
    "strides in reverse order": fault(
        reversed_axes("stride"),
        "axes swapped",
        "the stride is (2, 1), for (1, 2)",
        ("conv2d",),
        stride=(1, 2),
    ),
    "dilations in reverse order": fault(
        reversed_axes("dilation"),
        "axes swapped",
        "the dilation is (2, 1), for (1, 2)",
        ("conv_transpose2d",),
        dilation=(1, 2),
    ),
    "strides and dilations in reverse order": fault(
        reversed_axes("stride", "dilation"),
        "axes swapped",
        "(3, 1), for (1, 3), the dilation is (1, 2), for",
        ("conv2d",),
        stride=(1, 3),
        dilation=(2, 1),
    ),
    "the kernel's channels are swapped": fault(
        in_kernel(lambda w: w.swapaxes(0, 1)), "channels swapped", "swapped", groups=1
    ),
    "the result's channels are reversed": fault(in_result(lambda y: y[:, ::-1]), groups=1),
    "the input's groups are permuted": fault(in_input(rolled(2)), "groups permuted", "order (1, 0)"),
    "the input's groups are interleaved": fault(in_input(interleaved(2)), "groups permuted", "channel % 2"),
    "the result's groups are permuted": fault(in_result(rolled(2)), "groups permuted", "output"),
    "samples are swapped": fault(in_result(lambda y: y[::-1])),
    "every sample is the first": fault(in_result(first_sample_always), None, "the last of 2 samples"),
    "the input is read as channels last": fault(in_input(read_channels_last), "layout", "the input"),
    "the kernel is read as channels last": fault(in_kernel(read_channels_last), "layout", "the kernel"),
    "the channels-last result is reshaped": fault(in_result(read_channels_last), "layout", "the output"),
    "the result is channels last": fault(
        in_result(lambda y: np.moveaxis(y, 1, -1)), "layout", "channels last"
    ),
    # arguments
    "the bias is dropped": fault(in_bias(lambda _: None), "bias", "missing"),
    "the bias is added twice": fault(in_bias(lambda b: b + b), "bias", "twice"),
    "the bias is subtracted": fault(in_bias(np.negative), "bias", "subtracted"),
    "the bias is added with every tap": fault(in_bias(lambda b: 3 * b), "bias", "every tap", ("conv1d",)),
    "the bias is added along the last axis": fault(
        bias_along_last_axis, "bias", "along axis", ("conv2d", "conv3d")
    ),
    "the bias is added along the only axis": fault(
        bias_along_last_axis, "bias", "along axis 0", ("conv_transpose1d",), filters=18
    ),
    "the bias is in another order": fault(in_bias(lambda b: b[::-1])),
    "the stride is ignored": fault(
        without("stride", "output_padding"), "argument ignored", "the stride (2", TRANSPOSES
    ),
    "the stride is ignored in a convolution": fault(
        without("stride"), "argument ignored", "the stride (2", CONVS
    ),
    "the stride is ignored on the last axis": fault(
        without_on(-1, "stride"), "argument ignored", "on axis", MANY_AXES, dilation=2
    ),
    "the dilation is ignored": fault(without("dilation"), "argument ignored", "the dilation (2", dilation=2),
    "the dilation is ignored on the first axis": fault(
        without_on(0, "dilation"), "argument ignored", "on axis 0", dilation=2
    ),
    "the groups are ignored": fault(without_groups, "argument ignored", "the 2 groups"),
    "stride and dilation are exchanged": fault(
        exchanged("stride", "dilation"),
        "stride and dilation exchanged",
        "for (3",
        stride=3,
        dilation=2,
    ),
    "stride and padding are exchanged": fault(
        in_arguments(stride_for_padding),
        "arguments exchanged",
        "the stride is (1",
        stride=2,
        dilation=2,
    ),
    "groups and dilation are exchanged": fault(
        groups_for_dilation, "arguments exchanged", "the groups are 1 and the dilation 2", CONVS
    ),
    "the last tap is skipped": fault(in_kernel(without_last_tap)),
    "the mean is taken for the sum": fault(in_result(lambda y: y / 3), "scaled", "0.333333 times"),
    "the sign is lost": fault(in_result(np.negative), "scaled", "-1 times"),
    "a ReLU follows": fault(in_result(lambda y: np.maximum(y, 0))),
    # precision
    "one unit in the last place": fault(in_result(one_ulp), "numeric", "integers have to be exact"),
    "operands rounded to bfloat16": fault(
        in_operands(through(ml_dtypes.bfloat16)), "numeric", "operands are rounded to bfloat16", **REAL
    ),
    "operands rounded to float16": fault(
        in_operands(through(np.float16)), "numeric", "operands are rounded to float16", **REAL
    ),
    "the result rounded to bfloat16": fault(
        in_result(through(ml_dtypes.bfloat16)), "numeric", "result is rounded to bfloat16"
    ),
    "the result rounded to float16": fault(
        in_result(through(np.float16)), "numeric", "result is rounded to float16", **REAL
    ),
    "float32 sums accumulated in float16": fault(summed(through(np.float16)), **LONG_SUMS),
    "float32 sums accumulated in bfloat16": fault(summed(through(ml_dtypes.bfloat16)), **LONG_SUMS),
    "float64 computed in float32": fault(
        in_operands(through(np.float32)), "numeric", "float32", dtype="float64", **REAL
    ),
    "float32 cut to 18 bits": fault(in_result(truncated(18)), "numeric", "within the bound of", **REAL),
    "float64 cut to 32 bits": fault(
        in_result(truncated(32)), "numeric", "within the bound of", dtype="float64", **REAL
    ),
    "float16 sums cut off after each tap": fault(summed(truncated(6)), dtype="float16", **LONG_SUMS),
    "sums wrapped to 16 bits": fault(in_result(wrapped_to_16_bits)),
    "noise in the last bits": fault(
        in_result(lambda y: y * (1 + np.float32(2**-23))), "numeric", "integers have to be exact"
    ),
    # values and shapes
    "another dtype": fault(in_result(lambda y: y.astype(np.float64)), None, "dtype float64"),
    "a half type": fault(in_result(lambda y: y.astype(np.float16)), None, "dtype float16"),
    "no array": fault(in_result(lambda y: y.tolist()), None, "no array but list"),
    "one sample, broadcastable": fault(in_result(lambda y: y[:1]), None, "its shape is"),
    "one channel, broadcastable": fault(in_result(lambda y: y[:, :1]), None, "its shape is"),
    "one element, broadcastable": fault(in_result(lambda y: y.ravel()[:1]), None, "its shape is"),
    "zeros": fault(in_result(np.zeros_like), None, "unrelated"),
    "NaN somewhere": fault(in_result(spoilt(-1, -1, by=lambda y: y * np.nan)), None, "nan"),
    "one infinity": fault(in_result(spoilt(0, 0, ..., 0, by=lambda y: y + np.inf)), None, "inf"),
    "an uninitialised border": fault(in_result(junk_at_the_border), None, "elements differ"),
    "the last channel is wrong": fault(
        in_result(spoilt(np.s_[:], -1, by=lambda y: y + 1)), None, "only in the last of 4 channels"
    ),
    "one value in 10^4": fault(
        in_result(spoilt_one_in(10**4)), None, "2 of 28800", ("conv2d",), input=[4, 4, 60, 60], filters=8
    ),
    "one value in 10^4 of a transposed convolution": fault(
        in_result(spoilt_one_in(10**4)), None, "1 of 12800", ("conv_transpose2d",), input=[2, 4, 20, 20]
    ),
    "negative inputs are taken for zero": fault(in_input(lambda x: np.maximum(x, 0))),
    # memory
    "the input is overwritten before it is read": fault(overwriting(0, first=True), None, "changed x"),
    "the input is overwritten after it was read": fault(overwriting(0, first=False), None, "changed x"),
    "the kernel is overwritten before it is read": fault(overwriting(1, first=True), None, "changed w"),
    "the kernel is overwritten after it was read": fault(overwriting(1, first=False), None, "changed w"),
    "a view of the input is returned": fault(view_of_input, None, "unrelated", stride=1, output_padding=None),
}


def case_of(fault: Fault, op: str) -> Case:
    arguments = dict(fault.case)
    if op in CONVS:
        arguments.pop("output_padding", None)
    return typical(op, **arguments)
