"""Mistakes in the numbers of the arguments: one ignored, or two in each other's place."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from parity.cases.arrays import Array
from parity.cases.notation import format_axes
from parity.verdict.diagnosis.choices import choices
from parity.verdict.diagnosis.geometries import geometries
from parity.verdict.diagnosis.suspect import Output
from parity.verdict.reference import Reference


def ignored(result: Array, reference: Reference) -> Iterator[Output]:
    """Try no stride, or no dilation, on some axes or all; a dilation of one tap is none."""
    case = reference.case
    own = {
        "stride": case.stride,
        "dilation": tuple(d if taps > 1 else 1 for d, taps in zip(case.dilation, case.kernel, strict=True)),
    }
    for name, values in own.items():
        for chosen in choices([axis for axis, value in enumerate(values) if value > 1]):
            text = f"the {name} {getattr(case, name)} is ignored on {format_axes(chosen)}"
            others = {name: tuple(1 if axis in chosen else value for axis, value in enumerate(values))}
            for geometry in geometries(result, reference, **others):
                yield Output(text, reference.compute(geometry=geometry))


def stride_and_dilation(result: Array, reference: Reference) -> Iterator[Output]:
    """Try the stride taken for the dilation."""
    stride, dilation = reference.case.stride, reference.case.dilation
    if stride != dilation:
        text = f"the stride is {dilation} and the dilation {stride}, for {stride} and {dilation}"
        for geometry in geometries(result, reference, stride=dilation, dilation=stride):
            yield Output(text, reference.compute(geometry=geometry))


def exchanged(result: Array, reference: Reference) -> Iterator[Output]:
    """Try the stride or the dilation taken for the padding or the output padding."""
    own = reference.case.geometry
    pads = {"padding": own.before}
    if reference.case.transposed:
        pads["output padding"] = reference.case.explicit["output_padding"]
    for name, (what, pad) in itertools.product(("stride", "dilation"), pads.items()):
        numbers: tuple[int, ...] = getattr(own, name)
        if min(pad) and pad != numbers:
            others = {name: pad, "before": numbers if what == "padding" else own.before}
            text = f"the {name} is {pad} and the {what} {numbers}, for {numbers} and {pad}"
            for geometry in geometries(result, reference, **others):
                yield Output(text, reference.compute(geometry=geometry))
