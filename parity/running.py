"""One case through all frameworks."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from parity.cases.case import Case
from parity.cases.drawing import draw_arrays
from parity.frameworks.function import Implementation, implementations
from parity.frameworks.interface import Framework
from parity.frameworks.known.divergences import Divergence, explain_known
from parity.frameworks.known.registry import built_in, layers_of
from parity.frameworks.spelling import Mistaken, Spelling, Unsupported
from parity.frameworks.table import FrameworkError, find_framework, installed
from parity.frameworks.task import Submit, Task, Wait, here
from parity.records.result import CaseResult
from parity.verdict.gradients import Backward, make_backward
from parity.verdict.judge import (
    About,
    Judged,
    compare_pairs,
    gradient_results,
    invalid,
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
    mode: str | None = None,
    grad: bool = False,
    divergences: Sequence[Divergence] = (),
    isolated: bool = True,
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
        mode: the precision that it computes in, one of :data:`parity.frameworks.modes.MODES`; None for any.
        grad: also run the backward pass of each native or exact layer that computes an output with an
            element, and compare the gradients by its input, kernel and bias.
        divergences: known differences beside the built-in ones, as
            :func:`parity.frameworks.known.registry.load_registry` reads them.
        isolated: False runs everything in the calling process, under the switches that it has.

    Raises:
        FrameworkError: an unknown framework, one that is not installed, or a name given twice; an unknown
            mode, or one without a function; gradients, and none has any; the program is ending.
        CaseError: the arrays do not fit in memory.
    """
    adapters = contestants(frameworks, impl, mode=mode, grad=grad)
    submit = shared().submit if isolated else here
    return run_with(case, adapters, grad=grad, submit=submit, divergences=divergences)


def contestants(
    frameworks: Sequence[str] | None,
    impl: Callable[..., Any] | str | Implementation | None = None,
    *,
    mode: str | None = None,
    grad: bool = False,
) -> list[Framework]:
    """Return these frameworks (None: all that are installed), and the function.

    Raises:
        FrameworkError: as :func:`run`, or a name is given twice.
    """
    if isinstance(frameworks, str):
        raise FrameworkError(f"frameworks={frameworks!r}: allowed is a list of names")
    found: list[Framework] = [
        find_framework(name) for name in (installed() if frameworks is None else frameworks)
    ]
    found += implementations(impl, mode)
    for name, count in Counter(each.name for each in found).items():
        if count > 1:  # results are told apart by the name
            raise FrameworkError(
                f"framework {name!r} is given {count} times: allowed is once, functions included"
            )
    reasons = [each.why_no_gradients() for each in found]
    if grad and reasons and all(reasons):
        raise FrameworkError(
            f"gradients were asked for, and nothing here has any: {'; '.join(map(str, reasons))}"
        )
    return found


def run_with(
    case: Case,
    adapters: Iterable[Framework],
    *,
    grad: bool = False,
    submit: Submit = here,
    divergences: Sequence[Divergence] = (),
) -> CaseResult:
    """Run a case as :func:`run` does, with frameworks at hand; ``submit`` hands them their tasks."""
    return Run(case, adapters, grad=grad, submit=submit, divergences=divergences).finish()


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
    for case in cases:
        waiting.append(Run(case, adapters, grad=grad, submit=submit, divergences=divergences))
        held += waiting[-1].nbytes
        while len(waiting) > ahead or (len(waiting) > 1 and held > _MOST_BYTES):
            held -= waiting[0].nbytes
            yield waiting.popleft().finish()
    while waiting:
        yield waiting.popleft().finish()


_MOST_BYTES = 2**28
"""Of the arrays of the cases that have been asked for and not answered."""

Judge = Callable[[Reference, Backward | None], list[Judged]]
"""Makes results of a layer's answer, beside the reference."""


class Run:
    """A case on its way: every layer is asked for at once, and judged when it has answered.

    Args:
        case: what to run.
        adapters: whose layers to run.
        grad: also run the backward pass of each native or exact layer whose output has an element.
        submit: hands an adapter its task.
        divergences: known differences beside the built-in ones.

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
    ) -> None:
        self._known = (*built_in(), *divergences)
        self._case, self._grad, self._submit = case, grad, submit
        self._arrays = draw_arrays(case)
        self._asked: list[Judge] = []
        for found in adapters:
            for spelling in layers_of(found, case, divergences):
                self.ask(found, spelling)

    def ask(self, found: Framework, spelling: Spelling | Unsupported) -> None:
        """Have one more layer called."""
        self._asked.append(self._ask(found, spelling))

    @property
    def nbytes(self) -> int:
        """Of the case's arrays."""
        return self._arrays.nbytes

    def finish(self) -> CaseResult:
        """Wait for the answers, and compare each with the NumPy core's."""
        reference = make_reference(self._case, self._arrays)
        backward = make_backward(self._case, self._arrays) if self._grad else None
        judged = [each for judge in self._asked for each in judge(reference, backward)]
        results, arrays = (tuple(column) for column in zip(*judged, strict=True)) if judged else ((), ())
        pairs = compare_pairs(judged, self._case.dtype)
        gradients = None if backward is None else backward.gradients
        return CaseResult(self._case, reference.y, results, arrays, pairs, gradients)

    def _ask(self, found: Framework, spelling: Spelling | Unsupported) -> Judge:
        """Have a spelling's layer called; what makes results of its answer."""
        about: About = {"framework": found.name, "version": found.version(), "backend": found.backend()}
        if isinstance(spelling, Unsupported):
            make = invalid if isinstance(spelling, Mistaken) else unsupported
            result = make({**about, "spelling": "native", "layer": None}, spelling.reason)
            return lambda *_: [result]
        about |= {"spelling": spelling.kind, "layer": str(spelling.layer)}
        wait = self._submit(found, Task.of(spelling, self._arrays))
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
        value = value_result(predicted, wait(), spelling, reference, found.mode(self._case))
        there = value.array is not None and value.array.shape == reference.y.shape and reference.y.size
        judged = [value]
        if backward is not None and spelling.kind != "lookalike" and there:
            judged += self._gradients(found, spelling, about, backward)
        return [
            Judged(explain_known(spelling.meaning, result, self._known), array) for result, array in judged
        ]

    def _gradients(
        self, found: Framework, spelling: Spelling, about: About, backward: Backward
    ) -> list[Judged]:
        missing = found.why_no_gradients() or spelling.no_backward
        if missing:
            return [unsupported({**about, "output": name}, missing) for name in backward.expected]
        wait = self._submit(found, Task.of(spelling, self._arrays, backward.dy))
        return gradient_results(about, wait(), backward)
