"""What the planner decides about a layer, in words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import DTypeLike, NDArray

from convmm.arithmetic import dtypes_for
from convmm.fast.plan import Call, Plan, Route, Sum, plan_for
from convmm.geometry import (
    Geometry,
    GeometryError,
    Ints,
    Padding,
    check_ints,
    check_padding_mode,
    conv_geometry,
    conv_transpose_geometry,
    shown,
)

Operation = Literal[
    "conv",
    "conv_transpose",
    "conv_input_grad",
    "conv_weight_grad",
    "conv_transpose_input_grad",
    "conv_transpose_weight_grad",
]

_SUMS: dict[Operation, Sum] = {
    "conv": "correlate",
    "conv_input_grad": "spread",
    "conv_weight_grad": "correlate_weights",
    "conv_transpose": "spread",
    "conv_transpose_input_grad": "correlate",
    "conv_transpose_weight_grad": "correlate_weights",
}

_ROUTES: dict[Route, str] = {
    "whole": "one product over the whole problem",
    "tiles": "unfold what the taps read, tile by tile, and multiply",
    "phases": "as tiles, once for each remainder that the output's places have by the stride",
    "scatter": "multiply, and add each tap's products to the outputs that they belong to",
    "patches": "multiply, and write the products as patches that do not overlap",
    "weights": "unfold what the taps read, tile by tile, and multiply with the other array",
}


def explain_plan(
    x_shape: Sequence[int],
    w_shape: Sequence[int],
    *,
    operation: Operation = "conv",
    dtype: DTypeLike = "float32",
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints | None = None,
    output_size: Ints | None = None,
    dilation: Ints = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> str:
    """Explain how a call would be computed: its route and why, what is unfolded, the tile, tasks and memory.

    The plan is the one that runs for arrays in C order. It follows from the arguments alone and not from the
    machine or the number of threads, and computes nothing.

    Args:
        x_shape: shape of the operation's input, (N, C, *spatial), also for its gradients.
        w_shape: shape of its kernel, (O, C/groups, *kernel), or (C, O/groups, *kernel) for transposed ones.
        operation: name of the function that is called.
        dtype: of the arrays. Integers are taken to be small enough for sums in float64.
        stride: elements of the larger grid from one element of the smaller to the next, per axis.
        padding: an int, one int per axis, one (before, after) pair per axis, "valid" or "same".
        output_padding: elements added at the end of each axis; for transposed operations only.
        output_size: spatial sizes of the output, in its place; for transposed operations only.
        dilation: elements of the larger grid from one kernel tap to the next, per axis.
        groups: number of separate groups that the channels fall into.
        padding_mode: what the padding is, as for ``conv``; for operations that are not transposed only.

    Returns:
        A text of several lines, without a newline at its end.

    Raises:
        GeometryError: arguments that describe no call; the message names which.
    """
    x, w = _shape("x_shape", x_shape), _shape("w_shape", w_shape)
    shared: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    sizes: dict[str, Any] = {"output_padding": output_padding, "output_size": output_size}
    if _is_transposed(operation):
        _check_zeros(operation, padding_mode)
        geometry = conv_transpose_geometry(x, w, **shared, **sizes)
    else:
        _check_absent(operation, sizes)
        geometry = conv_geometry(x, w, **shared, padding_mode=padding_mode)
    plan = describe(plan_of(operation, geometry, x[0], dtype))
    return "\n".join((f"{operation} of x {x}, w {w}", *_extension(operation, geometry), plan))


def _is_transposed(operation: str) -> bool:
    if operation not in get_args(Operation):
        msg = f"operation={shown(operation)}: allowed are {', '.join(get_args(Operation))}"
        raise GeometryError(msg)
    return operation.startswith("conv_transpose")


def plan_of(operation: Operation, geometry: Geometry, samples: int, dtype: DTypeLike) -> Plan:
    """Return the plan of an operation for so many samples in C order.

    Raises:
        GeometryError: a dtype that convmm does not compute.
    """
    empty = _empty(dtype)
    dtypes = dtypes_for(empty, empty, terms=0)
    is_source_run = empty.dtype == dtypes.working
    which = _SUMS[operation]
    if which == "spread" and geometry.padding_mode != "zeros":
        dtypes = dtypes.unrounded  # as it is folded next
    return plan_for(
        Call(which, geometry.extended, samples, dtypes.working, dtypes.result, is_source_run=is_source_run)
    )


def _extension(operation: Operation, geometry: Geometry) -> Iterator[str]:
    """Yield what is done beside the plan, which is that of the extended input."""
    if geometry.padding_mode == "zeros":
        return
    sizes = f"{_sizes(geometry.fine)} to {_sizes(geometry.extended.fine)}"
    done = {
        "correlate": f"x is extended from {sizes} elements first",
        "correlate_weights": f"x is extended from {sizes} elements first",
        "spread": f"the gradient is that by x extended from {sizes} elements, and folded last",
    }[_SUMS[operation]]
    yield f"  {'padding':12}{geometry.padding_mode}: {done}"


def describe(plan: Plan) -> str:
    """Return what a plan decides, in lines of a name and a text."""
    call = plan.call
    lines = [
        ("computed in", f"{call.working}, returned as {call.result}"),
        ("operations", f"{call.work:,} (floating point)"),
        ("route", f"{plan.route}: {_ROUTES[plan.route]}"),
        *(("because" if number == 0 else "", reason) for number, reason in enumerate(plan.because)),
        ("unfolded", _unfolded(plan)),
        ("tile", f"{plan.tile[0]} x {_sizes(plan.tile[1:])} (samples x places)"),
        ("tasks", f"{plan.tasks}, whatever the number of threads"),
        (
            "memory",
            f"about {plan.scratch:,} bytes per thread and {plan.shared:,} for all, beside what is given",
        ),
    ]
    return "\n".join(f"  {name:12}{text}" for name, text in lines)


def _unfolded(plan: Plan) -> str:
    axes = range(len(plan.call.geometry.axes))
    if not plan.unfolded:
        return "no axis"
    if len(plan.unfolded) == len(axes):
        return "all spatial axes"
    return (
        f"spatial axis {' and '.join(map(str, plan.unfolded))}; the taps of axis 0 are products of their own"
    )


def _sizes(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes))


def _shape(name: str, shape: object) -> tuple[int, ...]:
    if not isinstance(shape, Sequence) or isinstance(shape, str | bytes):
        text = f"an array of shape {np.shape(shape)}" if isinstance(shape, np.ndarray) else repr(shape)
        msg = f"{name}={text}: allowed is a sequence of ints"
        raise GeometryError(msg)
    return check_ints(name, shape, len(shape), minimum=0)


def _empty(dtype: DTypeLike) -> NDArray[Any]:
    if dtype == "bfloat16":  # unknown to NumPy until another package registers it
        with contextlib.suppress(ImportError):
            import ml_dtypes  # noqa: F401, PLC0415
    try:
        return np.empty(0, dtype)
    except TypeError:
        msg = (
            f"dtype={shown(dtype)}: allowed are float16, bfloat16 (with ml_dtypes), float32, "
            "float64, integers"
        )
        raise GeometryError(msg) from None


def _check_zeros(operation: str, padding_mode: str) -> None:
    if check_padding_mode(padding_mode) != "zeros":
        msg = (
            f"padding_mode={shown(padding_mode)} beside operation={shown(operation)}: allowed is 'zeros' for "
            "transposed operations"
        )
        raise GeometryError(msg)


def _check_absent(operation: str, arguments: Mapping[str, object]) -> None:
    for name, value in arguments.items():
        if value is not None:
            msg = (
                f"{name}={shown(value)} beside operation={shown(operation)}: allowed for "
                "transposed operations only"
            )
            raise GeometryError(msg)
