"""Assertions for a test suite of one's own: that a case is computed alike by all, or by one's own layer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn
from unittest import SkipTest

from msgspec import UNSET
from msgspec.structs import replace

from parity.cases.case import Case
from parity.cases.notation import format_shape
from parity.frameworks.code.layer import Made
from parity.frameworks.contestants import contestants
from parity.frameworks.function import Implementation
from parity.frameworks.interface import Framework
from parity.frameworks.known.divergences import Divergence
from parity.frameworks.spelling import Spelling
from parity.frameworks.table import FrameworkError, all_frameworks
from parity.frameworks.task import here
from parity.records.counts import Outcome, Report, declined
from parity.records.result import ORACLE, CaseResult, Result
from parity.running import Run, run_with
from parity.testing.surroundings import current
from parity.workers.shared import shared


def assert_parity(
    case: Case,
    frameworks: Sequence[str] | None = None,
    impl: Callable[..., Any] | str | Implementation | None = None,
    *,
    impl_grad: Callable[..., Any] | str | None = None,
    mode: str | None = None,
    grad: bool = False,
    divergences: Sequence[Divergence] = (),
) -> None:
    """Assert that frameworks, and a function of one's own, compute a case as their own rules say.

    The arguments are those of :func:`parity.run`, and frameworks run in processes of their own as there.
    Under the pytest plugin, those of ``--parity-frameworks`` are compared where none are named.

    Raises:
        AssertionError: a result is unexplained, or nothing was compared; the message has each result's
            diagnosis and numbers, its layer as code, and the command that shows them again.
        SkipTest: nothing is unexplained, and the function raised NotImplementedError: it has no such
            operation, and so was not compared. In a property of hypothesis the example is rejected instead.
        FrameworkError: as :func:`parity.run`.
        CaseError: as :func:`parity.run`.
    """
    __tracebackhide__ = True
    around = current()
    names = around.frameworks if frameworks is None else frameworks
    adapters = contestants(names, impl, impl_grad=impl_grad, mode=mode, grad=grad)
    found = run_with(case, adapters, grad=grad, submit=shared().submit, divergences=divergences)
    if around.keep is not None:
        around.keep(found, adapters)
    _check(found, adapters)


def assert_same_layer(mine: object, case: Case, *, mode: str | None = None) -> None:
    """Assert that a layer of one's own computes a case as the NumPy core does.

    Args:
        mine: a layer of a framework as its user has made it, ``torch.nn.Module`` or ``keras.Layer``, whose
            arrays are a kernel in that framework's layout and, if the case has one, a bias; or a function
            with convmm's signature. A layer is given the case's weights, and keeps them.
        case: what it is to compute.
        mode: the precision in which a function computes, one of :data:`parity.frameworks.modes.MODES`.

    Raises:
        AssertionError: it computes something else, or raises; the message says what, with both sides'
            numbers, the layer as code, and the command that runs the case.
        FrameworkError: ``mine`` is neither, or a mode of no function.
        CaseError: the arrays do not fit in memory.
    """
    __tracebackhide__ = True
    owner = next((found for found in reversed(all_frameworks()) if found.owns(mine)), None)
    if owner is None:
        assert_parity(case, (ORACLE,), _function(mine), mode=mode)
        return
    if mode is not None:
        raise FrameworkError(f"mode={mode!r}: allowed beside a function, and mine is a layer of {owner.name}")
    found = _run_layer(owner, mine, case)
    keep = current().keep
    if keep is not None:
        keep(found, [owner])
    _check(found)


def _function(mine: object) -> Callable[..., Any]:
    if isinstance(mine, type) or not callable(mine):
        raise FrameworkError(
            f"mine={mine!r}: allowed are a torch.nn.Module, a keras.Layer, or a function with convmm's "
            "signature"
        )
    return mine


def _run_layer(owner: Framework, mine: object, case: Case) -> CaseResult:
    """Run one layer, which is no other process's, beside the core; Keras's on PyTorch are modules too."""
    run = Run(case, (), grad=False, submit=here)
    made = Made(owner.written(mine), value=mine)
    run.ask(owner, Spelling("native", made, case, convert=owner.conversion_to(mine, case)))
    return run.finish()


def _check(found: CaseResult, adapters: Sequence[Framework] = ()) -> None:
    """Fail by the outcome that a sweep ends with; skip where a function said it cannot do it."""
    __tracebackhide__ = True
    record = replace(found.record, expected=current().expected.get(found.case, UNSET))
    counted = Report([record])
    names = {each.name for each in adapters if each.is_a_users}
    own = [each for each in found.results if each.framework in names]
    said = next(filter(declined, own), None)
    wrong = counted.outcome in {Outcome.UNEXPLAINED, Outcome.CRASHED}
    if said is not None and not wrong and all(each.status == "unsupported" for each in own):
        _skip(f"{_what(found)}: {said.framework} says that it is unsupported: {said.reason}")
    if counted.outcome is Outcome.NOTHING_COMPARED and not all(each.compared for each in found.results):
        _reject()
    if counted.outcome is not Outcome.EXPLAINED:
        results = sorted(found.results, key=lambda result: result.explained)
        lines = [_summary(found, counted, record.unmet), *map(_lines, results), f"$ {found.command}"]
        raise AssertionError("\n".join(lines))


def _skip(reason: str) -> NoReturn:
    """Say that there is nothing to assert: no pass, and no failure."""
    _reject()
    raise SkipTest(reason)


def _reject() -> None:
    """Have Hypothesis draw another example, where one is tried: a skip, or a failure, would end the test."""
    hypothesis = sys.modules.get("hypothesis")
    if hypothesis is not None and hypothesis.currently_in_test_context():
        hypothesis.reject()


def _what(found: CaseResult) -> str:
    return f"{found.case.op} of an input {format_shape(found.case.input)}"


def _summary(found: CaseResult, counted: Report, unmet: str | None) -> str:
    what = _what(found)
    if counted.outcome is Outcome.NOTHING_COMPARED:
        return f"{what}: nothing was compared"
    wrong = [result.label for result in found.results if not result.explained]
    if unmet and not wrong:
        return f"{what}: unexplained: its suite {unmet}"
    if not wrong:
        return f"{what}: not seen though it is due: {', '.join(counted.stale)}"
    return f"{what}: unexplained: {', '.join(wrong)}"


def _lines(result: Result) -> str:
    """Say what a result is, its layer as code, and what went wrong."""
    layer = () if result.layer is None else (result.layer,)
    return "\n    ".join([f"{result.label}: {result.relation or result.status}", *layer, *result.why])
