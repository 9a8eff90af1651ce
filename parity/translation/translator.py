"""A layer of one framework as code in another, with its weights, proved by running both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, overload

from convmm.geometry import check_ints, kernel_extent, shorten, shown
from parity.cases.arrays import Arrays
from parity.cases.batch import batched
from parity.cases.case import Case, CaseError
from parity.cases.op import Op
from parity.cases.values.drawing import draw_arrays
from parity.frameworks.code.chain import Chain
from parity.frameworks.code.expression import Call, parse_call
from parity.frameworks.code.format import comment, formatted
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.script import Program, join
from parity.frameworks.interface import Framework
from parity.frameworks.spelling import Spelling
from parity.frameworks.table import all_frameworks, find_framework
from parity.frameworks.task import Submit, Task, Wait
from parity.records.result import Result
from parity.running import Run
from parity.translation.chain import ChainDraft, draft_chain
from parity.translation.given import given
from parity.translation.layers import check_sizes, choose, computing, lookalike, source_spelling
from parity.translation.proof import Pair, excusing, outcome
from parity.translation.result import Translation, faults
from parity.workers.shared import shared

_BATCH = 2
_FEW_RESIDUES = 4

_AROUND = ("weight_norm", "spectral_norm", "remove_weight_norm", "SpectralNormalization")
"""What people write around a layer for the making of its weights."""


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
        ours: the target's, which is one and the same, without the activation.
        program: the code.
    """

    call: Call
    source: Framework
    target: Framework
    reading: Reading
    cases: Sequence[Case]
    theirs: Sequence[Spelling]
    ours: Sequence[Spelling]
    program: Program

    @property
    def frameworks(self) -> list[Framework]:
        """Which are needed for the proof."""
        return list(dict.fromkeys((self.source, self.target)))

    def prove(self, submit: Submit) -> Translation:
        """Run both layers on every case; ``submit`` hands the frameworks their tasks."""
        pairs = [self._pair(*each, submit) for each in zip(self.cases, self.theirs, strict=True)]
        exact = self.reading.activation is None
        agreeing = [pair for pair in pairs if pair.agrees(exact=exact)]
        doubted = [
            (pair, self._excuses(pair, ours, submit))
            for pair, ours in zip(pairs, self.ours, strict=True)
            if not pair.agrees(exact=exact)
        ]
        failing = [pair for pair, excuses in doubted if not excuses]
        failures = [
            failure for pair in failing for failure in pair.failures(self.source.name, self.target.name)
        ]
        return Translation(
            source=self.call.text,
            target=self.target.name,
            spelling=self.ours[0].kind,
            code=self.program.text,
            outcome=outcome(agreeing, failing),
            sizes=tuple(case.input for case in self.cases),
            lookalike=lookalike(self.target, self.cases, submit),
            notes=tuple(dict.fromkeys((*self.reading.notes, *self.ours[0].remarks, *failures))),
            known=faults((pair.case.input, each) for pair, excuses in doubted for each in excuses),
        )

    def _excuses(self, pair: Pair, ours: Spelling, submit: Submit) -> list[Result]:
        """Return what excuses that a pair does not agree; without an activation, which the core has not."""
        waits = iter((lambda: pair.theirs, lambda: pair.ours))

        def given(found: Framework, task: Task) -> Wait:
            return submit(found, task) if self.reading.activation or task.fresh else next(waits)

        run = Run(pair.case, (), grad=False, submit=given)
        run.ask(self.source, computing(self.source, self.reading, pair.case))
        run.ask(self.target, ours)
        return excusing(run.finish().results)

    def _pair(self, case: Case, theirs: Spelling, submit: Submit) -> Pair:
        """Call both layers with the same input, and with the source layer's weights."""
        arrays = draw_arrays(case)
        kernel, *bias = theirs.convert(arrays.weights)
        given, due = Arrays(arrays.x, kernel, bias[0] if bias else None), prod(case.output_shape)
        waits = (
            submit(self.source, Task.of(theirs, arrays, fresh=True)),
            submit(self.target, Task(self.program, self.program.convert, given, due=due, fresh=True)),
        )
        first, second = waits
        return Pair(first(), second(), case)


Drafted = Draft | ChainDraft
"""What is written and not proved yet."""


@overload
def translate(  # type: ignore[overload-overlap] # a list is an object, too
    expression: list[Any] | tuple[Any, ...],
    to: str,
    input: Sequence[int] | None = None,
    channels: int | None = None,
    kernel_shape: Sequence[int] | None = None,
) -> list[Translation]: ...


