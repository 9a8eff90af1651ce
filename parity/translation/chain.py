"""Chains of layers, each translated, and the whole proved: both chains run on the same inputs and weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from parity.cases.arrays import Arrays
from parity.cases.batch import batched
from parity.cases.notation import format_shape
from parity.cases.op import Op
from parity.frameworks.code.chain import Chain, Written
from parity.frameworks.code.expression import Call
from parity.frameworks.code.layer import Layer
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.script import Program
from parity.frameworks.code.steps import Identity, Step, StepError
from parity.frameworks.interface import Framework
from parity.frameworks.spelling import Spelling, Unsupported
from parity.frameworks.table import find_framework
from parity.frameworks.task import Submit, Task
from parity.records.result import Result
from parity.running import Run
from parity.translation.layers import (
    MOST_ELEMENTS,
    check_sizes,
    choose,
    computing,
    lookalike,
    source_spelling,
)
from parity.translation.proof import Answers, excusing, outcome
from parity.translation.result import Translation, faults
from parity.translation.twins import WrittenTwin, find_twins, write_twin
from parity.translation.walk import Parts, Walk, walks
from parity.translation.weights import Unpacked, draw, pack
from parity.translation.writing import code, slices, to_convmm


@dataclass(frozen=True)
class _Run:
    """Both chains on one input.

    Attributes:
        answers: what became of them.
        is_equal: whether their outputs are equal, to the bit or within tolerances.
        is_exact: whether they had to be to the bit.
    """

    answers: Answers
    is_equal: bool
    is_exact: bool


@dataclass(frozen=True)
class ChainDraft:
    """A chain's translation that is written and not proved yet.

    Attributes:
        call: the expression.
        source: whose layers they are.
        target: what they are translated to.
        parts: what the chain does.
        dtype: that all of it computes in.
        layer: the very layers that were typed.
        walks: the inputs on which the two are to be compared.
        theirs: the source's spellings of each convolution on these inputs, by its number.
        ours: the target's.
        program: the code.
        notes: what there is to say of it.
        spelling: "exact" where a layer of the target is put together, else "native".
    """

    call: Call
    source: Framework
    target: Framework
    parts: Parts
    dtype: str
    layer: Layer
    walks: Sequence[Walk]
    theirs: dict[int, list[Spelling]]
    ours: dict[int, list[Spelling]]
    program: Program
    notes: tuple[str, ...]
    spelling: str

    @property
    def frameworks(self) -> list[Framework]:
        """Which are needed for the proof."""
        return list(dict.fromkeys((self.source, self.target)))

    def prove(self, submit: Submit) -> Translation:
        """Run both chains on every input; ``submit`` hands the frameworks their tasks."""
        runs = [self._run(number, submit) for number in range(len(self.walks))]
        equal = [run.is_equal for run in runs]
        doubted = {number: self._excuses(number, submit) for number, agrees in enumerate(equal) if not agrees}
        failing = [runs[number].answers for number, excuses in doubted.items() if not excuses]
        failures = [each for found in failing for each in found.failures(self.source.name, self.target.name)]
        return Translation(
            source=self.call.text,
            target=self.target.name,
            spelling=self.spelling,
            code=self.program.text,
            outcome=outcome((run.answers for run in runs if run.is_equal), failing),
            sizes=tuple(walk.input for walk in self.walks),
            lookalike=self._lookalike(submit),
            notes=(*self.notes, *dict.fromkeys(failures)),
            known=faults(
                (self.walks[number].input, each) for number, excuses in doubted.items() for each in excuses
            ),
            exact=all(run.is_exact for run in runs),
        )

    def _run(self, number: int, submit: Submit) -> _Run:
        """Call both chains with the same input and the source's weights."""
        walk = self.walks[number]
        drawn = draw(self.parts, walk.input, walk.cases, self.dtype)
        weights = [
            array
            for part, arrays in drawn.weights.items()
            for array in self.theirs[part][number].convert(arrays)
        ]
        flat, shapes = pack(weights, self.dtype)
        given, due = Arrays(drawn.x, flat, None), max(map(prod, walk.shapes))
        waits = (
            submit(self.source, Task(self.layer, Unpacked(shapes), given, due=due, fresh=True)),
            submit(
                self.target, Task(self.program, Unpacked(shapes, self.program), given, due=due, fresh=True)
            ),
        )
        theirs, ours = (wait() for wait in waits)
        answers, rounded = Answers(theirs, ours), 0 if drawn.is_exact else len(self.parts)
        return _Run(answers, answers.are_equal(self.dtype, rounded=rounded), drawn.is_exact)

    def _excuses(self, number: int, submit: Submit) -> list[Result]:
        """Return what excuses that the chains differ: what is known of a convolution, and seen of it."""
        results: list[Result] = []
        for part, ours in self.ours.items():
            reading, case = self.parts[part], self.walks[number].cases[part]
            assert isinstance(reading, Reading)  # noqa: S101 - a part with a spelling is a convolution
            run = Run(case, (), grad=False, submit=submit)
            run.ask(self.source, computing(self.source, reading, case))  # the typed one has an activation
            run.ask(self.target, ours[number])
            results += run.finish().results
        return excusing(results)

    def _lookalike(self, submit: Submit) -> dict[str, object] | None:
        """Return what people take for the first of the layers that has no native twin, if there is one."""
        for number, spellings in self.ours.items():
            if spellings[0].kind != "native":
                found = lookalike(self.target, [walk.cases[number] for walk in self.walks], submit)
                if found is not None:
                    return found
        return None


