"""One case through all frameworks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from parity.adapters import Adapter, FrameworkError, adapter, installed
from parity.attempt import attempt, describe
from parity.case import Case
from parity.gradients import Backward, Expected, Gradient, make_backward, observe_gradient
from parity.implementation import implementations
from parity.judge import explain, explain_gradient, predict
from parity.record import CaseResult, Result
from parity.relation import Observation, Reference, make_reference, observe
from parity.spelling import Refusal, Spelling, Unsupported
from parity.values import Array, Arrays, draw_arrays, numpy_dtype


def run(
    case: Case,
    frameworks: Sequence[str] | None = None,
    *,
    impl: Callable[..., Any] | None = None,
    mode: str | None = None,
    grad: bool = False,
) -> CaseResult:
    """Run one case through the frameworks and compare every result with the NumPy core's.

    Args:
        case: what to run.
        frameworks: their names; None for all that are installed.
        impl: a function with convmm's signature, to be compared beside them.
        mode: the precision that it computes in, one of :data:`parity.declared.MODES`; None for any.
        grad: also run the backward pass of each native layer that computes an output with an element, and
            compare the gradients by its input, kernel and bias.

    Raises:
        FrameworkError: an unknown framework, or one that is not installed; an unknown mode, or one without
            a function; gradients, and none has any.
        CaseError: the arrays do not fit in memory.
    """
    return run_with(case, contestants(frameworks, impl, mode=mode, grad=grad), grad=grad)


def contestants(
    frameworks: Sequence[str] | None,
    impl: Callable[..., Any] | None = None,
    *,
    mode: str | None = None,
    grad: bool = False,
) -> list[Adapter]:
    """The adapters of these frameworks (None: of all that are installed), and of the function.

    Raises:
        FrameworkError: as :func:`run`.
    """
    found: list[Adapter] = [adapter(name) for name in (installed() if frameworks is None else frameworks)]
    found += implementations(impl, mode)
    reasons = [each.forward_only() for each in found]
    if grad and reasons and all(reasons):
        raise FrameworkError(
            f"gradients were asked for, and nothing here has any: {'; '.join(map(str, reasons))}"
        )
    return found


def run_with(case: Case, adapters: Iterable[Adapter], *, grad: bool = False) -> CaseResult:
    """As :func:`run`, with adapters that are at hand."""
    arrays = draw_arrays(case)
    reference = make_reference(case, arrays)
    backward = make_backward(case, arrays) if grad else None
    results = [
        result
        for found in adapters
        for spelling in found.spell(case)
        for result in _results(found, spelling, arrays, reference, backward)
    ]
    return CaseResult(case, reference.y, tuple(results), backward)


def _results(
    found: Adapter,
    spelling: Spelling | Unsupported,
    arrays: Arrays,
    reference: Reference,
    backward: Backward | None,
) -> list[Result]:
    """A spelling's output, and where it is native and has the case's shape, its gradients."""
    about: dict[str, Any] = {
        "framework": found.NAME,
        "version": found.version(),
        "backend": found.backend(),
    }
    if isinstance(spelling, Unsupported):
        return [_unsupported({**about, "spelling": "native", "layer": None}, spelling.reason)]
    about |= {"spelling": spelling.kind, "layer": str(spelling.layer)}
    value = _value(found, spelling, arrays, reference, about)
    there = value.status == "ok" and value.shape == reference.y.shape and reference.y.size
    if backward is None or spelling.kind != "native" or not there:
        return [value]
    return [value, *_gradients(found, spelling, arrays, backward, about)]


def _unsupported(about: dict[str, Any], reason: str) -> Result:
    return Result(**about, status="unsupported", predicted="unsupported", explained=True, reason=reason)


def _value(
    found: Adapter, spelling: Spelling, arrays: Arrays, reference: Reference, about: dict[str, Any]
) -> Result:
    about = {**about, "predicted": predict(spelling, reference.case)}
    given = arrays.copies()

    def compute() -> Array:
        found.load()
        return found.call(spelling.layer.call(), spelling.convert(given.weights), given.x)

    output, warned = attempt(compute)
    if isinstance(output, BaseException):
        return _rejected(about, spelling.refusal, output)
    about["warnings"] = warned
    wrong = _wrong_kind(output, reference.case.dtype) or _wrong_manners(given, arrays)
    if wrong:
        return Result(**about, status="invalid", error=wrong, reason=wrong)
    own = np.array(output)  # a plain array that nothing else writes to
    mode = found.mode(reference.case.dtype)
    observation = observe(own, reference, mode)
    return _computed(about, own, observation, explain(spelling, own, observation, reference, mode))


def _gradients(
    found: Adapter, spelling: Spelling, arrays: Arrays, backward: Backward, about: dict[str, Any]
) -> list[Result]:
    abouts = {name: {**about, "output": name} for name in backward.expected}
    missing = found.forward_only() or spelling.no_backward
    if missing:
        return [_unsupported(each, missing) for each in abouts.values()]

    def compute() -> dict[Gradient, Array]:
        found.load()
        given = arrays.copies()
        weights = spelling.convert(given.weights)
        by_input, by_weights = found.backward(spelling.layer.call(), weights, given.x, backward.dy.copy())
        return dict(zip(backward.expected, [by_input, *spelling.convert_back(by_weights)], strict=True))

    outputs, warned = attempt(compute)
    abouts = {name: {**each, "predicted": "identical"} for name, each in abouts.items()}
    if isinstance(outputs, BaseException):
        return [_rejected(each, None, outputs) for each in abouts.values()]
    return [
        _gradient(name, outputs[name], expected, {**abouts[name], "warnings": warned})
        for name, expected in backward.expected.items()
    ]


def _gradient(name: Gradient, output: Array, expected: Expected, about: dict[str, Any]) -> Result:
    wrong = _wrong_kind(output, expected.dtype)
    if wrong:
        return Result(**about, status="invalid", error=wrong, reason=wrong)
    own = np.array(output)
    observation = observe_gradient(name, own, expected)
    return _computed(about, own, observation, explain_gradient(observation))


def _rejected(about: dict[str, Any], refusal: Refusal | None, error: BaseException) -> Result:
    foreseen = refusal is not None and type(error).__name__ in refusal.errors
    return Result(
        **about,
        status="rejected",
        error=describe(error),
        relation="rejected",
        explained=foreseen,
        reason=refusal.reason
        if refusal and foreseen
        else "it raised, and its rules do not say that it would",
    )


def _computed(
    about: dict[str, Any], output: Array, observation: Observation, judgement: tuple[bool, str | None]
) -> Result:
    explained, reason = judgement
    comparison = observation.comparison
    return Result(
        **about,
        status="ok",
        shape=output.shape,
        shape_equal=comparison.shape_equal,
        allclose=comparison.allclose,
        exact=comparison.exact,
        max_abs_error=comparison.max_abs_error,
        bound_ratio=observation.bound_ratio,
        relation=observation.relation,
        offset=observation.offsets[0] if observation.offsets else None,
        explained=explained,
        reason=reason,
        array=output,
    )


def _wrong_kind(output: object, dtype: str) -> str | None:
    if not isinstance(output, np.ndarray):
        return f"it returned no array but {type(output).__name__}"
    if output.dtype != numpy_dtype(dtype):
        return f"it returned dtype {output.dtype}, and the case's is {dtype}"
    return None


def _wrong_manners(given: Arrays, arrays: Arrays) -> str | None:
    """What it did to the arrays that it was given."""
    pairs = zip(Arrays._fields, given, arrays, strict=True)
    changed = [name for name, a, b in pairs if a is not None and b is not None and a.tobytes() != b.tobytes()]
    return f"it changed {' and '.join(changed)}, which it was given to read" if changed else None
