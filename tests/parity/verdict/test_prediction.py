from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from parity.cases.arrays import Array, Arrays, is_constant, numpy_dtype
from parity.cases.case import Case
from parity.cases.values.drawing import draw_arrays
from parity.frameworks.precision import BFLOAT16, Mode, accumulated_in_float32
from parity.frameworks.spelling import Refusal, Spelling, Unsupported, windows_agree
from parity.records.result import CaseResult, Result
from parity.running import run_with
from parity.verdict.bounds import keeps
from parity.verdict.compare import compare
from parity.verdict.observation import observe
from parity.verdict.prediction import explain, explain_gradient, predict, predicted_offset
from parity.verdict.reference import make_reference
from parity.verdict.relation import Observation, Relation
from tests.support import definition
from tests.support.responses import reach, response
from tests.support.scripted import Scripted, spelling_of
from tests.support.strategies import cases, changed, exact_cases_with_an_output, examples, other_windows

NO = Refusal("it takes none of this", ("ValueError", "TypeError"))
PERHAPS = Refusal("some of its code paths take none of this", ("ValueError",), certain=False)

SAME = Case("conv_transpose1d", (1, 1, 4), 1, 3, stride=2, padding="same")
TORCH = Case("conv_transpose1d", (1, 1, 4), 1, 3, stride=2, padding=1, output_padding=1)


def output_of(meaning: Case, shift: int = 0) -> Array:
    """What a framework gives that computes this case, beginning so many elements later on the last axis."""
    offset = (*[0] * (meaning.rank - 1), shift)
    return response(meaning, (abs(shift),) * meaning.rank).cut(offset, meaning.output_shape[2:])


def judge(case: Case, spelling: Spelling, output: Array, mode: Mode | None = None) -> tuple[bool, str]:
    reference = make_reference(case, draw_arrays(case))
    explained, reason = explain(spelling, output, observe(output, reference, mode), reference, mode)
    return explained, reason or ""


def run_scripted(
    case: Case, spelling: Spelling | Unsupported, outcome: object = None
) -> tuple[CaseResult, Result]:
    found = run_with(case, [Scripted((spelling,), outcome)])
    (result,) = found.results
    return found, result


@examples(150)
@given(exact_cases_with_an_output())
def test_the_predicted_values_are_explained_and_agree(case: Case) -> None:
    found, result = run_scripted(case, spelling_of(case), output_of(case))
    assert (result.predicted, result.relation, result.explained) == ("identical", "identical", True)
    assert result.reason is None
    assert result.offset == (0,) * case.rank
    assert found.verdict == ("explained" if is_constant(found.reference) else "agree")


@examples(200)
@given(st.data())
def test_a_predicted_window_that_comes_is_explained(data: st.DataObject) -> None:
    case = data.draw(exact_cases_with_an_output())
    meaning = data.draw(other_windows(case))
    _, result = run_scripted(case, spelling_of(meaning, "lookalike"), output_of(meaning))
    assert result.explained, result.reason
    assert result.predicted == ("identical" if windows_agree(case, meaning) else "window")


@examples(200)
@given(st.data())
def test_a_predicted_flip_is_explained_and_no_other_output_is(data: st.DataObject) -> None:
    case = data.draw(exact_cases_with_an_output())
    meaning = data.draw(st.sampled_from([case, data.draw(other_windows(case))]))
    flips = replace(spelling_of(meaning, "lookalike"), flips=True)
    reference = make_reference(case, draw_arrays(case)).flipped()
    right = reference.compute(geometry=meaning.geometry).astype(numpy_dtype(case.dtype))
    _, result = run_scripted(case, flips, right)
    assert result.explained, result.reason
    words = ("identical", "window") if max(case.kernel) == 1 else ("flipped", "window flipped")
    assert result.predicted == words[not windows_agree(case, meaning)]
    unflipped = output_of(meaning)
    explained, reason = judge(case, flips, unflipped)
    assert explained == np.array_equal(unflipped, right), reason


