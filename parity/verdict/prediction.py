"""Prediction against observation: what a framework's rules say of a spelling, and whether it came so."""

from __future__ import annotations

from collections.abc import Sequence

from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.frameworks.precision import Mode, accumulated_in_float32
from parity.frameworks.spelling import Spelling, windows_agree
from parity.verdict.bounds import error_ratio
from parity.verdict.diagnosis.suspect import Offset
from parity.verdict.diagnosis.windows import begins_at
from parity.verdict.reference import Reference, sums_are_exact
from parity.verdict.relation import Observation


def predict(spelling: Spelling, case: Case) -> str:
    """Predict in a word: "rejected", "empty", "identical", "window", "flipped" or "window flipped"."""
    computed = _predict_values(spelling, case)
    if spelling.refusal is None:
        return computed
    return "rejected" if spelling.refusal.certain else f"rejected or {computed}"


def explain(
    spelling: Spelling,
    output: Array,
    observation: Observation,
    reference: Reference,
    mode: Mode | None = None,
) -> tuple[bool, str | None]:
    """Return whether a computed result is the predicted one, and in a sentence why it differs."""
    if spelling.refusal is not None and spelling.refusal.certain:
        return False, f"it computed, and by its rules it would refuse: {spelling.refusal.reason}"
    if output.shape != spelling.meaning.output_shape:
        shapes = f"its shape is {output.shape}, and by its rules {spelling.meaning.output_shape}"
        return False, f"{shapes}; {_difference(observation)}"
    if not output.size:
        return True, f"the output of shape {output.shape} has no element to compare"
    if observation.relation == "no verdict":
        return True, observation.message
    if _predict_values(spelling, reference.case) == "identical":
        found = observation.relation == "identical"
        return found, None if found else _difference(observation)
    return _explain_window(spelling, output, observation, reference, mode)


def _explain_window(
    spelling: Spelling, output: Array, observation: Observation, reference: Reference, mode: Mode | None
) -> tuple[bool, str]:
    case, meaning = reference.case, spelling.meaning
    what = [_window(predicted_offset(meaning, case), meaning, case)]
    if spelling.flips:
        what = ["computes with the kernel flipped", *([] if windows_agree(meaning, case) else what)]
    computed = reference.flipped() if spelling.flips else reference
    if _is_predicted(meaning, output, computed, mode):
        return True, ", and ".join(what)
    return False, f"predicted was that it {', and '.join(what)}; {_difference(observation)}"


def _is_predicted(meaning: Case, output: Array, reference: Reference, mode: Mode | None) -> bool:
    """Return whether the values are those of the predicted window: to the bit, or within their bound.

    Where the bound says nothing they may be any, as in the case's own window. A window may have larger sums
    than the case's own, which the dtype does not have.
    """
    rounded = mode is not None and mode.of_integers
    if reference.exact and not rounded and sums_are_exact(meaning, reference.arrays):
        return begins_at(output, reference, predicted_offset(meaning, reference.case))
    precision = mode or accumulated_in_float32(reference.case.dtype)
    ratio = error_ratio(output, reference, precision, meaning.geometry)
    return ratio is None or ratio <= 1


def explain_gradient(observation: Observation) -> tuple[bool, str | None]:
    """Return whether the gradient of a layer that means the case is the reference's, and else why not."""
    if observation.relation == "no verdict":
        return True, observation.message
    if observation.relation == "empty" and observation.comparison.shape_equal:
        return True, "the gradient has no element to compare"
    found = observation.relation == "identical"
    return found, None if found else _difference(observation)


def predicted_offset(meaning: Case, case: Case) -> Offset:
    """Return how far the output of one case begins after another's, on each axis."""
    sign = 1 if case.transposed else -1
    pairs = zip(meaning.geometry.before, case.geometry.before, strict=True)
    return tuple(sign * (its - ours) for its, ours in pairs)


def _predict_values(spelling: Spelling, case: Case) -> str:
    if 0 in spelling.meaning.output_shape:
        return "empty"
    same = windows_agree(spelling.meaning, case)
    if spelling.flips and max(case.kernel) > 1:
        return "flipped" if same else "window flipped"
    return "identical" if same else "window"


def _window(offset: Offset, meaning: Case, case: Case) -> str:
    """Say where another window begins and how large it is, beside the case's own."""
    what = f"full response of {_sizes(case.geometry.full)}" if case.transposed else "input"
    sizes = f"{_sizes(meaning.output_shape[2:])} elements against {_sizes(case.output_shape[2:])}"
    if not any(offset):
        return f"begins where the reference does in the {what}, and has {sizes}"
    way, count = ("before", [-o for o in offset]) if max(offset) <= 0 else ("after", list(offset))
    return f"begins {_sizes(count)} elements {way} the reference in the {what}, and has {sizes}"


def _difference(observation: Observation) -> str:
    return observation.message or f"it is {observation.relation}"


def _sizes(sizes: Sequence[int]) -> str:
    return str(sizes[0]) if len(sizes) == 1 else "(" + ", ".join(map(str, sizes)) + ")"
