from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from parity import Case, run
from parity.cases.values.drawing import draw_arrays
from parity.frameworks.code.expression import ExpressionError, parse_call
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.script import Conversion
from parity.frameworks.jax import Jax
from parity.frameworks.jax import layers as jax_layers
from parity.frameworks.spelling import Spelling, Unsupported, windows_agree
from parity.frameworks.table import find_framework
from parity.records.result import Result
from parity.testing.conformance import check_framework
from parity.translation.translator import translate
from tests.support.strategies import cases, examples

pytest.importorskip("jax")
pytest.importorskip("torch")

JAX = Jax()
DOUBLING = Case("conv_transpose2d", (2, 3, 4, 4), 2, 3, stride=2, padding=1, output_padding=1)
SAME = Case("conv_transpose2d", (2, 3, 4, 4), 2, 3, stride=2, padding="same")


def spelled(case: Case) -> dict[tuple[str, str], Spelling]:
    """By kind and variant."""
    return {(each.kind, each.variant): each for each in JAX.spell(case) if isinstance(each, Spelling)}


def result_of(case: Case, kind: str, variant: str = "", framework: str = "jax") -> Result:
    found = run(case, [framework]).results
    (result,) = [each for each in found if (each.spelling, each.variant) == (kind, variant)]
    return result


def read(expression: str, kernel_shape: tuple[int, ...] | None) -> Reading:
    return JAX.read(replace(parse_call(expression), kernel_shape=kernel_shape))


@pytest.mark.parametrize("name", ["jax", "jax+jit"])
def test_it_is_what_a_framework_has_to_be(name: str) -> None:
    check_framework(find_framework(name), cases=10)


def test_the_well_known_doubling_layer_is_padded_around_the_stretched_input() -> None:
    assert str(spelled(DOUBLING)["native", ""].layer) == (
        "lambda x, w: jax.lax.conv_transpose(x, w, strides=(2, 2), padding=((1, 2), (1, 2)), "
        "dimension_numbers=('NCHW', 'OIHW', 'NCHW'), transpose_kernel=True)"
    )


def test_a_bias_is_added_by_the_code_of_the_layer() -> None:
    case = Case("conv1d", (1, 2, 5), 2, 3, bias=True)
    assert str(spelled(case)["native", ""].layer) == (
        "lambda x, w, b: jax.lax.conv_general_dilated(x, w, window_strides=(1,), padding=((0, 0),), "
        "dimension_numbers=('NCW', 'OIW', 'NCW')) + b[:, None]"
    )


def test_a_padding_by_name_comes_first_where_the_case_has_it_by_name() -> None:
    assert "padding='SAME'" in str(spelled(SAME)["native", ""].layer)
    assert "padding=((2, 1), (2, 1))" in str(spelled(SAME)["native", "explicit"].layer)


def test_consistent_padding_is_asked_of_versions_that_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    key = ("native", "use_consistent_padding")
    monkeypatch.setattr(jax_layers, "has_consistent_padding", lambda: True)
    assert "padding=((1, 0), (1, 0))" in str(spelled(DOUBLING)[key].layer)
    monkeypatch.setattr(jax_layers, "has_consistent_padding", lambda: False)
    assert key not in spelled(DOUBLING)


@examples(100)
@given(cases())
def test_every_case_has_a_layer_that_computes_it(case: Case) -> None:
    first, *others = JAX.spell(case)
    if case.transposed and case.groups > 1:
        assert isinstance(first, Unsupported)
        (exact,) = others
        assert isinstance(exact, Spelling)
        assert exact.kind == "exact"
    else:
        assert isinstance(first, Spelling)
        assert windows_agree(first.meaning, case)


def test_torchs_padding_given_to_jax_is_another_window() -> None:
    result = result_of(DOUBLING, "lookalike", "torch's padding")
    assert (result.shape, result.relation, result.explained) == ((2, 2, 7, 7), "window", True)


def test_torchs_padding_is_no_trap_where_it_is_half_of_the_extent() -> None:
    case = Case("conv_transpose1d", (1, 2, 5), 2, 3, stride=2, padding=1)
    assert ("lookalike", "torch's padding") not in spelled(case)


@pytest.mark.parametrize("framework", ["jax", "jax+jit"])
def test_by_default_the_kernel_is_not_flipped(framework: str) -> None:
    result = result_of(DOUBLING, "lookalike", "unflipped", framework)
    assert (result.relation, result.explained) == ("flipped", True)


def test_same_begins_before_torchs_layer_of_its_size() -> None:
    result = result_of(DOUBLING, "lookalike", "SAME")
    assert (result.relation, result.offset) == ("window", (-1, -1))


