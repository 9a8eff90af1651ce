"""A layer of one framework as code in another, with its weights, proved by running both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import msgspec

from convmm.geometry import GeometryError, kernel_extent
from parity.cases.arrays import Arrays
from parity.cases.case import Case, CaseError
from parity.cases.drawing import draw_arrays
from parity.frameworks.code.expression import Call, parse_call
from parity.frameworks.code.layer import Layer
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.script import Program, join
from parity.frameworks.interface import Framework
from parity.frameworks.known.registry import layers_of
from parity.frameworks.spelling import Spelling, Unsupported
from parity.frameworks.table import all_frameworks, find_framework
from parity.frameworks.task import Submit, Task, Wait
from parity.running import run_with
from parity.translation.result import Pair, Translation
from parity.workers.shared import shared

_BATCH = 2
_FEW_RESIDUES = 4


@dataclass(frozen=True)
class Draft:
    """A translation that is written and not proved yet.

    Attributes:
        call: the expression.
        source: whose layer it is.
        target: what it is translated to.
        reading: what the expression says.
        cases: on which the two are to be compared.
        theirs: the source's layer, for each case.
        chosen: the target's.
        program: the code.
    """

    call: Call
    source: Framework
    target: Framework
    reading: Reading
    cases: Sequence[Case]
    theirs: Sequence[Spelling]
    chosen: Spelling
    program: Program

    @property
    def frameworks(self) -> list[Framework]:
        """Which are needed for the proof."""
        return list(dict.fromkeys((self.source, self.target)))

    def prove(self, submit: Submit) -> Translation:
        """Run both layers on every case; ``submit`` hands the frameworks their tasks."""
        waits = [self._ask(*each, submit) for each in zip(self.cases, self.theirs, strict=True)]
        pairs = [Pair(case, theirs(), ours()) for case, (theirs, ours) in zip(self.cases, waits, strict=True)]
        exact = self.reading.activation is None
        failures = [
            failure for pair in pairs for failure in pair.failures(self.source.name, self.target.name)
        ]
        return Translation(
            source=self.call.text,
            target=self.target.name,
            spelling=self.chosen.kind,
            code=self.program.text,
            verified=all(pair.agrees(exact=exact) for pair in pairs),
            sizes=tuple(case.input for case in self.cases),
            lookalike=_lookalike(self.target, self.cases, submit),
            notes=(*self.reading.notes, *dict.fromkeys(failures)),
            crashed=any(pair.crashed for pair in pairs),
        )

    def _ask(self, case: Case, theirs: Spelling, submit: Submit) -> tuple[Wait, Wait]:
        """Have both layers called with the same input, and with the source layer's weights."""
        arrays = draw_arrays(case)
        kernel, *bias = theirs.convert(arrays.weights)
        ours = Arrays(arrays.x, kernel, bias[0] if bias else None)
        return (
            submit(self.source, Task.of(theirs, arrays)),
            submit(self.target, Task(self.program, self.program.convert, ours)),
        )


def translate(
    expression: str, to: str, input: Sequence[int] | None = None, channels: int | None = None
) -> Translation:
    """Write a layer in another framework, convert its weights, and prove that both compute the same.

    Both run in processes of their own, as :func:`parity.run` runs frameworks.

    The arguments and errors are those of :func:`draft`.
    """
    return draft(expression, to, input, channels).prove(shared().submit)


def draft(expression: str, to: str, input: Sequence[int] | None = None, channels: int | None = None) -> Draft:
    """Write a layer in another framework; no framework is imported for it.

    Args:
        expression: the layer as people write it, such as ``nn.Conv2d(3, 8, 3, padding=1)``.
        to: the framework to write it in: "torch", "keras" or "numpy".
        input: shape of the input, (N, C, *spatial), for a translation that need hold for no other size.
        channels: input channels, where the expression does not carry them and ``input`` is not given.

    Raises:
        ExpressionError: the expression is no layer that can be read or translated.
        FrameworkError: an unknown framework, or one that is not installed.
        GeometryError: an input that the layer cannot take.
    """
    call = parse_call(expression)
    target, source = find_framework(to), _source(call)
    reading = source.read(call)
    cases = _cases(call, reading, input, channels)
    theirs = [_source_spelling(call, source, reading, case) for case in cases]
    chosen = _choose(call, target, cases, any_size=input is None)
    program = Program(_code(call, source, target, reading, chosen))
    return Draft(call, source, target, reading, cases, theirs, chosen, program)


def _source(call: Call) -> Framework:
    """Return the framework that has a layer of this name."""
    known = {name: found.name for found in all_frameworks() for name in found.classes}
    if call.name not in known:
        raise call.error(f"{call.path} is no layer that is known: known are {', '.join(known)}")
    return find_framework(known[call.name])