@examples(200)
@given(st.data())
def test_a_window_elsewhere_than_predicted_is_unexplained(data: st.DataObject) -> None:
    case = data.draw(exact_cases_with_an_output())
    meaning = data.draw(other_windows(case))
    shift = data.draw(st.integers(1, reach(case)[-1])) * data.draw(st.sampled_from([1, -1]))
    output = output_of(meaning, shift)
    found, result = run_scripted(case, spelling_of(meaning), output)
    assert result.explained == np.array_equal(output, output_of(meaning))
    assert result.explained or found.verdict == "unexplained"


@examples(100)
@given(st.data())
def test_the_case_itself_is_unexplained_where_another_window_was_predicted(data: st.DataObject) -> None:
    case = data.draw(exact_cases_with_an_output())
    meaning = data.draw(other_windows(case))
    explained, _ = judge(case, spelling_of(meaning, "lookalike"), output_of(case))
    own, predicted = output_of(case), output_of(meaning)
    assert explained == np.array_equal(own, predicted)


@examples(100)
@given(st.data())
def test_one_wrong_element_of_a_predicted_window_is_unexplained(data: st.DataObject) -> None:
    case = data.draw(exact_cases_with_an_output())
    meaning = data.draw(other_windows(case))
    output = output_of(meaning)
    output.flat[data.draw(st.integers(0, output.size - 1))] += 1
    explained, reason = judge(case, spelling_of(meaning, "lookalike"), output)
    assert not explained
    assert reason


@examples(30)
@given(st.data(), cases(dtypes=("float32",), values=("normal",)))
def test_real_numbers_of_a_predicted_window_have_the_bound_of_their_mode(
    data: st.DataObject, case: Case
) -> None:
    meaning = data.draw(other_windows(case))
    spelling, wide = spelling_of(meaning, "lookalike"), draw_arrays(case).widened()
    exact = definition.output(meaning, wide).astype(float)
    for factor in (0.9, -0.9, 1.1, -1.1):
        output = exact + factor * definition.bounds(meaning, wide, BFLOAT16).astype(float)
        for mode in (BFLOAT16, None):
            allowed = definition.bounds(meaning, wide, mode or accumulated_in_float32(case.dtype))
            within = (np.abs(output - exact) <= allowed).all()
            assert judge(case, spelling, output, mode)[0] == within


def test_integers_of_a_predicted_window_have_to_be_exact_in_every_mode() -> None:
    spelling, output = spelling_of(TORCH, "lookalike"), output_of(TORCH)
    assert judge(SAME, spelling, output, BFLOAT16)[0]
    output[0, 0, 3] += 1
    assert keeps(output, make_reference(SAME, draw_arrays(SAME)), BFLOAT16, TORCH.geometry)
    assert not judge(SAME, spelling, output, BFLOAT16)[0]


def test_integers_of_a_predicted_window_may_be_too_large_for_the_dtype_where_the_cases_own_are_not() -> None:
    case = Case("conv_transpose1d", (1, 1, 2), 1, 1, padding=((0, 1),), dtype="bfloat16")
    meaning = changed(case, padding=((1, 0),))
    x, w = (np.array(values, numpy_dtype("bfloat16")) for values in ([[[1, 255]]], [[[3]]]))
    reference = make_reference(case, Arrays(x, w, None))
    assert reference.exact
    for value, explained in ((764, True), (768, False), (760, False), (3, False)):  # 765, to 8 bits
        output = np.array([[[value]]], numpy_dtype("bfloat16"))
        observed = observe(output, reference)
        assert explain(spelling_of(meaning, "lookalike"), output, observed, reference)[0] == explained
        assert observed.relation == ("identical" if value == 3 else "window"), value


@examples(100)
@given(exact_cases_with_an_output())
def test_another_shape_than_predicted_is_unexplained(case: Case) -> None:
    output = output_of(case)
    for wrong in (output[..., np.newaxis], output[..., :0], output.ravel(), output.sum()):
        explained, reason = judge(case, spelling_of(case), np.asarray(wrong))
        assert not explained
        assert str(case.output_shape) in reason