@overload
def translate(
    expression: object,
    to: str,
    input: Sequence[int] | None = None,
    channels: int | None = None,
    kernel_shape: Sequence[int] | None = None,
) -> Translation: ...


def translate(
    expression: object,
    to: str,
    input: Sequence[int] | None = None,
    channels: int | None = None,
    kernel_shape: Sequence[int] | None = None,
) -> Translation | list[Translation]:
    """Write a layer in another framework, convert its weights, and prove that both compute the same.

    Both run in processes of their own, as :func:`parity.run` runs frameworks, which all calls share.

    Args:
        expression: a text, as of :func:`draft`; a layer of ``torch.nn`` or ``keras.layers`` itself, whose
            weights :meth:`Translation.load` puts into the new one; or a list of these, for a list of
            translations. Of a list nothing is run before all of it is read.
        to: as of :func:`draft`, like the others.
        input: for each of a list.
        channels: likewise.
        kernel_shape: likewise.

    Raises:
        ExpressionError: as :func:`draft`, or a text that names a whole model.
        LiveError: an object that is no layer, or none that can be read.
        FrameworkError: as :func:`draft`.
        GeometryError: as :func:`draft`.
    """
    several = isinstance(expression, list | tuple)
    typed = [given(each) for each in (expression if isinstance(expression, list | tuple) else [expression])]
    drafts = [draft(each.text, to, input, channels, kernel_shape) for each in typed]
    found = [
        replace(written.prove(shared().submit), weights=each.weights)
        for written, each in zip(drafts, typed, strict=True)
    ]
    return found if several else found[0]


def draft(
    expression: str,
    to: str,
    input: Sequence[int] | None = None,
    channels: int | None = None,
    kernel_shape: Sequence[int] | None = None,
    *,
    among: Sequence[Framework] | None = None,
) -> Drafted:
    """Write a layer in another framework; no framework is imported for it.

    Args:
        expression: the layer as people write it, such as ``nn.Conv2d(3, 8, 3, padding=1)``.
        to: the framework to write it in, such as "torch", "keras+channels_first" or "numpy".
        input: shape of the input, (N, C, *spatial), for a translation that need hold for no other size; one
            of (C, *spatial) is read as a batch of 1.
        channels: input channels, where the expression does not carry them and ``input`` is not given.
        kernel_shape: of the kernel's array, in the layout of the expression's framework, where the
            expression does not carry it.
        among: the frameworks that it may be of; None for all.

    Raises:
        ExpressionError: the expression is no layer that can be read or translated.
        FrameworkError: an unknown framework, or one that is not installed.
        GeometryError: an input that the layer cannot take.
    """
    shape = None if kernel_shape is None else _checked_shape(kernel_shape)
    call = replace(parse_call(expression), kernel_shape=shape)
    target = find_framework(to)
    readers = all_frameworks() if among is None else among
    chain = _chain(call, readers)
    if chain is not None:
        if shape is not None:
            raise call.error(
                f"kernel_shape={shown(shape)}: a chain's layers carry the shapes of their kernels"
            )
        return draft_chain(call, chain, target, input, channels)
    reading = _read(call, readers)
    input = reading.only_input if input is None else input
    if input is not None:
        input, said = batched(input, Op.of(reading.op).rank)
        reading = replace(reading, notes=(*reading.notes, *([said] if said else [])))
    count = channels if input is None else input[1]
    if count is not None:
        reading = reading.for_channels(count)
    source = find_framework(reading.framework)
    if reading.activation is not None and target.activation(reading.activation) is None:
        return draft_chain(call, source.read_chain(call), target, input, channels)
    cases = _cases(call, reading, input, channels)
    theirs = [source_spelling(call, source, reading, case) for case in cases]
    ours = choose(call, target, cases, any_size=input is None)
    check_sizes(call, [*theirs, *ours])
    program = Program(_code(call, source, target, reading, ours[0]))
    return Draft(call, source, target, reading, cases, theirs, ours, program)


def _checked_shape(kernel_shape: Sequence[int]) -> tuple[int, ...]:
    return check_ints("kernel_shape", kernel_shape, len(kernel_shape), minimum=0)


