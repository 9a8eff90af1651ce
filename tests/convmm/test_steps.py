from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from numpy.typing import NDArray

from convmm import Step, conv, conv_steps, conv_transpose, conv_transpose_steps
from tests.convmm.strategies import Example, conv_transposes, convs


@pytest.mark.parametrize("sparse", [False, True])
@given(example=convs())
def test_the_steps_of_conv_end_in_its_result(example: Example, *, sparse: bool) -> None:
    x, w = example.arrays()
    (bias,) = example.integers((example.filters,))
    steps = conv_steps(x, w, bias, **example.arguments, sparse=sparse)
    np.testing.assert_array_equal(_array(steps[-1]), conv(x, w, bias, **example.arguments))


@pytest.mark.parametrize("sparse", [False, True])
@given(example=conv_transposes())
def test_the_steps_of_conv_transpose_end_in_its_result(example: Example, *, sparse: bool) -> None:
    x, w = example.arrays()
    (bias,) = example.integers((example.filters,))
    steps = conv_transpose_steps(x, w, bias, **example.arguments, sparse=sparse)
    np.testing.assert_array_equal(_array(steps[-1]), conv_transpose(x, w, bias, **example.arguments))


def test_the_steps_of_conv_are_those_of_the_text() -> None:
    x, w = np.arange(25.0).reshape(1, 1, 5, 5), np.arange(9.0).reshape(1, 1, 3, 3)
    steps = conv_steps(x, w, stride=2, padding=1)
    assert _shapes(steps) == {
        "input": (1, 1, 5, 5),
        "pad": (1, 1, 7, 7),
        "unroll": (49, 25),
        "matrix product": (1, 1, 5, 5),
        "stride": (1, 1, 3, 3),
    }
    assert steps[1].text == "zeros around each axis: 5x5 becomes 7x7"


def test_the_steps_of_conv_transpose_are_those_of_the_text() -> None:
    x, w = np.arange(9.0).reshape(1, 1, 3, 3), np.arange(9.0).reshape(1, 1, 3, 3)
    steps = conv_transpose_steps(x, w, [1.0], stride=2, padding=1)
    assert _shapes(steps) == {
        "input": (1, 1, 3, 3),
        "insert zeros": (1, 1, 5, 5),
        "unroll transposed": (25, 49),
        "matrix product": (1, 1, 7, 7),
        "crop": (1, 1, 5, 5),
        "bias": (1, 1, 5, 5),
    }


def test_a_sparse_step_holds_the_matrix_as_scipy_has_it() -> None:
    steps = conv_steps(np.ones((1, 1, 4)), np.ones((1, 1, 2)), sparse=True)
    matrix = {step.name: step.array for step in steps}["unroll"]
    assert scipy.sparse.issparse(matrix)


def _array(step: Step) -> NDArray[Any]:
    assert isinstance(step.array, np.ndarray)
    return step.array


def _shapes(steps: tuple[Step, ...]) -> dict[str, tuple[int, ...]]:
    return {step.name: _array(step).shape for step in steps}
