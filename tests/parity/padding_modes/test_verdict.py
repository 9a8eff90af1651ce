"""What a result of a padding mode is judged by: the output, its gradients, and their bounds."""

from __future__ import annotations

import itertools
from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from convmm.unfold import spatial
from parity import Case, run
from parity.cases.arrays import Array
from parity.cases.values.digits import MOST_PRODUCTS
from parity.cases.values.drawing import draw_arrays
from parity.frameworks.precision import accumulated_in_float32
from parity.verdict.gradients import gradients, make_backward, observe_gradient
from parity.verdict.observation import observe
from parity.verdict.reference import make_reference
from tests.support.filled import FILLED, WAYS, filled_cases, longer
from tests.support.strategies import EVERY_DTYPE, changed, examples

EVERY_VALUE = ("integers", "normal", "wide", "special", "digits", "arange")


@examples(150)
@given(filled_cases(("float32", "float64"), ("integers", "normal", "special")))
def test_the_output_is_that_of_the_input_that_numpy_pads(case: Case) -> None:
    found = make_reference(case, draw_arrays(case))
    due = make_reference(*longer(case, draw_arrays(case)))
    np.testing.assert_array_equal(found.y, due.y)
    assert found.exact == due.exact


@examples(100)
@given(filled_cases(("float64",)), st.randoms(use_true_random=False))
def test_the_gradients_are_the_adjoints_of_the_operation(case: Case, random: object) -> None:
    arrays = draw_arrays(case)._replace(bias=None)
    case = changed(case, bias=False)
    seed = random.getrandbits(32)  # type: ignore[attr-defined]
    dy = np.random.default_rng(seed).integers(-3, 4, case.output_shape).astype(np.float64)
    found = gradients(case, arrays.widened(), dy)
    y = make_reference(case, arrays).y
    assert found["input_grad"].shape == case.input
    assert np.vdot(arrays.x, found["input_grad"]) == np.vdot(y, dy) == np.vdot(arrays.w, found["weight_grad"])
    for place in itertools.islice(np.ndindex(case.input), 6):
        unit = np.zeros(case.input)
        unit[place] = 1
        assert found["input_grad"][place] == np.vdot(make_reference(case, arrays._replace(x=unit)).y, dy)


@examples(60)
@given(filled_cases(EVERY_DTYPE, EVERY_VALUE))
def test_the_gradients_of_the_longer_input_rounded_and_folded_keep_their_bounds(case: Case) -> None:
    """As torch does: the gradient by the longer input in the dtype, added up in it."""
    arrays = draw_arrays(case)
    backward = make_backward(case, arrays)
    other, given_x = longer(case, arrays)
    with np.errstate(all="ignore"):
        by_longer = gradients(other, given_x.widened(), backward.dy.astype(np.float64))["input_grad"]
        dx = by_longer.astype(backward.dy.dtype)
        for axis, (size, (before, after)) in enumerate(
            zip(case.input[2:], case.explicit["padding"], strict=True), 2
        ):
            reads = np.pad(np.arange(size), (before, after), WAYS[case.padding_mode])
            summed = np.zeros((*dx.shape[:axis], size, *dx.shape[axis + 1 :]), dx.dtype)
            for place, element in enumerate(reads):
                summed[(slice(None),) * axis + (element,)] += dx[(slice(None),) * axis + (place,)]
            dx = summed
    expected = backward.expected["input_grad"]
    found = observe_gradient("input_grad", dx, expected, accumulated_in_float32(case.dtype))
    assert found.relation in {"identical", "no verdict", "empty"}


@examples(100)
@given(filled_cases(EVERY_DTYPE, ("integers",)))
def test_integers_are_so_small_that_every_sum_is_exact(case: Case) -> None:
    assert make_reference(case, draw_arrays(case)).exact