def _chain(call: Call, frameworks: Sequence[Framework]) -> Chain | None:
    """Read the chain that a call makes, by the framework that has one of this path; None of other calls."""
    named = [found for found in frameworks if call.name in found.links]
    if not named:
        return None
    fitting = [found for found in named if call.prefix in found.link_prefixes]
    return find_framework((fitting or named)[0].name).read_chain(call)


def _read(call: Call, frameworks: Sequence[Framework]) -> Reading:
    """Read the layer by the framework that has one of this path, or else the first with one of this name."""
    named = [found for found in frameworks if call.name in found.classes]
    fitting = next((found for found in named if found.reads(call)), None)
    owner = next((found for found in frameworks if call.prefix and call.prefix in found.prefixes), None)
    if fitting is None and (owner is not None or not named):
        known = dict.fromkeys(name for found in ([owner] if owner else frameworks) for name in found.classes)
        if call.name in _AROUND:
            raise call.error(
                f"{call.name} says how the weights of the layer within are made, and not what it computes "
                "of them: give that layer alone, and convert the weights that it has when it is called"
            )
        which = f"known of {call.prefix}" if owner else "known"
        raise call.error(f"{shorten(call.path)} is no layer that is known: {which} are {', '.join(known)}")
    fitting = fitting or named[0]
    if call.kernel_shape is not None and fitting.classes[call.name]:
        shape = ",".join(map(str, call.kernel_shape))
        raise call.error(f"kernel_shape={shape}: allowed beside an expression that does not carry it")
    return find_framework(fitting.name).read(call)


def _cases(call: Call, reading: Reading, shape: Sequence[int] | None, channels: int | None) -> list[Case]:
    """Return the layer on the given input, or on several that show every behaviour it has."""
    counts = {"input": shape[1] if shape and len(shape) > 1 else None, "channels": channels}
    stated = {name: count for name, count in counts.items() if count is not None}
    count = next((c for c in (reading.channels, *stated.values()) if c is not None), None)
    if count is None:
        raise call.error("the line does not carry the input channels: give --input N,C,… or --channels C")
    for name, other in stated.items():
        if other != count:
            last = name == "input" and shape is not None and shape[-1] == count
            hint = f": give the channels first, {_channels_first(shape)}" if last and shape else ""
            raise call.error(f"{name} says {other} input channels, and the layer {count}{hint}")
    try:
        given = [] if shape is None else [reading.on(shape)]
        cases = given or list(_probes(reading, count))
    except CaseError as error:
        raise call.error(str(error)) from None
    if 0 in cases[0].output_shape:
        least = ", ".join(map(str, reading.smallest))
        message = f"input={cases[0].input}: its output has no element; allowed are sizes from {least} on"
        raise call.error(message)
    return cases


def _channels_first(shape: Sequence[int]) -> str:
    """Write an input whose channels are last as it is to be given."""
    return ",".join(map(str, (shape[0], shape[-1], *shape[1:-1])))


def _probes(reading: Reading, channels: int) -> Iterator[Case]:
    """Yield inputs of every remainder by the stride, from the smallest on that has an output.

    Small ones may lie between the taps of a dilated kernel, and all outputs be zero: a large one follows.
    """
    strides, dilations = reading.arguments["stride"], reading.arguments["dilation"]
    largest = max(strides)
    offsets = (
        list(range(2 * largest + 2))
        if largest <= _FEW_RESIDUES
        else [0, 1, largest - 1, largest, largest + 1]
    )
    start = reading.smallest
    for number in range(len(offsets)):
        sizes = [size + offsets[(number + axis) % len(offsets)] for axis, size in enumerate(start)]
        yield reading.case(_BATCH, channels, sizes)
    if max(dilations) > 1:
        extents = map(kernel_extent, reading.arguments["kernel"], dilations)
        sizes = [size + extent + stride for size, extent, stride in zip(start, extents, strides, strict=True)]
        yield reading.case(_BATCH, channels, sizes)


def _code(call: Call, source: Framework, target: Framework, reading: Reading, chosen: Spelling) -> str:
    layer = chosen.layer.statements
    if reading.activation is not None:
        behind = target.activation(reading.activation)
        if behind is None:
            raise call.error(f"activation={reading.activation!r} has no twin in {target.name}")
        layer = f"{layer}\n{behind}"
    own = source.to_convmm if reading.to_convmm is None else reading.to_convmm
    imports = (*chosen.layer.imports, "numpy as np")
    script = join(imports, layer, chosen.convert.text(own))
    return formatted(f"{comment(call.text)}\n{script}")