@pytest.mark.parametrize(
    ("spelling", "word"),
    [
        (spelling_of(SAME), "identical"),
        (spelling_of(TORCH), "window"),
        (spelling_of(SAME, refusal=NO), "rejected"),
        (spelling_of(SAME, refusal=PERHAPS), "rejected or identical"),
        (spelling_of(TORCH, refusal=PERHAPS), "rejected or window"),
        (spelling_of(changed(SAME, padding=[[4, 5]])), "empty"),
        (spelling_of(changed(SAME, padding=[[4, 5]]), refusal=PERHAPS), "rejected or empty"),
    ],
)
def test_a_prediction_is_one_of_few_words(spelling: Spelling, word: str) -> None:
    assert predict(spelling, SAME) == word


def test_an_offset_is_counted_in_the_full_response_or_in_the_input() -> None:
    assert predicted_offset(TORCH, SAME) == (1,)
    assert predicted_offset(SAME, TORCH) == (-1,)
    ahead, behind = (Case("conv1d", (1, 1, 9), 1, 3, padding=[pair]) for pair in ((2, 0), (0, 2)))
    assert predicted_offset(behind, ahead) == (2,)


def test_an_explained_window_says_where_it_begins_and_what_it_holds() -> None:
    _, reason = judge(SAME, spelling_of(TORCH, "lookalike"), output_of(TORCH))
    assert (
        reason
        == "begins 1 elements after the reference in the full response of 9, and has 8 elements against 8"
    )


@pytest.mark.parametrize(
    ("meaning", "case", "reason"),
    [
        (
            Case("conv1d", (1, 1, 9), 1, 3, padding=((0, 2),)),
            Case("conv1d", (1, 1, 9), 1, 3, padding=((2, 0),)),
            "begins 2 elements after the reference in the input, and has 9 elements against 9",
        ),
        (
            Case("conv1d", (1, 1, 9), 1, 3, padding=((2, 0),)),
            Case("conv1d", (1, 1, 9), 1, 3, padding=((0, 2),)),
            "begins 2 elements before the reference in the input, and has 9 elements against 9",
        ),
        (
            Case("conv2d", (1, 1, 9, 9), 1, 3, padding=((1, 1), (0, 2))),
            Case("conv2d", (1, 1, 9, 9), 1, 3, padding=((0, 2), (0, 2))),
            (
                "begins (1, 0) elements before the reference in the input, "
                "and has (9, 9) elements against (9, 9)"
            ),
        ),
        (
            Case("conv1d", (1, 1, 9), 1, 3),
            Case("conv1d", (1, 1, 9), 1, 3, padding=((0, 2),)),
            "begins where the reference does in the input, and has 7 elements against 9",
        ),
        (
            Case("conv_transpose2d", (1, 1, 4, 3), 1, 3, stride=2, padding=(2, 0)),
            Case("conv_transpose2d", (1, 1, 4, 3), 1, 3, stride=2, padding=(1, 1)),
            (
                "begins (1, -1) elements after the reference in the full response of (9, 7), "
                "and has (5, 7) elements against (7, 5)"
            ),
        ),
    ],
)
def test_an_explained_window_says_in_what_it_begins_and_both_sizes(
    meaning: Case, case: Case, reason: str
) -> None:
    assert judge(case, spelling_of(meaning, "lookalike"), output_of(meaning)) == (True, reason)


def test_an_empty_output_that_was_predicted_is_explained() -> None:
    empty = changed(SAME, padding=[[4, 5]])
    found = judge(empty, spelling_of(empty), np.zeros(empty.output_shape))
    assert found == (True, "the output of shape (1, 1, 0) has no element to compare")


def test_an_unexplained_window_says_where_it_was_found() -> None:
    explained, reason = judge(SAME, spelling_of(SAME), output_of(TORCH))
    assert not explained
    begins = "it is another window: it begins 1 elements after the reference in the full response"
    assert str(reason).startswith(f"{begins}, as if the padding's ends were exchanged; greatest difference ")


def test_another_window_than_predicted_says_both() -> None:
    explained, reason = judge(SAME, spelling_of(TORCH, "lookalike"), output_of(TORCH, 1))
    assert not explained
    predicted = (
        "begins 1 elements after the reference in the full response of 9, and has 8 elements against 8"
    )
    assert reason.startswith(f"predicted was that it {predicted}; it is another window: it begins 2 elements")