def draft_chain(
    call: Call, chain: Chain, target: Framework, input: Sequence[int] | None, channels: int | None
) -> ChainDraft:
    """Write a chain in another framework.

    Args:
        call: the expression.
        chain: what it says.
        target: the framework to write it in.
        input: as of ``draft``.
        channels: as of ``draft``.

    Raises:
        ExpressionError: a chain that no input goes through, or a layer of it that has no twin.
        FrameworkError: its framework is not installed.
    """
    source = find_framework(chain.framework)
    parts = [part for link in chain.links for part in link.parts] or [Identity()]
    dtype = _dtype(call, chain)
    input, said = _with_batch(parts, input)
    on = walks(call, chain, parts, input, channels)
    _check_elements(call, on)
    fixed = input is not None or len(on) == 1
    steps = {
        number: _write(call, target, part, [walk.shapes[number] for walk in on], dtype)
        for number, part in enumerate(parts)
        if isinstance(part, Step)
    }
    if len(parts) > 1 and (reason := target.why_no_chains()) is not None:
        raise call.error(f"a chain of {len(parts)} has no twin in {target.name}: {reason}")
    theirs: dict[int, list[Spelling]] = {}
    ours: dict[int, list[Spelling]] = {}
    for number, part in enumerate(parts):
        if isinstance(part, Reading):
            cases = [walk.cases[number] for walk in on]
            theirs[number] = [source_spelling(call, source, part, case) for case in cases]
            ours[number] = choose(call, target, cases, any_size=not fixed)
            check_sizes(call, [*theirs[number], *ours[number]])
    written = [steps[number] if number in steps else ours[number][0] for number in range(len(parts))]
    typed = [link.layer for link in chain.links if link.layer is not None]
    notes = [*said, *(note for link in chain.links for note in link.notes)]
    notes += [part.trap for part in parts if isinstance(part, Step) and part.trap is not None]
    twins = _twins(call, source, target, parts, on)
    notes += [twin.note for twin in twins]
    functions = [twin.function for twin in twins]
    is_exact = any(each.kind == "exact" for each in written)
    return ChainDraft(
        call=call,
        source=source,
        target=target,
        parts=parts,
        dtype=dtype,
        layer=source.sequence(typed or _identity(source, on[0].input, dtype)),
        walks=on,
        theirs=theirs,
        ours=ours,
        program=Program(code(call, source, target, parts, written, functions)),
        notes=tuple(dict.fromkeys(notes)),
        spelling="exact" if is_exact else "native",
    )


def _with_batch(parts: Parts, shape: Sequence[int] | None) -> tuple[Sequence[int] | None, list[str]]:
    """Return the input with a batch, which may be left out before a convolution, and what there is to say."""
    ranks = [Op.of(part.op).rank for part in parts if isinstance(part, Reading)]
    if shape is None or not ranks:
        return shape, []
    whole, said = batched(shape, ranks[0])
    return whole, [said] if said else []


def _twins(
    call: Call, source: Framework, target: Framework, parts: Parts, on: Sequence[Walk]
) -> list[WrittenTwin]:
    """Write the transposed convolutions that links of the chain are, with their weights."""
    places = slices(parts)
    written: list[WrittenTwin | None] = []
    for twin in find_twins(parts, on):
        reading = parts[twin.number]
        assert isinstance(reading, Reading)  # noqa: S101 - a twin's number is that of a convolution
        name = f"convert_to_transposed{f'_{len(written) + 1}' if written else ''}"
        own = to_convmm(source, reading)
        written.append(write_twin(call, target, twin, name, places[twin.number], own))
    return [twin for twin in written if twin is not None]


def _identity(source: Framework, shape: tuple[int, ...], dtype: str) -> tuple[Layer, ...]:
    """Return what a chain of nothing that computes does."""
    written = source.write_step(Identity(), shape, dtype)
    return written.layers if isinstance(written, Written) else ()


def _dtype(call: Call, chain: Chain) -> str:
    dtypes = list(dict.fromkeys(link.dtype for link in chain.links if link.dtype is not None))
    if len(dtypes) > 1:
        raise call.error(f"dtype: the layers compute in {' and '.join(dtypes)}, and allowed is one")
    return dtypes[0] if dtypes else "float32"


def _check_elements(call: Call, on: Sequence[Walk]) -> None:
    """Refuse what would take long to compute, and to send, before anything is drawn."""
    largest = max((shape for walk in on for shape in walk.shapes), key=prod)
    if prod(largest) > MOST_ELEMENTS:
        raise call.error(
            f"an array of the proof is {format_shape(largest)}, {prod(largest)} elements: allowed are at "
            f"most {MOST_ELEMENTS}"
        )


def _write(
    call: Call, target: Framework, step: Step, shapes: Sequence[tuple[int, ...]], dtype: str
) -> Written:
    """Return a step as the target's layer, which has to be one for all shapes."""
    try:
        found = [target.write_step(step, shape, dtype) for shape in shapes]
    except StepError as error:
        raise call.error(str(error)) from None
    first = found[0]
    if isinstance(first, Unsupported):
        raise call.error(f"{step.kind} has no twin in {target.name}: {first.reason}")
    if any(each != first for each in found):
        raise call.error(f"{step.kind} has no one twin in {target.name} for every size; give --input for one")
    return first
