"""One case through all frameworks."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.cases.memory import bytes_needed, check_memory
from parity.cases.own import NONE, OwnArrays, Source, arrays_of, own_arrays
from parity.frameworks.asking import asking
from parity.frameworks.contestants import contestants
from parity.frameworks.function import Implementation
from parity.frameworks.interface import Framework
from parity.frameworks.known.divergences import Divergence, explain_known
from parity.frameworks.known.registry import known_of, layers_of
from parity.frameworks.spelling import Mistaken, Spelling, Unsupported
from parity.frameworks.task import Answer, Submit, Wait, here
from parity.frameworks.turns import Turns
from parity.records.result import CaseResult, Result
from parity.verdict.gradients import Backward, make_backward
from parity.verdict.judge import (
    About,
    Judged,
    compare_pairs,
    gradient_results,
    invalid,
    told_apart,
    unsupported,
    value_result,
)
from parity.verdict.prediction import predict
from parity.verdict.reference import Reference, make_reference
from parity.workers.shared import shared


def run(
    case: Case,
    frameworks: Sequence[str] | None = None,
    *,
    impl: Callable[..., Any] | str | Implementation | None = None,
    impl_grad: Callable[..., Any] | str | None = None,
    mode: str | None = None,
    arrays: str | None = None,
    programs: Sequence[str] = (),
    grad: bool = False,
    divergences: Sequence[Divergence] = (),
    isolated: bool = True,
    x: Source | None = None,
    w: Source | None = None,
    bias: Source | None = None,
) -> CaseResult:
    """Run one case through the frameworks and compare every result with the NumPy core's.

    Each framework, and a function given as "MODULE:FUNCTION", runs in a process of its own, as on the
    command line: on one thread, with its switches pinned, so that one that crashes costs one result. The
    processes are started by the first call, shared by all later ones, and ended with the program; a module
    that is edited meanwhile is not read again. A function that is given itself runs in the calling process;
    so does everything in a daemonic one, such as those of ``multiprocessing.Pool``, which may start no other.

    Args:
        case: what to run.
        frameworks: their names; None for all that are installed.
        impl: a function with convmm's signature, or "MODULE:FUNCTION", to be compared beside them.
        impl_grad: the function of its gradients beside ``grad``, as of
            :class:`parity.frameworks.function.Implementation`; without ``impl``, compared by itself.
        mode: the precision that they compute in, one of :data:`parity.frameworks.modes.MODES`; None for any.
        arrays: what ``impl`` and ``impl_grad`` are handed, one of
            :data:`parity.frameworks.tensors.ARRAYS`; NumPy's by default. They may return tensors of any
            library that has DLPack's protocol.
        programs: each NAME=COMMAND, compared beside them (docs/how-to/a-program-as-a-contestant.md); ``mode``
            is theirs too.
        grad: also run the backward pass of each native or exact layer that computes an output with an
            element, and compare the gradients by its input, kernel and bias.
        divergences: known differences beside the built-in ones, as
            :func:`parity.frameworks.known.registry.load_registry` reads them.
        isolated: False runs everything in the calling process, under the switches that it has.
        x: the input in the place of the drawn one, or its .npy file; it has the case's shape and dtype.
        w: the kernel, (O, C/groups, *kernel), or of transposed ops (C, O/groups, *kernel); likewise.
        bias: the bias, (O,), of a case that has one; likewise.

    Raises:
        ArrayError: ``x``, ``w`` or ``bias`` is not the case's, or a file that is no array's.
        FrameworkError: an unknown framework, one that is not installed, or a name given twice; an unknown
            mode, or one without a function; gradients, and none has any, or a function of them, and they are
            not asked for; the program is ending.
        CaseError: the arrays do not fit in memory.
    """
    adapters = contestants(
        frameworks, impl, impl_grad=impl_grad, mode=mode, arrays=arrays, programs=programs, grad=grad
    )
    submit = shared().submit if isolated else here
    own = own_arrays(case, x=x, w=w, bias=bias)
    return run_with(case, adapters, grad=grad, submit=submit, divergences=divergences, own=own)


def run_with(
    case: Case,
    adapters: Iterable[Framework],
    *,
    grad: bool = False,
    submit: Submit = here,
    divergences: Sequence[Divergence] = (),
    own: OwnArrays = NONE,
) -> CaseResult:
    """Run a case as :func:`run` does, with frameworks at hand; ``submit`` hands them their tasks."""
    return Run(case, adapters, grad=grad, submit=submit, divergences=divergences, own=own).finish()


def run_all(
    cases: Iterable[Case],
    adapters: Sequence[Framework],
    submit: Submit,
    *,
    ahead: int,
    grad: bool = False,
    divergences: Sequence[Divergence] = (),
) -> Iterator[CaseResult]:
    """Run many cases, in order; the others as of :func:`run_with`.

    Args:
        cases: what to run.
        adapters: whose layers.
        submit: hands an adapter its task.
        ahead: how many cases to ask for before the first of them has answered; fewer where they are large.
        grad: run the backward passes too.
        divergences: known differences beside the built-in ones.
    """
    waiting: deque[Run] = deque()
    held = 0
    asked = asked_of(adapters, grad=grad, divergences=divergences)
    for case in cases:
        run = Run(case, adapters, grad=grad, submit=submit, divergences=divergences, asked=asked)
        while waiting and (len(waiting) > ahead or held + run.nbytes > _MOST_BYTES):
            held -= waiting[0].nbytes
            yield waiting.popleft().finish()
        run.begin()
        waiting.append(run)
        held += run.nbytes
    while waiting:
        yield waiting.popleft().finish()


def asked_of(
    adapters: Sequence[Framework], *, grad: bool, divergences: Sequence[Divergence]
) -> tuple[str, ...]:
    """Return the options of the command line that ask the same of a case."""
    files = dict.fromkeys(each.file for each in divergences if each.file is not None)
    return (
        *(("--grad",) if grad else ()),
        *(asking(adapters, grad=grad) if adapters else ()),
        *(word for file in files for word in ("--divergences", file)),
    )


def _repeated(results: Sequence[Result]) -> tuple[str, ...]:
    """Return the option that has layers run as often as these were."""
    runs = max((each.repeats.runs for each in results if each.repeats), default=0)
    return ("--repeat", str(runs)) if runs else ()


_MOST_BYTES = 2**30
"""Of the cases that have been asked for and not answered: their arrays, and what their layers take."""

Judge = Callable[[Reference, Backward | None], list[Judged]]
"""Makes results of a layer's answer, beside the reference."""


