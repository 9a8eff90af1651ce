"""Gradients where values are odd: infinite, too large to be exact, or not there at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from parity import Case, run
from parity.cases.arrays import Array, limit_of
from parity.cases.values.drawing import draw_arrays
from parity.cli.main import run_cli
from parity.frameworks.precision import accumulated_in_float32, accumulator_unknown, flushing
from parity.records.counts import Outcome
from parity.verdict.gradients import Gradient, gradients, make_backward, observe_gradient
from tests.support import naive
from tests.support.definition import SMALLEST
from tests.support.strategies import cases, changed, examples

pytestmark = pytest.mark.usefixtures("shared_processes")

ODD = ("special", "arange")


@examples(80)
@given(cases(values=ODD))
def test_the_cores_gradients_of_odd_values_are_explained(case: Case) -> None:
    found = run(case, ["numpy"], grad=True)
    assert [(each.label, each.reason) for each in found.results if not each.explained] == []


@examples(60)
@given(cases(dtypes=("float32", "float64"), values=ODD))
def test_torchs_gradients_of_odd_values_are_explained(case: Case) -> None:
    found = run(case, ["torch"], grad=True)
    assert [(each.label, each.reason) for each in found.results if not each.explained] == []


@examples(60)
@given(cases(values=("special",)))
@example(Case("conv1d", (1, 6, 5), 8, 2, stride=2, padding=1, groups=2, values="special"))
@example(Case("conv_transpose1d", (1, 6, 3), 8, 2, stride=2, padding=1, groups=2, values="special"))
def test_a_gradient_by_the_input_is_settled_where_all_wild_weights_meet_the_output(case: Case) -> None:
    wild = (~np.isfinite(draw_arrays(case).w)).astype(np.float64)
    own = dict.fromkeys(range(case.input[1]), 0)  # wild weights of each input channel
    for first, second, *_ in np.argwhere(wild):
        group = first // (case.filters // case.groups) * (case.input[1] // case.groups)
        own[int(first if case.transposed else group + second)] += 1
    settled = make_backward(case, draw_arrays(case)).expected["input_grad"].settled
    settled = np.broadcast_to(settled, case.input)
    function = naive.conv_transpose if case.transposed else naive.conv
    for place in np.ndindex(1, *case.input[1:]):
        one = np.zeros((1, *case.input[1:]))
        one[place] = 1
        met = np.asarray(function(one, wild, None, **case.explicit)).sum()
        assert settled[place] == (met == own[place[1]])


def subnormals_taken_for_zeros(array: Array) -> Array:
    return np.where(np.abs(array) < SMALLEST[str(array.dtype)], 0, array).astype(np.float64)


@examples(80)
@given(cases(values=("normal", "wide")), st.sampled_from("xw"))
def test_a_gradient_without_the_products_of_subnormal_numbers_is_within_the_bound_that_flushes(
    case: Case, small: str
) -> None:
    drawn = draw_arrays(case)
    tiny = (getattr(drawn, small).astype(np.float64) * SMALLEST[case.dtype]).astype(drawn.x.dtype)
    arrays = drawn._replace(**{small: tiny})
    backward = make_backward(case, arrays)
    found = gradients(case, arrays.each(subnormals_taken_for_zeros), backward.dy.astype(np.float64))
    mode = flushing(accumulated_in_float32(case.dtype))
    for name, result in found.items():
        assert observe_gradient(name, result, backward.expected[name], mode).relation in {
            "identical",
            "empty",
        }


@pytest.mark.parametrize("name", ["weight_grad", "input_grad"])
def test_a_partial_sum_of_a_gradient_may_overflow_beside_an_infinity_of_another_sign(name: Gradient) -> None:
    by_weight = name == "weight_grad"
    case = Case("conv1d", (40 if by_weight else 1, 1, 1), 1 if by_weight else 40, 1, dtype="float16")
    case = changed(case, values="normal")
    signs = np.sign(make_backward(case, draw_arrays(case)).dy.astype(np.float64)).reshape(40, 1, 1)
    for opposing, kept in ((60000, True), (60, False)):
        factors = -signs * opposing
        factors[0] *= -np.inf
        arrays = draw_arrays(case)._replace(**{"x" if by_weight else "w": factors.astype(np.float16)})
        expected = make_backward(case, arrays).expected[name]
        assert expected.y == np.inf
        modes = accumulator_unknown("float16"), accumulated_in_float32("float16")
        for mode, narrow in zip(modes, (True, False), strict=True):
            found = observe_gradient(name, np.full((1, 1, 1), np.nan, np.float16), expected, mode)
            assert (found.relation == "identical") == (kept and narrow)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_wrong_gradient_is_wrong_beside_subnormal_numbers(dtype: str) -> None:
    case = Case("conv2d", (2, 1, 6, 6), 3, 3, bias=True, dtype=dtype, values="normal")
    arrays = draw_arrays(case)
    arrays.w.flat[0] = limit_of(dtype, "smallest_subnormal")
    for name, expected in make_backward(case, arrays).expected.items():
        right = expected.y.astype(dtype)
        assert observe_gradient(name, right, expected).relation == "identical"
        for wrong in (0 * right, -right, 2 * right, right[::-1]):
            assert observe_gradient(name, wrong, expected).relation in {"numeric", "unrelated"}


@pytest.mark.parametrize("framework", ["numpy", "torch", "keras"])
def test_products_of_subnormal_numbers_may_be_lost_where_these_are_flushed(framework: str) -> None:
    case = Case("conv2d", (1, 1, 4, 4), 1, 3, values="normal")
    below, many = np.full(case.input, 1.17e-38, np.float32), np.full(case.kernel_shape, 100, np.float32)
    for arrays in ({"x": below, "w": many}, {"x": below * 1e38, "w": many * 1e-40}):
        found = run(case, [framework], grad=True, **arrays)
        assert [(each.label, each.reason) for each in found.results if not each.explained] == []


@pytest.mark.parametrize(
    ("arguments", "code", "printed"),
    [
        (
            "conv1d --input 1,1,3 --filters 1 --kernel 2 --values arange --dtype float16",
            Outcome.EXPLAINED,
            "",
        ),
        ("conv1d --input 1,1,3 --filters 1 --kernel 2 --values special", Outcome.EXPLAINED, ""),
        (
            "conv2d --input 1,2,7,7 --filters 2 --kernel 2 --dilation 2 --values special --bias",
            Outcome.EXPLAINED,
            "",
        ),
        (
            "conv_transpose1d --input 2,1,3 --filters 1 --kernel 2 --padding 2 --values special --bias",
            Outcome.NOTHING_COMPARED,
            "",
        ),
        (
            "conv1d --input 1,1,70000 --filters 1 --kernel 1 --values arange --dtype float16",
            Outcome.WRONG_INPUT,
            "values='arange'",
        ),
        (
            "conv1d --input 1,1,3 --filters 1 --kernel 2 --impl math:sin --frameworks nosuch",
            Outcome.WRONG_INPUT,
            "'nosuch'",
        ),
    ],
)
def test_an_odd_case_gives_a_verdict_or_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: str, code: Outcome, printed: str
) -> None:
    given = ["run", *arguments.split(), "--grad"]
    assert run_cli([*given, *([] if "--frameworks" in given else ["--frameworks", "numpy,torch"])]) == code
    said, _, following = capsys.readouterr().err.partition("next, ")
    assert printed in said
    assert len(said.splitlines()) == bool(printed)
    assert ("\n    parity " in following) == (code not in {Outcome.WRONG_INPUT, Outcome.CRASHED})


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_integers_too_large_to_be_exact_are_held_to_a_bound(dtype: str) -> None:
    case = Case("conv1d", (1, 1, 5000), 1, 1, dtype=dtype, values="arange")
    expected = make_backward(case, draw_arrays(case)).expected["weight_grad"]
    assert not expected.exact
    with np.errstate(over="ignore"):
        right = expected.y.astype(draw_arrays(case).x.dtype)
    assert observe_gradient("weight_grad", right, expected).relation == "identical"
    assert observe_gradient("weight_grad", -right, expected).relation != "identical"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_gradient_that_is_tamed_is_named_by_a_place_that_differs(dtype: str) -> None:
    case = changed(Case("conv2d", (2, 2, 6, 6), 3, 2), dtype=dtype, values="special")
    expected = make_backward(case, draw_arrays(case)).expected["weight_grad"]
    result = expected.y.astype(dtype)
    assert np.isnan(result).any()
    assert observe_gradient("weight_grad", result, expected).relation == "identical"
    last = tuple(int(i) for i in np.argwhere(np.isnan(result))[-1])
    result[last] = 5
    message = str(observe_gradient("weight_grad", result, expected).message)
    assert f"at index {last}: 5 against nan" in message


@pytest.mark.parametrize("framework", ["numpy", "torch"])
def test_an_undefined_input_may_be_multiplied_by_the_gradients_padding_or_left_out(framework: str) -> None:
    case = Case("conv_transpose1d", (2, 1, 40), 1, 2, padding="same", dilation=2, values="special")
    assert not np.isfinite(draw_arrays(case).x).all()
    found = run(case, [framework], grad=True)
    assert [each.label for each in found.results if not each.explained] == []