@pytest.mark.parametrize(
    ("relation", "message", "judgement"),
    [
        ("identical", None, (True, None)),
        ("no verdict", "too many terms", (True, "too many terms")),
        ("numeric", "it is close", (False, "it is close")),
        ("unrelated", None, (False, "it is unrelated")),
    ],
)
def test_a_gradient_has_to_be_the_references(
    relation: Relation, message: str | None, judgement: tuple[bool, str | None]
) -> None:
    ones = np.ones(3)
    observation = Observation(relation, (), compare(ones, ones, "float32"), message)
    assert explain_gradient(observation) == judgement


@pytest.mark.parametrize("error", [ValueError("not this"), TypeError("not this")])
@pytest.mark.parametrize("refusal", [NO, PERHAPS])
def test_a_predicted_refusal_is_explained(refusal: Refusal, error: Exception) -> None:
    found, result = run_scripted(SAME, spelling_of(SAME, refusal=refusal), error)
    foreseen = type(error).__name__ in refusal.errors
    assert (result.status, result.relation, result.explained) == ("rejected", "rejected", foreseen)
    assert result.error == f"{type(error).__name__}: not this"
    assert found.verdict == ("explained" if foreseen else "unexplained")
    assert not foreseen or result.reason == refusal.reason


def test_a_refusal_that_does_not_come_is_unexplained() -> None:
    found, result = run_scripted(SAME, spelling_of(SAME, refusal=NO), output_of(SAME).astype(np.float32))
    assert (result.status, result.exact, result.explained) == ("ok", True, False)
    assert "it computed" in (result.reason or "")
    assert found.verdict == "unexplained"


def test_a_refusal_that_may_come_need_not() -> None:
    found, _ = run_scripted(SAME, spelling_of(SAME, refusal=PERHAPS), output_of(SAME).astype(np.float32))
    assert found.verdict == "agree"


def test_an_unpredicted_refusal_is_unexplained() -> None:
    found, result = run_scripted(SAME, spelling_of(SAME), ValueError("not this"))
    assert (result.status, result.explained) == ("rejected", False)
    assert found.verdict == "unexplained"


def test_a_refusal_by_another_error_than_predicted_is_unexplained() -> None:
    _, result = run_scripted(SAME, spelling_of(SAME, refusal=NO), RuntimeError("not this"))
    assert not result.explained


def test_no_layer_at_all_is_explained_and_does_not_agree() -> None:
    found, result = run_scripted(SAME, Unsupported("it has no such layer"))
    assert (result.status, result.layer, result.explained) == ("unsupported", None, True)
    assert result.reason == "it has no such layer"
    assert found.verdict == "explained"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_another_dtype_than_the_cases_is_invalid_though_the_values_are_equal(dtype: str) -> None:
    counting = changed(SAME, values="arange")  # so small that every dtype has its outputs
    output = output_of(counting).astype(numpy_dtype(dtype))
    found, result = run_scripted(counting, spelling_of(counting), output)
    assert (result.status, result.explained) == ("invalid", False)
    assert result.error == f"it returned dtype {dtype}, and the case's is float32"
    assert found.verdict == "unexplained"


def test_integers_have_to_be_exact() -> None:
    nearly = (output_of(SAME) * (1 + 1e-7)).astype(np.float32)
    nearly[..., 0] = np.nextafter(nearly[..., 0], np.float32(np.inf))
    found, result = run_scripted(SAME, spelling_of(SAME), nearly)
    assert (result.allclose, result.exact, result.relation) == (True, False, "numeric")
    assert found.verdict == "unexplained"


def test_a_long_error_is_shortened_and_stripped_of_terminal_codes() -> None:
    _, result = run_scripted(SAME, spelling_of(SAME), ValueError("\x1b[1mred\x1b[0m\n  and " + "long " * 999))
    assert (result.error or "").startswith("ValueError: red and long long")
    assert len(result.error or "") < 500
