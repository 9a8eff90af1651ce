"""What is computed in too few digits is told, at any number of terms."""

import math

import numpy as np
import pytest
from hypothesis import assume, given

from parity import Case, run
from parity.cases.arrays import limit_of
from parity.cases.values.drawing import draw_arrays
from parity.frameworks.modes import MODES
from parity.records.result import Result
from tests.support import narrow
from tests.support.narrow import NARROW, Function
from tests.support.strategies import cases, examples

TERMS = {27: ((2, 3, 9, 9), 3), 1152: ((1, 128, 9, 9), 3), 16_384: ((1, 1024, 12, 12), 4)}
TRANSPOSED = {27: ((2, 3, 9, 9), 3), 16_384: ((1, 1024, 7, 7), 4)}
"""Input and kernel, by the number of terms."""


def digits(op: str, size: tuple[int, ...], kernel: int, stride: int = 1) -> Case:
    return Case(op, size, 4, kernel, stride=stride, values="digits")


def of_function(case: Case, function: Function, mode: str | None = None) -> Result:
    return run(case, [], impl=function, mode=mode).results[0]


@pytest.mark.parametrize("mode", [None, "float32-sums"])
@pytest.mark.parametrize("said", NARROW)
@pytest.mark.parametrize("terms", TERMS)
def test_too_few_digits_are_told_at_any_number_of_terms(terms: int, said: str, mode: str | None) -> None:
    case = digits("conv2d", *TERMS[terms])
    result = of_function(case, NARROW[said], mode)
    assert (result.relation, result.explained) == ("numeric", False)
    assert said in str(result.reason)
    assert not result.not_ruled_out


@pytest.mark.parametrize("said", NARROW)
@pytest.mark.parametrize("terms", TRANSPOSED)
def test_too_few_digits_of_a_transposed_layer_are_told(terms: int, said: str) -> None:
    case = digits("conv_transpose2d", *TRANSPOSED[terms], stride=2)
    assert said in str(of_function(case, NARROW[said]).reason)


@examples(100)
@given(cases(values=("digits",)))
def test_no_right_function_is_held_for_less_than_it_is(case: Case) -> None:
    result = run(case, ["numpy"]).results[0]
    assert result.explained
    assert result.relation in {"identical", "no verdict", "empty"}


def test_what_flushes_may_say_so() -> None:
    case = digits("conv2d", *TERMS[27])
    flushing = NARROW["flushed to zero"]
    assert of_function(case, flushing, "any-sums+flush").relation == "identical"
    assert of_function(case, flushing, "tf32+flush").relation == "identical"
    assert of_function(case, NARROW["operands are rounded to TF32"], "any-sums+flush").relation == "numeric"
    assert {f"{name}+flush" for name in MODES if "+" not in name} == {name for name in MODES if "+" in name}


@examples(200)
@given(cases(values=("digits",)))
def test_operands_have_all_digits_and_no_output_more_than_eight_products(case: Case) -> None:
    x, w, bias = arrays = draw_arrays(case).widened()
    normal = x[np.abs(x) >= 4 * limit_of(case.dtype, "smallest_normal")]  # those below are rounded
    for values in (normal, w[w != 0], *(() if bias is None else (bias[bias != 0],))):
        significands = np.frexp(values)[0]
        bits = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}[case.dtype]
        assert (np.ldexp(significands, bits) % 2 != 0).all()
    products = narrow.RIGHT(*((each != 0).astype(np.float64) for each in arrays[:2]), **case.explicit)
    assert products.max(initial=0) <= 8
    assume(math.prod(case.output_shape))
    assume(narrow.RIGHT(np.ones_like(x), np.ones_like(w), **case.explicit).any())  # one is read
    assert products.any()


@pytest.mark.parametrize(("channels", "found"), [(16, False), (1024, True)])
def test_a_record_says_which_precisions_its_values_cannot_rule_out(
    channels: int,
    found: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    case = Case("conv2d", (1, channels, 5, 5), 4, 3, values="normal")
    result = of_function(case, narrow.RIGHT)
    assert ("tf32" in result.not_ruled_out) is found
    rounded = of_function(case, NARROW["operands are rounded to TF32"])
    assert (rounded.relation == "identical") is found  # as it says


@examples(60)
@given(cases(dtypes=("float32", "float64"), values=("integers", "normal", "wide", "digits")))
def test_what_is_not_said_to_be_possible_is_found(case: Case) -> None:
    right = run(case, ["numpy"]).results[0]
    assume(right.relation == "identical" and right.compared)
    for name, said in (("tf32", "TF32"), ("bfloat16", "bfloat16")):
        result = of_function(case, NARROW[f"operands are rounded to {said}"], "float32-sums")
        if name in right.not_ruled_out and right.exact:
            assert result.relation == "identical"
        elif name not in right.not_ruled_out:
            assert result.relation != "identical" or (result.bound_ratio or 0) > 0.5  # near the edge


def test_default_integers_do_not_judge_precision_and_say_so() -> None:
    result = run(Case("conv2d", (1, 2, 5, 5), 2, 3), ["numpy"]).results[0]
    assert result.relation == "identical"
    assert {"tf32", "bfloat16", "float16"} <= set(result.not_ruled_out)
