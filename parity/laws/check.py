"""One implementation against the laws of its operation: a check that needs no second framework."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from convmm import conv_input_grad, conv_transpose_input_grad
from parity.cases.arrays import Array, Arrays
from parity.cases.case import ZEROS, Case
from parity.cases.memory import bytes_needed, check_memory
from parity.cases.values.drawing import draw_arrays
from parity.frameworks.known.registry import layers_of
from parity.frameworks.spelling import Spelling, Unsupported
from parity.frameworks.task import Submit, here
from parity.frameworks.turns import Turns
from parity.laws.law import (
    Apply,
    Finding,
    Linear,
    NotApplicableError,
    NoValueError,
    adds_bias,
    find,
    is_adjoint,
    is_independent,
    is_independent_of_threads,
    is_linear,
    repeats,
)
from parity.laws.opposite import opposite
from parity.laws.subject import Subject
from parity.laws.trial import Trial, ask, pick
from parity.records.counts import Outcome
from parity.records.result import SCHEMA

LAWS = (
    "repeatability",
    "independence of samples",
    "independence of threads",
    "linearity in the input",
    "linearity in the kernel",
    "bias",
    "adjointness",
    "backward by input",
    "backward by kernel",
    "backward by bias",
)

Laws = dict[str, Callable[[], Finding]]


@dataclass(frozen=True)
class SelfCheck:
    """What came of every law.

    Attributes:
        case: the case.
        subject: what was checked.
        spelling: the layer that computed it, or why there is none.
        adjoint: the opposite layer, or the core's gradient, as code; None where there is none.
        laws: a finding for each of :data:`LAWS`, in this order.
        failed: what the command ends with where the case's own call gave no value and was to give one.
    """

    case: Case
    subject: Subject
    spelling: Spelling | Unsupported
    adjoint: str | None
    laws: Mapping[str, Finding]
    failed: Outcome | None = None

    @property
    def value(self) -> Finding:
        """Whether the case's own call gave a value, as if that were a law, and why not where it did not."""
        first = next(iter(self.laws.values()))
        tried = any(finding.status != "not applicable" for finding in self.laws.values())
        if self.failed is None and not tried:
            return first
        return Finding("holds", "it gave a value") if tried else replace(first, status="broken")

    @property
    def outcome(self) -> Outcome:
        """The exit code: one broken law is enough, and nothing tried is no pass."""
        if self.failed is not None:
            return self.failed
        counts = Counter(finding.status for finding in self.laws.values())
        if counts["broken"]:
            return Outcome.UNEXPLAINED
        return Outcome.EXPLAINED if counts["holds"] else Outcome.NOTHING_COMPARED

    @property
    def command(self) -> str:
        """The command line that checks the same again."""
        return check_command(self.case, self.subject)

    def to_dict(self) -> dict[str, Any]:
        """Return the document as JSON has it."""
        found, spelling = self.subject.implementation, self.spelling
        layer = spelling if isinstance(spelling, Spelling) else None
        return {
            "schema": SCHEMA,
            "kind": "self_check",
            "case": self.case.to_dict(),
            "command": self.command,
            "implementation": {
                "framework": found.name,
                "version": found.version(),
                "backend": found.backend(),
                "spelling": layer and layer.kind,
                "layer": layer and str(layer.layer),
                "adjoint": self.adjoint,
            },
            "laws": [{"name": name, **finding.to_dict()} for name, finding in self.laws.items()],
        }


def check_command(case: Case, subject: Subject) -> str:
    """Write the command line that holds a subject against the laws on a case."""
    asked = case.command.replace("parity run", "parity check", 1)
    return f"{asked} {shlex.join(subject.options)}"


@dataclass(frozen=True)
class Adjoint:
    """Who computes the adjoint of a case.

    Attributes:
        name: in words.
        code: the call.
        apply: (N, O, *spatial) to (N, C, *spatial).
    """

    name: str
    code: str
    apply: Linear


def self_check(
    case: Case,
    subject: Subject,
    submit: Submit = here,
    submit_to_two: Submit | None = None,
    names: Sequence[str] = LAWS,
) -> SelfCheck:
    """Try these laws on the case's own layer, or where no native one computes it, on the exact one.

    Of values that are not "integers" the laws of bits are tried alone. Where the case's own call gives no
    value, there is nothing to try a law on. A later call that gives none, with nothing in its framework's
    rules that says so, breaks the law that it was made for.

    Args:
        case: what is computed.
        subject: by whom.
        submit: hands a task over, to be performed on one thread.
        submit_to_two: the same, on two threads; None where there is no such process.
        names: of the laws to try, of :data:`LAWS`.

    Raises:
        CaseError: the arrays do not fit in memory.
    """
    check_memory(case, grad=True)
    turns = Turns(submit, bytes_needed(case, grad=True))
    found = subject.implementation
    arrays = draw_arrays(case)
    spelling = pick(layers_of(found, case))
    missing = turns.why_not(found, spelling, grad=True) if isinstance(spelling, Spelling) else None
    if missing:
        spelling = Unsupported(missing)
    if isinstance(spelling, Unsupported):
        return SelfCheck(case, subject, spelling, None, _none_applies(spelling.reason))
    trial = Trial(case, found, spelling, arrays, submit)
    try:
        trial.check_output()
    except NotApplicableError as error:
        return SelfCheck(case, subject, spelling, None, _none_applies(str(error)))
    except NoValueError as error:
        failed = Outcome.CRASHED if error.crashed else Outcome.UNEXPLAINED
        return SelfCheck(case, subject, spelling, None, _none_applies(str(error)), failed)
    bits = _bit_laws(trial, None if submit_to_two is None else replace(trial, submit=submit_to_two).apply)
    if case.values != "integers":
        inexact = _not_applicable(f"values={case.values!r}: it is tried on 'integers', whose sums are exact")
        laws = {**dict.fromkeys(LAWS, inexact), **{name: _rounded(law) for name, law in bits.items()}}
        return SelfCheck(case, subject, spelling, None, {name: find(laws[name]) for name in names})
    adjoint = _adjoint(case, subject, arrays.w, submit)
    laws = {**bits, **_own_laws(trial), "adjointness": _adjointness(trial, adjoint), **_backward_laws(trial)}
    code = None if isinstance(adjoint, Unsupported) else adjoint.code
    return SelfCheck(case, subject, spelling, code, {name: find(laws[name]) for name in names})


