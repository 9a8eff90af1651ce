"""What a framework's answer is recorded as: its judgement beside the reference."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any, NamedTuple

from msgspec.structs import replace

from parity.cases.arrays import Array, numpy_dtype
from parity.frameworks.precision import Mode
from parity.frameworks.spelling import Refusal, Spelling
from parity.frameworks.task import Answer
from parity.records.result import ENDED_BADLY, Pair, Result
from parity.verdict.compare import compare
from parity.verdict.error_map import error_map
from parity.verdict.gradients import Backward, Expected, Gradient, observe_gradient
from parity.verdict.observation import observe
from parity.verdict.prediction import explain, explain_gradient
from parity.verdict.reference import Reference
from parity.verdict.relation import Observation
from parity.verdict.ruling_out import not_ruled_out
from parity.verdict.telling import compared_values, finite_share, little_told, nothing_told

About = dict[str, Any]
"""What of a result is known before anything runs: the fields of :class:`Result` for it."""


class Judged(NamedTuple):
    """A result, and the array that it is of, if there is one."""

    result: Result
    array: Array | None = None


def unsupported(about: About, reason: str) -> Judged:
    """Make the result of a layer that there is none of."""
    return Judged(
        Result(**about, status="unsupported", predicted="unsupported", explained=True, reason=reason)
    )


def value_result(
    about: About, answer: Answer, spelling: Spelling, reference: Reference, mode: Mode
) -> Judged:
    """Make the result of a layer's call."""
    about = _with_notes(about, answer)
    if answer.ending != "ok":
        return _without_output(about, answer, spelling.refusal)
    (output,) = answer.outputs
    wrong = _wrong_dtype(output, reference.case.dtype)
    if wrong:
        return invalid(about, wrong)
    observation = observe(output, reference, mode)
    judgement = _unsteady(answer, exact=reference.exact) or explain(
        spelling, output, observation, reference, mode
    )
    told = _told(output, reference.y, observation)
    if told.get("compared"):
        told["not_ruled_out"] = not_ruled_out(reference, mode)
    if observation.relation != "identical":
        told["errors"] = error_map(output, reference.y)
    return _computed(about | told, output, observation, judgement)


def gradient_results(about: About, answer: Answer, backward: Backward, mode: Mode) -> list[Judged]:
    """Make the results of a layer's backward pass, one for each gradient that there is to be."""
    abouts = {
        name: {**_with_notes(about, answer), "output": name, "predicted": "identical"}
        for name in backward.expected
    }
    if answer.ending != "ok":
        return [_without_output(each, answer, None) for each in abouts.values()]
    if len(answer.outputs) != len(abouts):
        wrong = f"it returned {len(answer.outputs)} gradients, and there are {len(abouts)}"
        return [invalid(each, wrong) for each in abouts.values()]
    outputs = zip(abouts.items(), answer.outputs, strict=True)
    return [
        _gradient(each, answer, name, output, backward.expected[name], mode)
        for (name, each), output in outputs
    ]


def told_apart(of_kept: Judged, of_new: Judged) -> Judged:
    """Return what a new layer's answer is judged to be, unless it is explained and a kept layer's is not.

    That one had been called before, and was given this task's weights; of one whose process has ended it is
    not known whether it had.
    """
    if of_kept.result.explained or not of_new.result.explained:
        return of_new
    had = "may have" if of_kept.result.status in ENDED_BADLY else "had"
    reason = (
        f"{of_kept.result.reason or 'nothing explains it'}; a new layer, asked the same, is explained: this "
        f"one {had} been called before, with other weights and another input"
    )
    return of_kept._replace(result=replace(of_kept.result, reason=reason))


def compare_pairs(results: Iterable[tuple[Result, Array | None]], dtype: str) -> tuple[Pair, ...]:
    """Compare every two results that computed the output, under the tolerances of ``dtype``."""
    computed = [
        (result.label, array) for result, array in results if array is not None and result.output == "value"
    ]
    return tuple(_pair(a, b, dtype) for a, b in combinations(computed, 2))


def _gradient(
    about: About, answer: Answer, name: Gradient, output: Array, expected: Expected, mode: Mode
) -> Judged:
    wrong = _wrong_dtype(output, expected.dtype)
    if wrong:
        return invalid(about, wrong)
    observation = observe_gradient(name, output, expected, mode)
    judgement = _unsteady(answer, exact=expected.exact) or explain_gradient(observation)
    return _computed(about | _told(output, expected.y, observation), output, observation, judgement)


def _told(output: Array, due: Array, observation: Observation) -> About:
    """Return what a result says of itself where it is as it has to be and that tells nothing, or little."""
    if observation.relation != "identical":
        return {}
    finite = compared_values(output, due)
    nothing = nothing_told(finite, due.size)
    little = nothing or little_told(finite, due.size)
    return {"compared": nothing is None, "notes": () if little is None else (little,)}


def _unsteady(answer: Answer, *, exact: bool) -> tuple[bool, str] | None:
    """Judge an output that has other bits at another time, where every sum is exact."""
    if not exact or answer.repeats is None or answer.repeats.same:
        return None
    counts = ", ".join(f"{count} with {threads}" for threads, count in answer.repeats.distinct.items())
    return (
        False,
        f"its bits change between runs, and every sum is exact; different outputs by threads: {counts}",
    )


def _with_notes(about: About, answer: Answer) -> About:
    return {**about, "warnings": answer.warnings, "printed": answer.printed, "repeats": answer.repeats}


def _wrong_dtype(output: Array, dtype: str) -> str | None:
    if output.dtype == numpy_dtype(dtype):
        return None
    return f"it returned dtype {output.dtype}, and the case's is {dtype}"


def _without_output(about: About, answer: Answer, refusal: Refusal | None) -> Judged:
    if answer.ending == "rejected":
        return _rejected(about, answer, refusal)
    said = answer.ending == "unsupported"
    return Judged(
        Result(**about, status=answer.ending, error=answer.error, explained=said, reason=answer.reason)
    )


def _rejected(about: About, answer: Answer, refusal: Refusal | None) -> Judged:
    foreseen = refusal is not None and answer.error_class in refusal.errors
    unforeseen = "it raised, and its rules do not say that it would"
    return Judged(
        Result(
            **about,
            status="rejected",
            error=answer.error,
            relation="rejected",
            explained=foreseen,
            reason=refusal.reason if refusal and foreseen else unforeseen,
        )
    )


def invalid(about: About, wrong: str) -> Judged:
    """Make the result of a framework that returned what it must not."""
    return Judged(Result(**about, status="invalid", error=wrong, reason=wrong))


def _pair(a: tuple[str, Array], b: tuple[str, Array], dtype: str) -> Pair:
    both = compare(a[1], b[1], dtype)
    return Pair(a[0], b[0], shape_equal=both.shape_equal, allclose=both.allclose)


def _computed(
    about: About, output: Array, observation: Observation, judgement: tuple[bool, str | None]
) -> Judged:
    explained, reason = judgement
    comparison = observation.comparison
    result = Result(
        **about,
        status="ok",
        shape=output.shape,
        shape_equal=comparison.shape_equal,
        allclose=comparison.allclose,
        exact=comparison.exact,
        finite_share=finite_share(output),
        max_abs_error=comparison.max_abs_error,
        bound_ratio=observation.bound_ratio,
        relation=observation.relation,
        offset=observation.offsets[0] if observation.offsets else None,
        places=observation.places,
        explained=explained,
        reason=reason,
    )
    return Judged(result, output)