# Reading


def kernel_shape_of(spelling: Spelling, case: Case) -> tuple[int, ...]:
    kernel, *_ = spelling.convert(draw_arrays(case).weights)
    return kernel.shape


@examples(60)
@given(cases(values=("integers",)))
def test_what_is_written_is_read_as_the_case_that_it_means(case: Case) -> None:
    for spelling in JAX.spell(case):
        if not isinstance(spelling, Spelling) or 0 in (*case.kernel_shape, *case.input) or spelling.flips:
            continue
        if "SAME_LOWER" in str(spelling.layer) and max(case.stride) > 1:  # which no size says
            continue
        if spelling.kind == "exact" and max(case.stride) == 1:  # which is a convolution as well
            continue
        text = str(spelling.layer).partition(": ")[2].partition(" + b[")[0]
        reading = read(text, kernel_shape_of(spelling, case))
        again = reading.case(case.input[0], case.input[1], case.input[2:])
        assert reading.channels == case.input[1]
        assert windows_agree(again, spelling.meaning)
        assert (again.filters, again.groups) == (case.filters, case.groups)
        assert_back(reading, spelling, case)


def assert_back(reading: Reading, spelling: Spelling, case: Case) -> None:
    """The kernel as it is read is the one that was written."""
    weights = draw_arrays(case).weights
    assert reading.to_convmm is not None
    back = Conversion((*reading.to_convmm, "converted = [kernel, *bias]"))
    np.testing.assert_array_equal(back(spelling.convert(weights))[0], weights[0])


@pytest.mark.parametrize(
    ("expression", "kernel_shape"),
    [
        ("lax.conv_transpose(x, w, (2, 2), 'SAME')", (3, 4, 3, 2)),
        ("jax.lax.conv_transpose(x, w, (2,), ((3, 1),), transpose_kernel=True)", (4, 3, 2)),
        ("lax.conv_transpose(x, w, (2,), [(1, 0)], use_consistent_padding=True)", (3, 2, 3)),
        (
            "lax.conv_general_dilated(x, w, (2, 1), 'SAME', None, None, ('NHWC', 'HWIO', 'NCHW'), 2)",
            (3, 2, 2, 4),
        ),
        ("lax.conv_general_dilated(x, w, (1,), ((2, 1),), (2,), feature_group_count=2)", (4, 2, 3)),
    ],
)
@pytest.mark.parametrize("to", ["torch", "jax"])
def test_what_people_write_is_translated_and_proved(
    expression: str, kernel_shape: tuple[int, ...], to: str
) -> None:
    assert translate(expression, to, kernel_shape=kernel_shape).verified


def test_that_the_kernel_is_flipped_is_said() -> None:
    notes = read("lax.conv_transpose(x, w, (1,), 'VALID')", (3, 2, 2)).notes
    assert "without transpose_kernel=True computes with the kernel as it is" in " ".join(notes)


@pytest.mark.parametrize(
    ("expression", "kernel_shape", "said"),
    [
        ("lax.conv_transpose(x, w, (1,), 'SAME')", None, "give --kernel-shape in its own layout"),
        ("lax.conv_transpose(x, w, (1,), 'SAME')", (3, 2), "kernel_shape=3,2: allowed are 3 to 5 sizes"),
        ("lax.conv_transpose(x, w, (1,), ((3, 0),))", (3, 2, 2), "begins with zeros before"),
        ("lax.conv_general_dilated(x, w, (1,), ((-1, 0),))", (2, 2, 3), "read are numbers from 0 on"),
        ("lax.conv_general_dilated(x, w, (2,), 'SAME_LOWER')", (2, 2, 3), "read at stride 1"),
        ("lax.conv_general_dilated(x, w, (1,), 1)", (2, 2, 3), "padding=1: allowed is a name, or a pair"),
        (
            "lax.conv_general_dilated(x, w, (1,), 'SAME', dimension_numbers=('NWC', 'OIH', 'NWC'))",
            (2, 2, 3),
            "allowed are three texts of 3 letters",
        ),
        ("lax.conv_general_dilated(x, w, (2,), ((1, 1),), (2,))", (2, 2, 3), "beside lhs_dilation"),
        ("np.conv_transpose(x, w, (1,), 'SAME')", (3, 2, 2), "allowed is lax.conv_transpose"),
    ],
)
def test_what_cannot_be_read_is_named(
    expression: str, kernel_shape: tuple[int, ...] | None, said: str
) -> None:
    with pytest.raises(ExpressionError) as caught:
        read(expression, kernel_shape)
    assert said in str(caught.value)
