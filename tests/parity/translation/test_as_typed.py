"""Lines as people type them: what does not change a layer changes nothing of its translation."""

from __future__ import annotations

import re
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from parity.cases.case import Case
from parity.testing import assert_same_layer
from parity.translation.translator import Draft, translate
from tests.support.strategies import examples
from tests.support.translations import layer_draft

ANY_FORM = (
    "None",
    "'he_normal'",
    "'no such'",
    "{'class_name': 'HeNormal', 'config': {'seed': None}}",
    "{'module': 'os', 'class_name': 'system', 'config': {'command': 'false'}}",
    "keras.initializers.HeNormal(seed=1)",
    "initializers.random_normal",
    "my_own",
    "f'{prefix}_conv'",
    "prefix + '_conv'",
    "options['init']",
    "lambda shape, dtype=None: shape",
    "[1, 2]",
    "(1, 2)",
    "1e-4",
)

NOT_COMPUTING = (
    "kernel_initializer",
    "bias_initializer",
    "kernel_regularizer",
    "bias_regularizer",
    "activity_regularizer",
    "kernel_constraint",
    "bias_constraint",
    "name",
    "trainable",
)

BY_PLACE = "1, 'valid', None, (1, 1), 1, None, True"
"""What stands before the initializers of Conv2D, at its defaults."""


def code_of(written: Draft) -> str:
    """The script without the line that it came from, which is a comment of a line or more."""
    return re.sub(r"\A(#.*\n)+", "", written.program.text)


@examples(150)
@given(
    st.dictionaries(st.sampled_from(NOT_COMPUTING), st.sampled_from(ANY_FORM)),
    st.sampled_from(["torch", "numpy", "keras"]),
    st.data(),
)
def test_what_does_not_compute_may_have_any_form(
    options: dict[str, str], target: str, data: st.DataObject
) -> None:
    given = [f"{name}={value}" for name, value in options.items()]
    shape = data.draw(st.sampled_from(["", "input_shape=(8, 9, 3)", "batch_input_shape=[None, 8, 9, 3]"]))
    line = f"layers.Conv2D(4, 3, {', '.join([*given, *([shape] if shape else [])])})"
    written = layer_draft(line, target, channels=None if shape else 3)
    assert code_of(written) == code_of(layer_draft("layers.Conv2D(4, 3)", target, channels=3))
    said = [note.split()[0] for note in written.reading.notes]
    assert set(said) == {name for name, value in options.items() if value != "None"}
    for value in options.values():
        if value not in {"None", "'he_normal'", "'no such'"}:
            assert value not in repr(written.reading.layer)


@pytest.mark.usefixtures("shared_processes")
@pytest.mark.parametrize(
    "rest",
    [
        "kernel_initializer={'module': 'os', 'class_name': 'system', 'config': {}}, trainable=freeze",
        "kernel_regularizer=keras.regularizers.l2(1e-4), bias_constraint='no such', name=f'a{1}'",
        f"{BY_PLACE}, keras.initializers.HeNormal(), 'zeros', my_own, keras.regularizers.L2(1), name='a'",
        "input_shape=(None, None, 3), batch_input_shape=shape",
    ],
)
def test_what_does_not_compute_is_no_part_of_the_proof(rest: str) -> None:
    assert translate(f"layers.Conv2D(4, 3, {rest})", "torch", channels=3).verified


@pytest.mark.usefixtures("shared_processes")
@pytest.mark.parametrize(
    ("dtype", "computed"),
    [
        ("'mixed_float16'", "float16"),
        ("'mixed_bfloat16'", "bfloat16"),
        ("keras.mixed_precision.Policy('mixed_float16')", "float16"),
        ("tf.keras.mixed_precision.Policy(name='float64')", "float64"),
        ("keras.DTypePolicy('bfloat16')", "bfloat16"),
        ("tf.float16", "float16"),
    ],
)
def test_a_dtype_policy_is_what_it_computes_in(dtype: str, computed: str) -> None:
    translation = translate(f"layers.Conv1D(4, 3, dtype={dtype})", "torch", channels=2)
    assert translation.verified
    assert f"dtype=torch.{computed}" in translation.code
    assert any("keeps its weights in float32" in note for note in translation.notes) == ("'mixed_" in dtype)


@examples(60)
@given(
    st.booleans(),
    st.integers(1, 3),
    st.fixed_dictionaries(
        {},
        optional={
            "stride": st.integers(1, 3) | st.integers(1, 3).map(lambda one: (one,)),
            "padding": st.integers(0, 1) | st.integers(0, 1).map(lambda one: [one]),
            "groups": st.integers(1, 2),
            "bias": st.booleans(),
            "dilation": st.integers(1, 2),
        },
    ),
    st.sampled_from(["", ", device='cuda:0'", ", device=device", ", device=torch.device('meta')"]),
)
def test_a_lazy_layer_is_the_layer_that_it_becomes(
    transposed: bool,  # noqa: FBT001 - drawn
    rank: int,
    options: dict[str, Any],
    device: str,
) -> None:
    name = f"Conv{'Transpose' if transposed else ''}{rank}d"
    rest = "".join(f", {key}={value!r}" for key, value in options.items())
    lazy = layer_draft(f"self.c = nn.Lazy{name}(4, 3{rest}{device})", "numpy", channels=2)
    assert code_of(lazy) == code_of(layer_draft(f"nn.{name}(2, 4, 3{rest})", "numpy"))
    assert "device" not in repr(lazy.reading.layer).replace("device=None", "")


@pytest.mark.usefixtures("shared_processes")
@pytest.mark.parametrize("name", ["LazyConv1d", "LazyConvTranspose2d", "LazyConv3d"])
def test_a_lazy_layer_is_materialised_in_the_proof(name: str) -> None:
    translation = translate(f"nn.{name}(2, 2, groups=2, device=device)", "keras", channels=2)
    assert translation.verified
    assert [note.split()[0] for note in translation.notes] == ["device", name]


def test_a_lazy_layer_of_ones_own_is_materialised_and_judged() -> None:
    import torch  # noqa: PLC0415 - imported when first used

    layer = torch.nn.LazyConv2d(4, 3, stride=2)
    assert_same_layer(layer, Case("conv2d", (1, 3, 9, 8), 4, 3, stride=2, bias=True))
    assert type(layer) is torch.nn.Conv2d
    with pytest.raises(AssertionError, match="the stride"):
        assert_same_layer(torch.nn.LazyConv1d(4, 3), Case("conv1d", (1, 3, 9), 4, 3, stride=2, bias=True))
