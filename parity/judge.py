"""Prediction against observation: what a framework's rules say of a spelling, and whether it came so."""

from __future__ import annotations

from collections.abc import Sequence

from parity.case import Case
from parity.relation import Observation, Offset, Reference, begins_at
from parity.spelling import Spelling, windows_agree
from parity.values import Array


def predict(spelling: Spelling, case: Case) -> str:
    """In one word, before anything runs: "rejected", "empty", "identical" or "window"."""
    computed = _predict_values(spelling, case)
    if spelling.refusal is None:
        return computed
    return "rejected" if spelling.refusal.certain else f"rejected or {computed}"


def explain(
    spelling: Spelling, output: Array, observation: Observation, reference: Reference
) -> tuple[bool, str | None]:
    """Whether a result that was computed is the predicted one, and in a sentence why it differs."""
    case = reference.case
    if spelling.refusal is not None and spelling.refusal.certain:
        return False, f"it computed, and by its rules it would refuse: {spelling.refusal.reason}"
    predicted = _predict_values(spelling, case)
    if output.shape != spelling.meaning.output_shape:
        shapes = f"its shape is {output.shape}, and by its rules {spelling.meaning.output_shape}"
        return False, f"{shapes}; {_difference(observation)}"
    if predicted == "empty":
        return True, f"the output of shape {output.shape} has no element to compare"
    if predicted == "identical":
        found = observation.relation == "identical"
        return found, None if found else _difference(observation)
    offset = predicted_offset(spelling.meaning, case)
    if begins_at(output, reference, offset):
        return True, _window(offset, spelling.meaning, case)
    predicted_window = _window(offset, spelling.meaning, case)
    return False, f"predicted was that it {predicted_window}; {_difference(observation)}"


def explain_gradient(observation: Observation) -> tuple[bool, str | None]:
    """Whether a native layer's gradient is the reference's, as is predicted of each, and else why not."""
    found = observation.relation == "identical"
    return found, None if found else _difference(observation)


def predicted_offset(meaning: Case, case: Case) -> Offset:
    """How far the output of one case begins after another's, on each axis."""
    sign = 1 if case.transposed else -1
    pairs = zip(meaning.geometry.before, case.geometry.before, strict=True)
    return tuple(sign * (its - ours) for its, ours in pairs)


def _predict_values(spelling: Spelling, case: Case) -> str:
    if 0 in spelling.meaning.output_shape:
        return "empty"
    return "identical" if windows_agree(spelling.meaning, case) else "window"


def _window(offset: Offset, meaning: Case, case: Case) -> str:
    theirs, ours = meaning.output_shape[2:], case.output_shape[2:]
    what = f"full response of {_sizes(case.geometry.full)}" if case.transposed else "input"
    size = f"and has {_sizes(theirs)} elements, not {_sizes(ours)}"
    if theirs == ours:
        size = f"and has {_sizes(ours)} elements as well"
    if not any(offset):
        return f"begins where the reference does in the {what}, {size}"
    return f"begins {_sizes(offset)} elements after the reference in the {what}, {size}"


def _difference(observation: Observation) -> str:
    return observation.message or f"it is {observation.relation}"


def _sizes(sizes: Sequence[int]) -> str:
    return str(sizes[0]) if len(sizes) == 1 else "(" + ", ".join(map(str, sizes)) + ")"