class Run:
    """A case on its way: every layer is asked for, and judged when it has answered.

    Layers are called at the same time as far as memory goes, and one for which there is too little is not.

    Args:
        case: what to run.
        adapters: whose layers to run.
        grad: also run the backward pass of each native or exact layer whose output has an element.
        submit: hands an adapter its task.
        divergences: known differences beside the built-in ones.
        own: arrays in the place of drawn ones.
        asked: the options of the command line that ask the same; None to work them out.

    Raises:
        CaseError: the arrays do not fit in memory.
    """

    def __init__(
        self,
        case: Case,
        adapters: Iterable[Framework],
        *,
        grad: bool,
        submit: Submit,
        divergences: Sequence[Divergence] = (),
        own: OwnArrays = NONE,
        asked: tuple[str, ...] | None = None,
    ) -> None:
        check_memory(case, grad=grad)
        adapters = list(adapters)
        self._beside = divergences
        self.asked = asked_of(adapters, grad=grad, divergences=divergences) if asked is None else asked
        self._case, self._grad, self._own = case, grad, own
        self._turns = Turns(submit, bytes_needed(case, grad=grad))
        self._arrays = arrays_of(case, own)
        self._layers = [
            (found, spelling) for found in adapters for spelling in layers_of(found, case, divergences)
        ]
        self._asked: list[Judge] = []

    def ask(self, found: Framework, spelling: Spelling | Unsupported) -> None:
        """Add one more layer, to be called as well."""
        self._layers.append((found, spelling))

    @functools.cached_property
    def nbytes(self) -> int:
        """Of the case's arrays, and of what its layers take."""
        layers = [(found, spelling) for found, spelling in self._layers if isinstance(spelling, Spelling)]
        return self._arrays.nbytes + sum(self._turns.taken(*each, grad=self._grad) for each in layers)

    def begin(self) -> None:
        """Have the layers called that have not been."""
        self._asked += [self._ask(*layer) for layer in self._layers[len(self._asked) :]]

    def finish(self) -> CaseResult:
        """Wait for the answers, and compare each with the NumPy core's."""
        self.begin()
        reference = make_reference(self._case, self._arrays)
        backward = make_backward(self._case, self._arrays) if self._grad else None
        judged = [each for judge in self._asked for each in judge(reference, backward)]
        results, arrays = (tuple(column) for column in zip(*judged, strict=True)) if judged else ((), ())
        pairs = compare_pairs(judged, self._case.dtype)
        gradients = None if backward is None else backward.gradients
        asked = (*self.asked, *_repeated(results))
        return CaseResult(self._case, reference.y, results, arrays, pairs, gradients, asked, self._own)

    def _ask(self, found: Framework, spelling: Spelling | Unsupported) -> Judge:
        """Have a spelling's layer called; what makes results of its answer."""
        about: About = {"framework": found.name, "version": found.version(), "backend": found.backend()}
        if isinstance(spelling, Unsupported):
            make = invalid if isinstance(spelling, Mistaken) else unsupported
            none = make({**about, "spelling": "native", "layer": None}, spelling.reason)
            return lambda *_: [none]
        about |= {"spelling": spelling.kind, "variant": spelling.variant, "layer": str(spelling.layer)}
        if not spelling.gives_output:
            return partial(self._judge_gradients, found, spelling, about)
        missing = self._turns.why_not(found, spelling)
        if missing:
            result = unsupported(about, missing)
            return lambda *_: [result]
        wait = self._turns.ask(found, spelling, self._arrays)
        return partial(self._judge, found, spelling, about, wait)

    def _judge(
        self,
        found: Framework,
        spelling: Spelling,
        about: About,
        wait: Wait,
        reference: Reference,
        backward: Backward | None,
    ) -> list[Judged]:
        """Judge a layer's output, and where it means the case and has its shape, its gradients."""
        predicted = {**about, "predicted": predict(spelling, self._case)}
        mode = spelling.mode or found.mode(self._case)

        def judge(answer: Answer) -> list[Judged]:
            return [value_result(predicted, answer, spelling, reference, mode)]

        judged = self._settled(found, spelling, wait, judge)
        array = judged[0].array
        there = array is not None and array.shape == reference.y.shape and reference.y.size
        if spelling.kind != "lookalike" and there:
            judged += self._judge_gradients(found, spelling, about, reference, backward)
        return judged

    def _judge_gradients(
        self,
        found: Framework,
        spelling: Spelling,
        about: About,
        reference: Reference,
        backward: Backward | None,
    ) -> list[Judged]:
        """Judge the gradients of a layer, where they are asked for."""
        if backward is None:
            return []
        missing = (
            found.why_no_gradients()
            or spelling.no_backward
            or _no_element(reference)
            or self._turns.why_not(found, spelling, grad=True)
        )
        if missing:
            return [unsupported({**about, "output": name}, missing) for name in backward.expected]
        about |= {"layer": str(spelling.backward)}
        wait = self._turns.ask(found, spelling, self._arrays, backward.dy)
        mode = found.mode_of_gradients(self._case)

        def judge(answer: Answer) -> list[Judged]:
            return gradient_results(about, answer, backward, mode)

        return self._settled(found, spelling, wait, judge, backward.dy)

    def _settled(
        self,
        found: Framework,
        spelling: Spelling,
        wait: Wait,
        judge: Callable[[Answer], list[Judged]],
        dy: Array | None = None,
    ) -> list[Judged]:
        """Judge a layer's answer: what is unexplained of one that was called before, of a new one too."""
        answer = wait()
        judged = [self._explained(spelling, each) for each in judge(answer)]
        may_be_kept = answer.again or (found.keeps and answer.ending == "crashed")
        if not may_be_kept or all(each.result.explained for each in judged):
            return judged
        of_new = judge(self._turns.ask(found, spelling, self._arrays, dy, fresh=True)())
        new = [self._explained(spelling, each) for each in of_new]
        return [told_apart(*pair) for pair in zip(judged, new, strict=True)]

    def _explained(self, spelling: Spelling, judged: Judged) -> Judged:
        result = judged.result
        known = known_of(result.framework, result.version, result.backend, self._beside)
        return judged._replace(result=explain_known(spelling.meaning, result, known)) if known else judged


def _no_element(reference: Reference) -> str | None:
    return None if reference.y.size else "the case's output has no element to take a gradient by"
