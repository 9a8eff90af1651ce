"""A layer of one framework as code in another, with its weights, proved by running both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from convmm.geometry import GeometryError, kernel_extent
from parity.adapters import Adapter, Framework, adapter, all_adapters
from parity.case import Case, CaseError
from parity.compare import compare
from parity.expression import Call, parse_call
from parity.layer import Layer
from parity.notation import format_shape
from parity.reading import Reading
from parity.run import run_with
from parity.script import execute, join
from parity.spelling import Spelling
from parity.values import Array, draw_arrays

_BATCH = 2
_FEW_RESIDUES = 4


@dataclass(frozen=True)
class Translation:
    """A layer's translation.

    Attributes:
        source: the expression.
        target: the framework.
        spelling: "native", a layer of the target alone, or "exact", layers put together.
        code: a complete script; executed, it leaves ``layer``, which takes the target's own input, and
            ``convert(weights)``, from the source layer's arrays to the list that the target's takes.
        verified: both layers were run on every one of ``sizes`` with the same values, and were identical
            (with an activation: close).
        sizes: shapes of the inputs, channels first, that they were run on.
        lookalike: what a port by names would have been, and how it differs; None where it is right.
        notes: what was left out of the expression, and why.
    """

    source: str
    target: str
    spelling: str
    code: str
    verified: bool
    sizes: tuple[tuple[int, ...], ...]
    lookalike: dict[str, Any] | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The translation as JSON has it."""
        return {
            "source": self.source,
            "target": self.target,
            "spelling": self.spelling,
            "code": self.code,
            "verified": self.verified,
            "sizes": [list(shape) for shape in self.sizes],
            "lookalike": self.lookalike,
            "notes": list(self.notes),
        }


def translate(
    expression: str, to: str, input: Sequence[int] | None = None, channels: int | None = None
) -> Translation:
    """Write a layer in another framework, convert its weights, and prove that both compute the same.

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
    target, source = adapter(to), _source(call)
    reading = source.read(call)
    cases = _cases(call, reading, input, channels)
    theirs = [_source_spelling(call, source, reading, case) for case in cases]
    chosen = _choose(call, target, cases, any_size=input is None)
    code = _code(call, source, target, reading, chosen)
    verified = all(
        _agree(source, spelling, target, code, case, exact=reading.activation is None)
        for spelling, case in zip(theirs, cases, strict=True)
    )
    return Translation(
        source=call.text,
        target=to,
        spelling=chosen.kind,
        code=code,
        verified=verified,
        sizes=tuple(case.input for case in cases),
        lookalike=_lookalike(target, cases),
        notes=reading.notes,
    )


def _source(call: Call) -> Framework:
    """The framework that has a layer of this name."""
    known = {name: found.NAME for found in all_adapters() for name in found.CLASSES}
    if call.name not in known:
        raise call.error(f"{call.path} is no layer that is known: known are {', '.join(known)}")
    return adapter(known[call.name])


def _cases(call: Call, reading: Reading, shape: Sequence[int] | None, channels: int | None) -> list[Case]:
    """The layer on the given input, or on several that show every behaviour it has."""
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
    """Inputs of every remainder by the stride, from the smallest on that the layer takes."""
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
    """The smallest size of each axis that the layer takes, and gives an output for."""
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


def _source_spelling(call: Call, source: Adapter, reading: Reading, case: Case) -> Spelling:
    """The layer that the expression is, in its own framework."""
    first = source.spell(case)[0]
    if not isinstance(first, Spelling):
        raise call.error(first.reason)
    if first.refusal is not None:
        raise call.error(f"{source.NAME} itself refuses this layer: {first.refusal.reason}")
    if reading.activation is None:
        return first
    layer = cast("Layer", first.layer)
    return replace(
        first, layer=replace(layer, keywords=(*layer.keywords, ("activation", reading.activation)))
    )


def _choose(call: Call, target: Framework, cases: Sequence[Case], *, any_size: bool) -> Spelling:
    """One spelling for all the cases: a native one if there is one, else an exact one."""
    natives = [_accepted_native(target, case) for case in cases]
    if natives[0] is not None and len(set(map(_written, natives))) == 1:
        return natives[0]
    exacts = [next(iter(target.exact(case, any_size=any_size)), None) for case in cases]
    if exacts[0] is not None and len(set(map(_written, exacts))) == 1:
        return exacts[0]
    raise call.error(f"{target.NAME} has no one layer for inputs of every size; give --input for one of them")


def _accepted_native(target: Adapter, case: Case) -> Spelling | None:
    first = target.spell(case)[0]
    return first if isinstance(first, Spelling) and first.refusal is None else None


def _written(spelling: Spelling | None) -> object:
    return spelling and (repr(spelling.layer), spelling.convert)


def _code(call: Call, source: Framework, target: Framework, reading: Reading, chosen: Spelling) -> str:
    layer = chosen.layer.statements
    if reading.activation is not None:
        behind = target.activation(reading.activation)
        if behind is None:
            raise call.error(f"activation={reading.activation!r} has no twin in {target.NAME}")
        layer = f"{layer}\n{behind}"
    convert = chosen.convert.text(source.TO_CONVMM)
    imports = (*chosen.layer.imports, *(("numpy as np",) if "np." in convert else ()))
    return f"# {call.text}\n" + join(imports, layer, convert)


def _agree(source: Adapter, theirs: Spelling, target: Adapter, code: str, case: Case, *, exact: bool) -> bool:
    """Whether both layers, given the same weights and input, give the same output."""
    arrays = draw_arrays(case)
    weights = theirs.convert(arrays.weights)
    expected = _call(source, theirs.layer.call, weights, arrays.x)
    target.load()
    names = execute(code)
    found = _call(target, lambda: names["layer"], names["convert"](weights), arrays.x)
    compared = compare(found, expected.astype(np.float64), case.dtype)
    return found.dtype == expected.dtype and bool(compared.exact if exact else compared.allclose)


def _call(framework: Adapter, layer: Callable[[], Any], weights: Sequence[Array], x: Array) -> Array:
    framework.load()
    return framework.call(layer(), weights, x.copy())


def _lookalike(target: Adapter, cases: Sequence[Case]) -> dict[str, Any] | None:
    """What people take for the layer where there is no native one, and how far off it is."""
    for case in cases:
        if _accepted_native(target, case) is not None:
            continue
        for result in run_with(case, [target]).results:
            if result.spelling == "lookalike" and result.status == "ok":
                keys = ("layer", "relation", "offset", "shape", "max_abs_error", "reason")
                return {**{key: result.to_dict()[key] for key in keys}, "input": list(case.input)}
    return None


def remarks(translation: Translation) -> list[str]:
    """What there is to say about a translation, in sentences."""
    lines = list(translation.notes)
    wrong = translation.lookalike
    if wrong:
        lines.append(
            f"not {wrong['layer']}: on an input of {format_shape(wrong['input'])} it gives "
            f"{format_shape(wrong['shape'])} and {wrong['reason']}; the largest error on small integers is "
            f"{wrong['max_abs_error']}"
        )
    shapes = ", ".join(format_shape(shape) for shape in translation.sizes)
    lines.append(
        f"{'verified' if translation.verified else 'NOT verified'} on inputs of sizes {shapes}: "
        f"{'identical' if translation.verified else 'different'}"
    )
    return lines
