"""float64 results are judged by what is exact, not by the reference's own rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from parity import Case, run
from parity.cases.values.drawing import draw_arrays
from parity.frameworks.precision import accumulated_in_float32
from parity.verdict.bounds import keeps, narrower_precision
from parity.verdict.gradients import make_backward, observe_gradient
from parity.verdict.observation import observe
from parity.verdict.reference import make_reference
from tests.support.coincidences import right
from tests.support.definition import bounds, fraction, output, terms
from tests.support.strategies import cases, changed, examples, share

REAL = ("normal", "wide")
OWN = accumulated_in_float32("float64")


# What keeps it


@examples(60)
@given(cases(dtypes=("float64",), values=REAL))
def test_the_core_and_torch_keep_the_bound(case: Case) -> None:
    found = run(case, ["numpy", "torch"])
    assert [(each.label, each.reason) for each in found.results if not each.explained] == []
    assert all((each.bound_ratio or 0) <= 1 for each in found.results if each.relation == "identical")


@examples(20)
@given(cases(dtypes=("float64",), values=REAL))
def test_keras_keeps_the_bound(case: Case) -> None:
    found = run(case, ["keras"])
    assert [(each.label, each.reason) for each in found.results if not each.explained] == []
    assert all((each.bound_ratio or 0) <= 1 for each in found.results if each.relation == "identical")


@examples(30)
@given(cases(dtypes=("float64",), values=REAL))
def test_gradients_keep_the_bound(case: Case) -> None:
    found = run(case, ["numpy", "torch"], grad=True)
    assert [(each.label, each.reason) for each in found.results if not each.explained] == []


# What it catches

FEW = 4
"""Terms: beside fewer, the next number that float64 has may be within the bound, or far beyond it."""

LAYERS = [
    Case("conv2d", (2, 4, 7, 6), 6, 3, stride=2, padding=1, groups=2, bias=True, dtype="float64"),
    Case("conv_transpose2d", (2, 4, 5, 4), 6, 3, stride=2, padding=1, groups=2, bias=True, dtype="float64"),
    Case("conv1d", (1, 64, 9), 2, 3, padding="same", dtype="float64"),
]


@pytest.mark.parametrize("values", REAL)
@pytest.mark.parametrize("case", LAYERS, ids=lambda case: f"{case.op}-{case.input}")
@pytest.mark.parametrize("factor", [2, 1.5, -1.5, -2])
def test_an_error_beyond_n_u_a_is_caught(case: Case, values: str, factor: float) -> None:
    case = changed(case, values=values)
    arrays = draw_arrays(case)
    counts, bound = terms(case, arrays), bounds(case, arrays, OWN)
    right = make_reference(case, arrays)
    assert observe(right.y.copy(), right).relation == "identical"
    places = list(zip(*np.nonzero(counts[:1] >= FEW), strict=True))
    assert places
    for place in places[:: share(3)]:
        wrong = right.y.copy()
        wrong[place] += factor * float(bound[place])
        observed = observe(wrong, right)
        assert observed.relation != "identical"
        assert observed.bound_ratio == pytest.approx(abs(factor), abs=0.5)


@pytest.mark.parametrize("values", REAL)
@pytest.mark.parametrize("case", LAYERS, ids=lambda case: f"{case.op}-{case.input}")
@pytest.mark.parametrize("factor", [1.5, -2])
def test_a_gradient_beyond_n_u_a_is_caught(case: Case, values: str, factor: float) -> None:
    case = changed(case, values=values)
    backward = make_backward(case, draw_arrays(case))
    for name, expected in backward.expected.items():
        sums = expected.sums
        allowed = np.broadcast_to(sums.terms * 2.0**-53 * sums.magnitude, sums.y.shape)
        assert observe_gradient(name, sums.y.copy(), expected).relation == "identical"
        for place in np.ndindex(1, *sums.y.shape[1:]):
            if sums.terms[place] >= FEW:
                wrong = sums.y.copy()
                wrong[place] += factor * allowed[place]
                assert observe_gradient(name, wrong, expected).relation != "identical"


@examples(60)
@given(cases(dtypes=("float64",), values=REAL))
def test_float32_is_named_where_it_was_computed_in(case: Case) -> None:
    arrays = draw_arrays(case)
    narrow = [array.astype(np.float32) for array in arrays if array is not None]
    result = right(*narrow, **case.explicit).astype(np.float64)
    reference = make_reference(case, arrays)
    if not keeps(result, reference, OWN):
        assert narrower_precision(result, reference, OWN) == "it is within the bound of float32"


@pytest.mark.parametrize("case", LAYERS, ids=lambda case: f"{case.op}-{case.input}")
def test_a_result_that_was_stored_in_float32_is_named(case: Case) -> None:
    reference = make_reference(changed(case, values="normal"), draw_arrays(changed(case, values="normal")))
    observed = observe(reference.y.astype(np.float32).astype(np.float64), reference)
    assert observed.relation == "numeric"
    said = "it is beyond the bound of float64, and it is within the bound of float32; greatest difference"
    assert str(observed.message).startswith(said)


# The reference


@examples(40)
@given(cases(dtypes=("float64",), values=REAL))
def test_gradients_are_the_adjoints_in_twice_the_digits(case: Case) -> None:
    case = changed(case, bias=True)
    arrays = draw_arrays(case)
    backward = make_backward(case, arrays)
    dy = fraction(backward.dy)
    known: dict[str, Any] = {
        name: fraction(each.y) + fraction(each.sums.rest) for name, each in backward.expected.items()
    }
    linear = output(changed(case, bias=False), arrays._replace(bias=None))
    magnitude = sum(float(abs(each.sums.magnitude).sum()) for each in backward.expected.values())
    error = (
        2**-85 * max(magnitude, 1) * max(float(np.abs(array).max()) for array in arrays if array is not None)
    )
    total = (linear * dy).sum()
    assert abs((known["input_grad"] * fraction(arrays.x)).sum() - total) <= error
    assert abs((known["weight_grad"] * fraction(arrays.w)).sum() - total) <= error
    by_channel = dy.sum(axis=(0, *range(2, dy.ndim)))
    assert (abs(known["bias_grad"] - by_channel) <= error).all()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("values", ["integers", "normal"])
def test_only_float64_numbers_that_are_not_exact_cost_more(dtype: str, values: str) -> None:
    case = Case("conv2d", (1, 3, 6, 6), 2, 3, dtype=dtype, values=values)
    reference = make_reference(case, draw_arrays(case))
    assert reference.rest.any() == (dtype == "float64" and values == "normal")


def test_special_values_are_what_plain_float64_makes_of_them() -> None:
    case = Case("conv2d", (2, 2, 9, 9), 3, 2, dtype="float64", values="special", bias=True)
    reference = make_reference(case, draw_arrays(case))
    wild = ~np.isfinite(reference.y)
    assert wild.any()
    assert not wild.all()
    np.testing.assert_array_equal(reference.y[wild], reference.compute()[wild])
    assert not reference.rest[wild].any()
    assert reference.rest[~wild].any()