def _bit_laws(trial: Trial, apply_on_two: Apply | None) -> Laws:
    """Return the laws of what the bits do not depend on."""
    arrays = trial.arrays
    return {
        "repeatability": lambda: repeats(trial.apply, arrays),
        "independence of samples": lambda: is_independent(trial.apply, arrays),
        "independence of threads": (
            _not_applicable("it was given no process with two threads")
            if apply_on_two is None
            else lambda: is_independent_of_threads(trial.apply, apply_on_two, arrays)
        ),
    }


def _rounded(law: Callable[[], Finding]) -> Callable[[], Finding]:
    """Return a law of bits on rounded sums; its finding's message says what its breach may be."""

    def tried() -> Finding:
        finding = law()
        if finding.status != "broken":
            return finding
        may_be = "where sums are rounded, another order of them is enough; `parity run` judges by how much"
        return replace(finding, message=f"{finding.message}; {may_be}")

    return tried


def _own_laws(trial: Trial) -> Laws:
    """Return the laws that take no other operation."""
    arrays, generator = trial.arrays, trial.generator
    return {
        "linearity in the input": lambda: is_linear(trial.of_input, arrays.x, generator),
        "linearity in the kernel": lambda: is_linear(trial.of_kernel, arrays.w, generator),
        "bias": _no_bias if arrays.bias is None else lambda: adds_bias(trial.apply, arrays),
    }


def _adjointness(trial: Trial, adjoint: Adjoint | Unsupported) -> Callable[[], Finding]:
    if isinstance(adjoint, Unsupported):
        return _not_applicable(adjoint.reason)
    return _is_adjoint(trial, trial.of_input, adjoint.apply, trial.arrays.x, adjoint.name)


def _adjoint(case: Case, subject: Subject, w: Array, submit: Submit) -> Adjoint | Unsupported:
    """Return the operation that has to be the case's adjoint, or why there is none."""
    found, other = subject.opposite, opposite(case)
    if found is None:
        return _core_adjoint(case, w)
    if case.filled_with != ZEROS:
        return Unsupported(
            f"padding_mode={case.padding_mode!r}: the adjoint adds what padding says to the elements that "
            "it holds, and no transposed convolution does"
        )
    if other is None:
        return Unsupported(
            "its output goes on for a stride or more after its full response has ended, and so a convolution "
            "of it has another size than its input"
        )
    spelling = pick(layers_of(found, other))
    if isinstance(spelling, Unsupported):
        return spelling
    name = "its own opposite layer" if found is subject.implementation else found.name
    return Adjoint(name, str(spelling.layer), lambda y: ask(submit, found, spelling, Arrays(y, w, None))[0])


def _core_adjoint(case: Case, w: Array) -> Adjoint:
    """Return the core's gradient by the input."""
    function = conv_transpose_input_grad if case.transposed else conv_input_grad
    code = f"convmm.{function.__name__}"
    name = f"{code} of the NumPy core, as no adjoint is given"
    return Adjoint(name, code, lambda y: function(y, w, case.input[2:], **case.explicit))


def _backward_laws(trial: Trial) -> Laws:
    """Return the laws that a layer's own backward pass is its adjoint, by each of its arrays."""
    x, w, bias = trial.arrays
    missing = trial.without_backward()
    if missing:
        return dict.fromkeys(
            ("backward by input", "backward by kernel", "backward by bias"), _not_applicable(missing)
        )

    def law(f: Linear, at: Array, number: int) -> Callable[[], Finding]:
        return _is_adjoint(trial, f, lambda dy: trial.gradients(dy)[number], at, "its own backward pass")

    return {
        "backward by input": law(trial.of_input, x, 0),
        "backward by kernel": law(trial.of_kernel, w, 1),
        "backward by bias": _no_bias if bias is None else law(trial.of_bias, bias, 2),
    }


def _is_adjoint(trial: Trial, f: Linear, adjoint: Linear, at: Array, name: str) -> Callable[[], Finding]:
    """Return the law of adjointness; its finding's message says what f* is."""

    def law() -> Finding:
        finding = find(lambda: is_adjoint(f, adjoint, at, trial.dy, trial.generator))
        return replace(finding, message=f"{finding.message}; f* is {name}")

    return law


def _not_applicable(reason: str) -> Callable[[], Finding]:
    return lambda: Finding("not applicable", reason)


def _no_bias() -> Finding:
    return Finding("not applicable", "the case has no bias")


def _none_applies(reason: str) -> dict[str, Finding]:
    return {name: Finding("not applicable", reason) for name in LAWS}
