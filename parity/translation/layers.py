"""One layer on cases: its spelling in the source, in the target, and what people take it for there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

import msgspec

from parity.cases.case import Case
from parity.cases.notation import format_shape
from parity.frameworks.code.expression import Call
from parity.frameworks.code.reading import Reading
from parity.frameworks.interface import Framework
from parity.frameworks.known.registry import layers_of
from parity.frameworks.padding_modes import exact_by_mode
from parity.frameworks.spelling import Spelling, Unsupported
from parity.frameworks.task import Submit
from parity.running import run_with

MOST_ELEMENTS = 2**27
"""Of any array of a proof: the largest layers of known networks have kernels of 2**26 and some."""


def check_sizes(call: Call, layers: Sequence[Spelling]) -> None:
    """Refuse layers of arrays that would take long to draw, and to send, before anything is drawn.

    A kernel that has a dilation written into it counts with its zeros.
    """
    for case in (each.computes for each in layers):
        arrays = {"input": case.input, "output": case.output_shape, "kernel": case.kernel_shape}
        for what, shape in arrays.items():
            if prod(shape) > MOST_ELEMENTS:
                raise call.error(
                    f"the {what} of the proof is {format_shape(shape)}, {prod(shape)} elements: allowed "
                    f"are at most {MOST_ELEMENTS}"
                )


def source_spelling(call: Call, source: Framework, reading: Reading, case: Case) -> Spelling:
    """Return the layer that was typed, as it was typed."""
    own = computing(source, reading, case)
    if isinstance(own, Unsupported):
        raise call.error(own.reason)
    if own.refusal is not None and own.refusal.certain:
        raise call.error(f"{source.name} itself refuses this layer: {own.refusal.reason}")
    return replace(own, layer=reading.layer, convert=reading.from_convmm or own.convert)


def computing(source: Framework, reading: Reading, case: Case) -> Spelling | Unsupported:
    """Return the source's layer that was typed, or why there is none, without the activation."""
    own = reading.own(case)
    if own is not None:
        return own
    first, *others = layers_of(source, case)
    found = (each for each in (first, *others) if isinstance(each, Spelling) and each.kind != "lookalike")
    return next(found, first if isinstance(first, Unsupported) else Unsupported("it has no layer"))


def choose(call: Call, target: Framework, cases: Sequence[Case], *, any_size: bool) -> list[Spelling]:
    """Return one layer's spelling of each case: a native one if there is one, else an exact one."""
    idioms = [accepted_native(target, case, idiom=True) for case in cases]
    natives = [accepted_native(target, case) for case in cases]
    exacts = [next(iter(exact_by_mode(target, case, any_size=any_size)), None) for case in cases]
    for found in (idioms, natives, exacts):
        spellings = [spelling for spelling in found if spelling is not None]
        if len(spellings) == len(cases) and len(set(map(_written, spellings))) == 1:
            return spellings
    if any_size and any((*natives, *exacts)):
        raise call.error(
            f"{target.name} has no one layer for inputs of every size; give --input for one of them"
        )
    first = layers_of(target, cases[0])[0]
    reason = first.reason if isinstance(first, Unsupported) else first.refusal and first.refusal.reason
    raise call.error(f"{target.name} has no layer for it: {reason}")


def accepted_native(target: Framework, case: Case, *, idiom: bool = False) -> Spelling | None:
    """Return the first layer that means the case, or the one that people write, if it is not refused."""
    first, *others = layers_of(target, case)
    found = next((each for each in others if isinstance(each, Spelling) and each.is_idiom), None)
    own = found if idiom else first
    return own if isinstance(own, Spelling) and own.refusal is None else None


def _written(spelling: Spelling) -> object:
    return repr(spelling.layer), spelling.convert


def lookalike(target: Framework, cases: Sequence[Case], submit: Submit) -> dict[str, Any] | None:
    """Return what people take for the layer where there is no native one, and how far off it is."""
    for case in cases:
        if accepted_native(target, case) is not None:
            continue
        for result in run_with(case, [target], submit=submit).results:
            if result.spelling == "lookalike" and result.status == "ok":
                keys = ("layer", "relation", "offset", "shape", "max_abs_error", "reason")
                return {
                    **{key: msgspec.to_builtins(getattr(result, key)) for key in keys},
                    "input": list(case.input),
                }
    return None