def _cases(call: Call, reading: Reading, shape: Sequence[int] | None, channels: int | None) -> list[Case]:
    """Return the layer on the given input, or on several that show every behaviour it has."""
    given = {"input": shape[1] if shape and len(shape) > 1 else None, "channels": channels}
    stated = {name: count for name, count in given.items() if count is not None}
    count = next((c for c in (reading.channels, *stated.values()) if c is not None), None)
    if count is None:
        raise call.error("the line does not carry the input channels: give --input N,C,… or --channels C")
    for name, other in stated.items():
        if other != count:
            raise call.error(f"{name} says {other} input channels, and the layer {count}")
    try:
        if shape is not None:
            return [Case(reading.op, shape, **reading.arguments)]
        return list(_probes(reading, count))
    except CaseError as error:
        raise call.error(str(error)) from None


def _probes(reading: Reading, channels: int) -> Iterator[Case]:
    """Yield inputs of every remainder by the stride, from the smallest on that the layer takes."""
    strides, rank = reading.arguments["stride"], int(reading.op[-2])
    largest = max(strides)
    offsets = (
        list(range(2 * largest + 2))
        if largest <= _FEW_RESIDUES
        else [0, 1, largest - 1, largest, largest + 1]
    )
    start = _smallest(reading, channels)
    for number in range(len(offsets)):
        sizes = [start[axis] + offsets[(number + axis) % len(offsets)] for axis in range(rank)]
        yield reading.case(_BATCH, channels, sizes)


def _smallest(reading: Reading, channels: int) -> list[int]:
    """Return the smallest size of each axis that the layer takes, and gives an output for."""
    extents = [
        kernel_extent(k, d)
        for k, d in zip(reading.arguments["kernel"], reading.arguments["dilation"], strict=True)
    ]
    sizes = [1] * len(extents)
    for axis, extent in enumerate(extents):
        others = [max(extents)] * len(extents)
        for size in range(1, extent + 1):
            sizes[axis] = others[axis] = size
            try:
                if 0 not in reading.case(1, channels, others).output_shape:
                    break
            except GeometryError:
                continue
    return sizes


def _source_spelling(call: Call, source: Framework, reading: Reading, case: Case) -> Spelling:
    """Return the layer that the expression is, in its own framework."""
    first = layers_of(source, case)[0]
    if not isinstance(first, Spelling):
        raise call.error(first.reason)
    if first.refusal is not None:
        raise call.error(f"{source.name} itself refuses this layer: {first.refusal.reason}")
    if reading.activation is None:
        return first
    layer = cast("Layer", first.layer)
    return replace(
        first, layer=replace(layer, keywords=(*layer.keywords, ("activation", reading.activation)))
    )


def _choose(call: Call, target: Framework, cases: Sequence[Case], *, any_size: bool) -> Spelling:
    """Return one spelling for all the cases: a native one if there is one, else an exact one."""
    natives = [_accepted_native(target, case) for case in cases]
    if natives[0] is not None and len(set(map(_written, natives))) == 1:
        return natives[0]
    exacts = [next(iter(target.exact(case, any_size=any_size)), None) for case in cases]
    if exacts[0] is not None and len(set(map(_written, exacts))) == 1:
        return exacts[0]
    if any_size:
        raise call.error(
            f"{target.name} has no one layer for inputs of every size; give --input for one of them"
        )
    first = layers_of(target, cases[0])[0]
    reason = first.reason if isinstance(first, Unsupported) else first.refusal and first.refusal.reason
    raise call.error(f"{target.name} has no layer for it: {reason}")


def _accepted_native(target: Framework, case: Case) -> Spelling | None:
    first = layers_of(target, case)[0]
    return first if isinstance(first, Spelling) and first.refusal is None else None


def _written(spelling: Spelling | None) -> object:
    return spelling and (repr(spelling.layer), spelling.convert)


def _code(call: Call, source: Framework, target: Framework, reading: Reading, chosen: Spelling) -> str:
    layer = chosen.layer.statements
    if reading.activation is not None:
        behind = target.activation(reading.activation)
        if behind is None:
            raise call.error(f"activation={reading.activation!r} has no twin in {target.name}")
        layer = f"{layer}\n{behind}"
    convert = chosen.convert.text(source.to_convmm)
    imports = (*chosen.layer.imports, *(("numpy as np",) if "np." in convert else ()))
    return f"# {call.text}\n" + join(imports, layer, convert)


def _lookalike(target: Framework, cases: Sequence[Case], submit: Submit) -> dict[str, Any] | None:
    """Return what people take for the layer where there is no native one, and how far off it is."""
    for case in cases:
        if _accepted_native(target, case) is not None:
            continue
        for result in run_with(case, [target], submit=submit).results:
            if result.spelling == "lookalike" and result.status == "ok":
                keys = ("layer", "relation", "offset", "shape", "max_abs_error", "reason")
                return {
                    **{key: msgspec.to_builtins(getattr(result, key)) for key in keys},
                    "input": list(case.input),
                }
    return None
