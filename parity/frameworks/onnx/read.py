"""Nodes as people write them: ``onnx.helper.make_node("ConvTranspose", ["x", "w"], ["y"], …)``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from convmm.geometry import GeometryError, check_ints, shown
from parity.cases.case import Case, CaseError
from parity.frameworks.code.expression import Bound, Call
from parity.frameworks.code.reading import Reading
from parity.frameworks.onnx.padding import (
    AUTO_PADS,
    NOTSET,
    SAME,
    SAME_LOWER,
    OfAxis,
    Written,
    same_convolution,
)
from parity.frameworks.onnx.spelling import Rules, meaning_of

_OPERATORS = ("Conv", "ConvTranspose")
_NAMES = ("op_type", "inputs", "outputs", "name", "doc_string", "domain", "overload")
_CONV = (*_NAMES, "auto_pad", "dilations", "group", "kernel_shape", "pads", "strides")
_CONV_TRANSPOSE = (*_CONV, "output_padding", "output_shape")
_DROPPED = ("name", "doc_string")
_KERNEL_SHAPE = "give --kernel-shape O,C/group,… (of ConvTranspose C,O/group,…)"


@dataclass(frozen=True)
class NodeReading(Reading):
    """A node whose window follows from the input's sizes as its engine reads it.

    Attributes:
        written: its padding.
        rules: of the engine.
    """

    written: Written | None = None
    rules: Rules | None = None

    def on(self, shape: Sequence[int]) -> Case:
        """Make the case of this node on an input of this shape, (N, C, *spatial).

        Raises:
            CaseError: as of any layer, or a node that the engine makes no layer of.
            GeometryError: sizes that the layer cannot take.
        """
        whole = super().on(shape)
        assert self.written is not None  # noqa: S101 - tells the type checker what `read` gives
        assert self.rules is not None  # noqa: S101
        return _windowed(whole, self.written, self.rules)

    @property
    def smallest(self) -> tuple[int, ...]:
        """The spatial sizes of the smallest input of which the node has an output."""
        return (1,) * len(self.arguments["kernel"])


def read(call: Call, framework: str, rules: Rules) -> Reading:
    """Read the node that a call makes, as a framework of these rules reads it.

    Raises:
        ExpressionError: an argument that is not the node's, out of its range, or out of this tool's reach.
    """
    operator = (
        call.arguments[0].value if call.arguments and call.arguments[0].name in {None, "op_type"} else None
    )
    transposed = operator == "ConvTranspose"
    bound = call.bind(_CONV_TRANSPOSE if transposed else _CONV)
    bound.choice("op_type", _OPERATORS, None)
    bound.choice("domain", (None, "", "ai.onnx"), None)
    inputs = _inputs(bound)
    shape = _kernel_shape(bound)
    rank = len(shape) - 2
    group = bound.number("group", 1)
    arguments: dict[str, Any] = {
        "filters": shape[1] * group if transposed else shape[0],
        "kernel": shape[2:],
        "stride": bound.numbers("strides", rank, default=1),
        "dilation": bound.numbers("dilations", rank, default=1),
        "groups": group,
        "bias": len(inputs) == len(("x", "w", "b")),
    }
    op = f"conv{'_transpose' if transposed else ''}{rank}d"
    channels = shape[0] if transposed else shape[1] * group
    written = _written(bound, rank, transposed=transposed)
    notes = tuple(
        f"{name} is left out: it does not change what the node computes"
        for name in _DROPPED
        if bound.value(name)
    )
    typed = bound.layer("onnx.helper")
    layer = type(typed)(f"onnx.helper:{call.name}", typed.positional, typed.keywords)
    if written.auto_pad in SAME and not transposed:
        arguments["padding"] = "same"  # as it is by SAME_UPPER, and by SAME_LOWER of the same size
    elif written.auto_pad not in SAME and written.axes[0].output_size is None:
        _add_padding(arguments, written, transposed=transposed)
    if "padding" not in arguments or written.auto_pad == SAME_LOWER:
        return NodeReading(
            framework, op, channels, arguments, layer, notes=notes, written=written, rules=rules
        )
    return Reading(framework, op, channels, arguments, layer, notes=notes)


def _add_padding(arguments: dict[str, Any], written: Written, *, transposed: bool) -> None:
    """Say a padding that is the same for inputs of every size."""
    arguments["padding"] = tuple(axis.pads or (0, 0) for axis in written.axes)
    added = tuple(axis.output_padding for axis in written.axes)
    if transposed and any(added):
        arguments["output_padding"] = added


def _windowed(case: Case, written: Written, rules: Rules) -> Case:
    axes = case.geometry.axes
    if case.transposed:
        windows = tuple(rules.reads(case, axis, of) for axis, of in zip(axes, written.axes, strict=True))
    else:
        windows = tuple(same_convolution(axis, written.auto_pad) for axis in axes)
    meaning = meaning_of(case, windows)
    if meaning is None:
        raise CaseError(
            f"input={case.input}: there the node's window is none of a layer; give --input for others"
        )
    refusal = rules.refusal(meaning, written)
    if refusal is not None and refusal.certain:
        raise CaseError(f"input={case.input}: the node is refused: {refusal.reason}")
    return meaning


def _inputs(bound: Bound) -> Sequence[str]:
    inputs = bound.required("inputs")
    if not isinstance(inputs, list | tuple) or len(inputs) not in {2, 3} or not all(inputs):
        raise bound.refuse("inputs", f"inputs={shown(inputs)}: allowed are the names of x, w and perhaps b")
    return inputs


def _kernel_shape(bound: Bound) -> tuple[int, ...]:
    """Return the shape of the kernel's array, of which the node has the spatial sizes at most."""
    shape = bound.call.kernel_shape
    if shape is None:
        raise bound.call.error(f"the line does not carry the kernel's shape: {_KERNEL_SHAPE}")
    if len(shape) - 2 not in (1, 2, 3):
        raise bound.call.error(f"kernel_shape={','.join(map(str, shape))}: {_KERNEL_SHAPE}")
    kernel = bound.value("kernel_shape")
    if kernel is not None and bound.numbers("kernel_shape", len(shape) - 2) != shape[2:]:
        raise bound.refuse(
            "kernel_shape",
            f"kernel_shape={shown(kernel)}: allowed is that of the kernel's array, {list(shape[2:])}",
        )
    return shape


def _written(bound: Bound, rank: int, *, transposed: bool) -> Written:
    auto_pad = bound.choice("auto_pad", AUTO_PADS, NOTSET)
    pads = _pads(bound, rank)
    if pads is not None and auto_pad != NOTSET:
        raise bound.refuse(
            "pads", f"pads={shown(bound.value('pads'))}: allowed without auto_pad={auto_pad!r}"
        )
    added = bound.numbers("output_padding", rank, minimum=0, default=0) if transposed else (0,) * rank
    sizes = bound.value("output_shape") if transposed else None
    output = (None,) * rank if sizes is None else bound.numbers("output_shape", rank, minimum=0)
    axes = zip([None] * rank if pads is None else pads, added, output, strict=True)
    return Written("", tuple(OfAxis(auto_pad, *axis) for axis in axes))


def _pads(bound: Bound, rank: int) -> list[tuple[int, int]] | None:
    value = bound.value("pads")
    if value is None:
        return None
    try:
        numbers = check_ints("pads", value, 2 * rank, minimum=0)
    except GeometryError:
        raise bound.refuse(
            "pads",
            f"pads={shown(value)}: allowed are {2 * rank} ints of at least 0, those before the axes first",
        ) from None
    return list(zip(numbers[:rank], numbers[rank:], strict=True))
