"""A case's nodes: the one by ``pads``, the others that mean it, and those that people take for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Protocol

from convmm.geometry import Axis, GeometryError
from parity.cases.case import Case
from parity.frameworks.code.layer import Layer, layer
from parity.frameworks.code.script import Conversion
from parity.frameworks.onnx.padding import (
    SAME_UPPER,
    OfAxis,
    Window,
    Written,
    by_pads,
    convolutions,
    transposed,
)
from parity.frameworks.spelling import Kind, Refusal, Spelling, windows_agree

MAKE_NODE = "onnx.helper:make_node"


class Rules(Protocol):
    """How an engine reads a node, and what it refuses."""

    def reads(self, case: Case, axis: Axis, of: OfAxis) -> Window | None:
        """Return the window that a transposed node computes on an axis; None where there is none."""

    def refusal(self, case: Case, written: Written) -> Refusal | None:
        """Return what it raises for a node with these attributes, whose meaning the case is."""


def spellings(case: Case, rules: Rules) -> list[Spelling]:
    """Return the node by ``pads`` first, then all others that mean the case, or have its shape.

    Of a convolution whose padding is "same" the node by SAME_UPPER, which says it for inputs of any size,
    goes first where the engine takes it.
    """
    found = by_numbers(case, rules)
    others = _convolutions(case) if not case.transposed else _transposed(case, rules)
    for written, meaning in others:
        if meaning is not None and meaning.output_shape == case.output_shape:
            found.append(_spelling(case, meaning, written, rules))
    return _first_by_its_word(case, found) if case.padding == "same" and not case.transposed else found


def by_numbers(case: Case, rules: Rules) -> list[Spelling]:
    """Return the node by ``pads``, and ``output_padding``."""
    return [_spelling(case, case, by_pads(case), rules)]


def meaning_of(case: Case, windows: tuple[Window | None, ...]) -> Case | None:
    """Return the case of a node with these windows, or None where no case is so."""
    known = [window for window in windows if window is not None]
    if len(known) < len(windows) or any(window.begin < 0 for window in known):
        return None
    ends = [_after(case, axis, window) for axis, window in zip(case.geometry.axes, known, strict=True)]
    pads = [(window.begin, max(end, 0)) for window, end in zip(known, ends, strict=True)]
    try:
        if not case.transposed:
            return case.padded(pads, None)
        return case.padded(pads, [max(-end, 0) for end in ends])
    except GeometryError:
        return None


def node(case: Case, written: Written, x: str = "x") -> Layer:
    """Return the text of a case's node with these attributes for its padding, of an input of this name."""
    attributes: dict[str, Any] = {"kernel_shape": list(case.kernel), "strides": list(case.stride)}
    if set(case.dilation) != {1}:
        attributes["dilations"] = list(case.dilation)
    if case.groups > 1:
        attributes["group"] = case.groups
    attributes |= written.attributes
    operator = "ConvTranspose" if case.transposed else "Conv"
    inputs = [x, "w", "b"] if case.bias else [x, "w"]
    return layer(MAKE_NODE, operator, inputs, ["y"], **attributes)


def exact(case: Case, rules: Rules) -> list[Spelling]:
    """Return a node of a kernel with zeros after its taps, by which no output padding reaches the stride.

    The response is longer by the zeros, and ``pads`` cut it off: one node still, for inputs of any size. But
    not of infinite elements, of which a zero makes NaN.
    """
    if not case.transposed or case.values == "special" or 0 in case.output_shape or 0 in case.input:
        return []
    axes = case.geometry.axes
    taps = [max(-((axis.after + axis.stride - 1) // axis.dilation), 0) for axis in axes]
    if not any(taps):
        return []
    ends = [axis.after + more * axis.dilation for axis, more in zip(axes, taps, strict=True)]
    inside = replace(
        case,
        kernel=tuple(axis.kernel + more for axis, more in zip(axes, taps, strict=True)),
        padding=tuple((axis.before, max(end, 0)) for axis, end in zip(axes, ends, strict=True)),
        output_padding=tuple(max(-end, 0) for end in ends),
    )
    written = by_pads(inside)
    refusal = rules.refusal(inside, written)
    if refusal is not None and refusal.certain:
        return []
    zeros = ", ".join(f"(0, {more})" for more in taps)
    convert = Conversion(
        (f"kernel = np.pad(kernel, ((0, 0), (0, 0), {zeros}))", "converted = [kernel, *bias]"),
    )
    return [Spelling("exact", node(inside, written), case, refusal, convert, inside=inside)]


def _spelling(case: Case, meaning: Case, written: Written, rules: Rules) -> Spelling:
    kind: Kind = "native" if windows_agree(case, meaning) else "lookalike"
    refusal = rules.refusal(meaning, written)
    return Spelling(kind, node(case, written), meaning, refusal, variant=written.variant)


def _convolutions(case: Case) -> Iterator[tuple[Written, Case | None]]:
    for written, windows in convolutions(case):
        yield written, meaning_of(case, windows)


def _transposed(case: Case, rules: Rules) -> Iterator[tuple[Written, Case | None]]:
    for written in transposed(case, lambda axis, of: rules.reads(case, axis, of)):
        windows = [
            rules.reads(case, axis, of) for axis, of in zip(case.geometry.axes, written.axes, strict=True)
        ]
        yield written, meaning_of(case, tuple(windows))


def _first_by_its_word(case: Case, found: list[Spelling]) -> list[Spelling]:
    pads, *others = found
    upper = next((each for each in others if each.variant == f"auto_pad={SAME_UPPER}"), None)
    if upper is None or upper.kind != "native" or upper.refusal is not None:
        return found
    rest = [each for each in others if each is not upper]
    return [replace(upper, variant="", meaning=case), replace(pads, variant="pads"), *rest]


def _after(case: Case, axis: Axis, window: Window) -> int:
    """Return what is left of the response behind the window, or the zeros that it reads behind the input."""
    if case.transposed:
        return axis.full - window.begin - window.size
    return (window.size - 1) * axis.stride + axis.extent - axis.fine - window.begin
