from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from parity import Case, run
from parity.cases.values.drawing import draw_arrays
from parity.frameworks.code.expression import ExpressionError, parse_call
from parity.frameworks.code.script import Conversion
from parity.frameworks.jax.flax import Flax
from parity.frameworks.jax.flax import run as running
from parity.frameworks.kept import Kept
from parity.frameworks.spelling import Spelling, windows_agree
from parity.frameworks.table import find_framework
from parity.frameworks.task import Task
from parity.records.result import Result
from parity.testing.conformance import check_framework
from parity.translation.translator import translate
from tests.support.strategies import cases, examples

pytest.importorskip("flax")
pytest.importorskip("torch")

FLAX = Flax()
DOUBLING = Case("conv_transpose2d", (2, 3, 4, 4), 2, 3, stride=2, padding=1, output_padding=1)


def spelled(case: Case) -> dict[tuple[str, str], Spelling]:
    """By kind and variant."""
    return {(each.kind, each.variant): each for each in FLAX.spell(case) if isinstance(each, Spelling)}


def result_of(case: Case, kind: str, variant: str = "") -> Result:
    found = run(case, ["flax"]).results
    (result,) = [each for each in found if (each.spelling, each.variant) == (kind, variant)]
    return result


@pytest.mark.parametrize("name", ["flax", "flax+jit"])
def test_it_is_what_a_framework_has_to_be(name: str) -> None:
    check_framework(find_framework(name), cases=8)


def test_linen_comes_first_and_nnx_is_a_variant() -> None:
    own = spelled(DOUBLING)
    assert str(own["native", ""].layer) == (
        "flax.linen.ConvTranspose(features=2, kernel_size=(3, 3), strides=(2, 2), "
        "padding=((1, 2), (1, 2)), use_bias=False, transpose_kernel=True)"
    )
    assert str(own["native", "nnx"].layer) == (
        "flax.nnx.ConvTranspose(in_features=3, out_features=2, kernel_size=(3, 3), strides=(2, 2), "
        "padding=((1, 2), (1, 2)), use_bias=False, transpose_kernel=True, rngs=flax.nnx.Rngs(0))"
    )


@pytest.mark.parametrize("padding_mode", ["zeros", "replicate"])
def test_a_kept_layer_is_compiled_once_for_inputs_of_a_shape(
    padding_mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced = []
    function_of = running._function  # noqa: SLF001 - where compilations are to be counted

    def counted(layer: Any) -> Callable[..., Any]:  # noqa: ANN401 - Flax's
        function = function_of(layer)

        def apply(x: Any, *weights: Any) -> Any:  # noqa: ANN401 - JAX's
            traced.append(x.shape)
            return function(x, *weights)

        return apply

    monkeypatch.setattr(running, "_function", counted)
    found, kept = find_framework("flax+jit"), Kept()
    case = Case("conv1d", (1, 2, 6), 3, 2, padding=1, padding_mode=padding_mode)
    other = replace(case, input=(1, 2, 8))
    *_, spelling = [each for each in found.spell(case) if isinstance(each, Spelling)]
    for each in (case, replace(case, seed=1), other, replace(other, seed=2), replace(case, seed=3)):
        answer = kept.perform(found, Task.of(spelling, draw_arrays(each)))
        np.testing.assert_array_equal(answer.outputs[0], run(each, ["numpy"]).reference)
    assert traced == [(1, 6, 2), (1, 8, 2)]


def test_causal_is_written_where_the_case_is_it() -> None:
    case = Case("conv1d", (1, 2, 9), 2, 3, padding=((4, 0),), dilation=2)
    assert "padding='CAUSAL'" in str(spelled(case)["native", "CAUSAL"].layer)


def test_torchs_padding_given_to_flax_is_another_window() -> None:
    result = result_of(DOUBLING, "lookalike", "torch's padding")
    assert (result.shape, result.relation, result.explained) == ((2, 2, 7, 7), "window", True)


def test_by_default_the_kernel_is_not_flipped() -> None:
    result = result_of(DOUBLING, "lookalike", "unflipped")
    assert (result.relation, result.explained) == ("flipped", True)


@examples(60)
@given(cases(values=("integers",)))
def test_what_is_written_is_read_as_the_case_that_it_means(case: Case) -> None:
    for spelling in FLAX.spell(case):
        if not isinstance(spelling, Spelling) or 0 in case.input or spelling.flips:
            continue
        if spelling.kind == "exact" and max(case.stride) == 1:  # where it is a convolution like any other
            continue
        reading = FLAX.read(parse_call(str(spelling.layer)))
        again = reading.case(case.input[0], case.input[1], case.input[2:])
        assert windows_agree(again, spelling.meaning)
        kept = ("filters", "groups", "bias", "dtype")
        assert [getattr(again, name) for name in kept] == [getattr(case, name) for name in kept]
        weights = draw_arrays(case).weights
        to_convmm = FLAX.to_convmm if reading.to_convmm is None else reading.to_convmm
        back = Conversion((*to_convmm, "converted = [kernel, *bias]"))
        np.testing.assert_array_equal(back(spelling.convert(weights))[0], weights[0])


@pytest.mark.parametrize(
    "expression",
    [
        "nn.ConvTranspose(features=4, kernel_size=(3, 2), strides=(2, 2))",
        "linen.ConvTranspose(4, 3, padding=1, transpose_kernel=True, kernel_init=nn.initializers.ones)",
        "nnx.ConvTranspose(3, 4, (3,), strides=2, padding='VALID', rngs=nnx.Rngs(0))",
        "nnx.Conv(3, 6, (3, 3), 2, padding=[1, (0, 2)], feature_group_count=3, rngs=rngs)",
        "flax.linen.Conv(features=4, kernel_size=3, padding='CAUSAL', dtype=jnp.float16, name='first')",
        "nn.Conv(4, (3, 3), padding=((1, 1), (1, 2)), input_dilation=(2, 2), use_bias=False)",
    ],
)
def test_what_people_write_is_translated_and_proved(expression: str) -> None:
    assert translate(expression, "torch", channels=3).verified


@pytest.mark.parametrize(
    ("expression", "to"),
    [
        ("nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2)", "flax"),
        ("keras.layers.Conv1D(4, 3, strides=2, padding='same', activation='relu')", "flax"),
        ("keras.layers.Conv1D(4, 3, strides=2, padding='same', activation='relu')", "jax"),
    ],
)
def test_layers_of_others_are_translated_and_proved(expression: str, to: str) -> None:
    assert translate(expression, to, channels=4).verified


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("nn.ConvTranspose(8, (3, 3), padding='CIRCULAR')", "padding='CIRCULAR': read is that of Conv"),
        ("nn.ConvTranspose(8, (3, 3), padding='REFLECT')", "padding='REFLECT': read is that of Conv"),
        ("nn.Conv(8, (3, 3), padding='CAUSAL')", "allowed for Conv with one axis"),
        ("nn.Conv(8, (3, 3), mask=x)", "every argument is a literal"),
        ("nnx.Conv(3, 8, (3, 3), 2, 'SAME', rngs=rngs)", "takes 4 arguments without a name"),
        ("nn.ConvTranspose(8, (3,), padding=3)", "begins with zeros before"),
        ("tf.Conv(8, (3,))", "allowed are nn.Conv, flax.linen.Conv and flax.nnx.Conv"),
        ("nn.Conv(8, (3, 3, 3, 3))", "allowed are 1 to 3 sizes"),
    ],
)
def test_what_cannot_be_read_is_named(expression: str, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        FLAX.read(parse_call(expression))
    assert said in str(caught.value)