@examples(100)
@given(filled_cases(("float32",), ("digits",)))
def test_an_output_of_digits_adds_up_few_products_or_reads_one_element_as_often(case: Case) -> None:
    case = changed(case, bias=False)
    x, w, _ = draw_arrays(case).widened()
    other, arrays = longer(case, draw_arrays(case)._replace(x=(x != 0) * 1.0, w=w != 0))
    products = make_reference(other, arrays).y.max(initial=0)
    single = np.zeros((1, 1, *case.input[2:]))
    one = changed(case, input=single.shape, filters=1, groups=1)
    ones = draw_arrays(one)._replace(w=np.ones(one.kernel_shape))
    least = np.inf
    for place in np.ndindex(single.shape):
        single = np.zeros_like(single)
        single[place] = 1
        times = make_reference(*longer(one, ones._replace(x=single))).y.max(initial=0)
        least = min(least, times) if times else least
    assert products <= max(MOST_PRODUCTS, least if np.isfinite(least) else 0)


@pytest.mark.parametrize("mode", FILLED)
@pytest.mark.parametrize("stride", [1, 2])
def test_another_window_is_found_before_and_behind_the_padding(mode: str, stride: int) -> None:
    pads = ((1, 1), (0, 2))
    case = Case("conv2d", (1, 2, 5, 6), 2, 3, stride, pads, padding_mode=mode, dtype="float64")
    reference = make_reference(case, draw_arrays(case))
    wide = [(0, 0), (0, 0), (20, 20), (20, 20)]
    x = np.pad(reference.arrays.x, wide, WAYS[mode])
    dense = make_reference(Case("conv2d", x.shape, 2, 3, dtype="float64"), reference.arrays._replace(x=x)).y
    for offset in itertools.product(range(-3, 4), repeat=2):
        starts = [20 - before + move for (before, _), move in zip(pads, offset, strict=True)]
        spans = [
            slice(start, start + size * stride, stride)
            for start, size in zip(starts, reference.y.shape[2:], strict=True)
        ]
        found = observe(dense[spatial(spans)], reference)
        assert offset in found.offsets
        assert found.relation == ("window" if any(offset) else "identical")


def explained(case: Case, output: Array) -> object:
    """What is said of an output that is no right one."""
    reference = make_reference(case, draw_arrays(case))
    return observe(output.astype(np.float32), reference).message


@pytest.mark.parametrize("mode", FILLED)
@pytest.mark.parametrize("other", ["constant", "reflect", "edge", "wrap", "symmetric"])
def test_padding_that_holds_something_else_is_named(mode: str, other: str) -> None:
    case = Case("conv2d", (2, 2, 6, 7), 2, (3, 2), padding=((2, 1), (0, 3)), padding_mode=mode)
    arrays = draw_arrays(case)
    plain, padded = longer(case, arrays)
    x = np.pad(arrays.x, [(0, 0), (0, 0), *case.explicit["padding"]], other)  # type: ignore[call-overload]
    wrong = make_reference(plain, padded._replace(x=x)).y
    if other == WAYS[mode]:
        assert explained(case, wrong) is None
    else:
        named = {"constant": "zeros"}.get(other, f"{other} values")
        assert f"the padding ((2, 1), (0, 3)) holds {named}, not {WAYS[mode]} values" in str(
            explained(case, wrong)
        )


@pytest.mark.parametrize("mode", FILLED)
def test_pads_in_another_order_of_the_axes_are_named(mode: str) -> None:
    case = Case("conv2d", (1, 2, 6, 7), 2, 3, padding=(1, 3), padding_mode=mode)
    swapped = replace(case, padding=((3, 3), (1, 1)))
    wrong = make_reference(swapped, draw_arrays(case)).y
    assert "as if the padding's axes were in the order (1, 0)" in str(explained(case, wrong))


@examples(40)
@given(filled_cases(EVERY_DTYPE, EVERY_VALUE))
def test_the_core_has_the_right_outputs_and_gradients(case: Case) -> None:
    found = run(case, ["numpy"], grad=True, isolated=False)
    assert {each.explained for each in found.results} == {True}
    assert {each.relation for each in found.results} <= {"identical", "no verdict", "empty"}
    assert "unsupported" not in {each.status for each in found.results if each.output == "value"}
