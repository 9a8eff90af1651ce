"""The opposite of a case."""

import numpy as np
import pytest
from hypothesis import given

import convmm
from parity import Case
from parity.cases.op import Op
from parity.cases.values.drawing import draw_arrays
from parity.laws.opposite import opposite
from tests.support.strategies import CONVS, TRANSPOSES, cases, exact_cases_with_an_output, examples


@examples(300)
@given(cases())
def test_the_opposite_gives_the_inputs_shape_from_the_outputs(case: Case) -> None:
    other = opposite(case)
    if other is None:
        return
    assert other.input == case.output_shape
    assert other.output_shape == case.input
    assert other.kernel_shape == case.kernel_shape
    assert other.transposed != case.transposed


@examples(300)
@given(exact_cases_with_an_output(CONVS))
def test_every_convolution_with_an_output_has_an_opposite_and_is_its_opposite(case: Case) -> None:
    other = opposite(case)
    assert other is not None
    again = opposite(other)
    assert again is not None
    assert again.geometry == case.geometry


@examples(300)
@given(exact_cases_with_an_output())
def test_the_opposites_matrix_is_the_transpose(case: Case) -> None:
    other = opposite(case)
    if other is None:
        return
    conv = other if case.transposed else case
    matrix = convmm.unroll_kernel(draw_arrays(case).w, conv.input[2:], **conv.explicit)
    y = draw_arrays(other).x
    computed = getattr(convmm, other.op)(y, draw_arrays(case).w, **other.explicit)
    by = matrix if other is conv else matrix.T
    assert np.array_equal(computed.reshape(len(y), -1), y.reshape(len(y), -1) @ by)


def test_a_transposed_case_that_goes_on_for_a_stride_beyond_its_response_has_none() -> None:
    beyond = Case("conv_transpose1d", (1, 1, 3), 1, 2, stride=1, dilation=2, output_padding=1)
    assert opposite(beyond) is None


@pytest.mark.parametrize("op", TRANSPOSES)
def test_a_transposed_case_within_its_response_has_one(op: str) -> None:
    rank = Op.of(op).rank
    assert opposite(Case(op, (1, 2, *(3,) * rank), 4, 3, stride=2, padding=1, output_padding=1)) is not None
