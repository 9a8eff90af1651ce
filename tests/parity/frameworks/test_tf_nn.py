"""Functions of tf.nn: read, and run by TensorFlow itself where Keras runs on it."""

from __future__ import annotations

import re
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from parity.frameworks.code.expression import ExpressionError, parse_call
from parity.frameworks.keras.installation import runs_tensorflow
from parity.frameworks.table import find_framework
from parity.translation.translator import draft, translate
from tests.support.machine import HAS_ONEDNN
from tests.support.strategies import examples

pytestmark = [
    pytest.mark.skipif(not runs_tensorflow(), reason="TensorFlow runs them"),
    pytest.mark.usefixtures("shared_processes"),
]


@st.composite
def functions(draw: st.DrawFn) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    """A call of a convolution, with its kernel's shape and an input that it takes."""
    rank = draw(st.integers(1, 3))
    channels, filters = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    kernel = draw(st.lists(st.integers(1, 3), min_size=rank, max_size=rank))
    stride, dilation = draw(st.sampled_from([(1, 1), (2, 1), (3, 1), (1, 2)]))
    if rank == 3 and not HAS_ONEDNN:
        dilation = 1
    whole = [1, *[stride] * rank, 1]
    strides: Any = whole if rank == 3 else draw(st.sampled_from([whole, [stride] * rank, stride]))
    modes = ["'SAME'", "'VALID'"]
    padding = draw(st.sampled_from([*modes, "[[0, 0], [1, 0], [2, 1], [0, 0]]"] if rank == 2 else modes))
    named = "stride" if rank == 1 else "strides"
    dilations = f", dilations={[1, *[dilation] * rank, 1]}" if dilation > 1 else ""
    line = f"tf.nn.conv{rank}d(x, w, {named}={strides}, padding={padding}{dilations}, name=f'{{n}}')"
    return line, (*kernel, channels, filters), (2, channels, *[7] * rank)


@examples(25)
@given(functions(), st.sampled_from(["torch", "numpy", "keras.ops"]), st.booleans())
def test_a_convolution_is_translated_and_proved(
    drawn: tuple[str, tuple[int, ...], tuple[int, ...]],
    target: str,
    sized: bool,  # noqa: FBT001 - drawn
) -> None:
    line, shape, size = drawn
    assert translate(line, target, input=size if sized else None, kernel_shape=shape).verified


@st.composite
def transposed(draw: st.DrawFn) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    """A call of a transposed function for one input, with its kernel's shape, and that input."""
    rank = draw(st.integers(1, 3))
    channels, filters, size, stride = (draw(st.integers(1, 3)) for _ in range(4))
    kernel = draw(st.lists(st.integers(1, 3), min_size=rank, max_size=rank))
    mode = draw(st.sampled_from(["SAME", "VALID"]))
    more = draw(st.integers(0, stride - 1))
    sizes = [size * stride - more if mode == "SAME" else (size - 1) * stride + taps + more for taps in kernel]
    line = f"tf.nn.conv{rank}d_transpose(x, w, output_shape={[2, *sizes, filters]}, strides={stride}"
    return f"{line}, padding={mode!r})", (*kernel, filters, channels), (2, channels, *[size] * rank)


@examples(20)
@given(transposed(), st.sampled_from(["torch", "numpy"]))
def test_a_transposed_function_is_translated_for_its_one_input(
    drawn: tuple[str, tuple[int, ...], tuple[int, ...]], target: str
) -> None:
    line, shape, size = drawn
    assert translate(line, target, input=size, kernel_shape=shape).verified


@examples(12)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.sampled_from(["SAME", "VALID"]))
def test_a_depthwise_function_is_translated_with_its_channels_in_order(
    channels: int, multiplier: int, stride: int, mode: str
) -> None:
    weight = f"tf.Variable(tf.random.normal([3, 2, {channels}, {multiplier}]))"
    line = f"tf.nn.depthwise_conv2d(x, {weight}, [1, {stride}, {stride}, 1], {mode!r})"
    translation = translate(line, "torch")
    assert translation.verified
    said = f"output c * {multiplier} + m is of channel c"
    assert any(said in note for note in translation.notes) == (multiplier > 1)


@pytest.mark.parametrize(
    ("line", "shape", "size"),
    [
        ("tf.nn.conv2d(x, w, 2, 'SAME')", (3, 2, 4, 6), None),
        ("tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], 'VALID')", (3, 2, 4, 2), None),
        ("tf.nn.conv1d_transpose(x, w, (2, 9, 6), 2, 'SAME')", (3, 6, 4), (2, 4, 5)),
    ],
)
def test_a_bias_that_is_added_is_of_the_layer(
    line: str, shape: tuple[int, ...], size: tuple[int, ...] | None
) -> None:
    translation = translate(f"tf.nn.bias_add({line}, b)", "torch", input=size, kernel_shape=shape)
    assert translation.verified, translation.notes
    assert "bias=True" in translation.code


def test_channels_beyond_the_kernels_make_groups() -> None:
    translation = translate(
        "tf.nn.conv2d(x, w, 1, 'SAME')", "torch", input=(1, 6, 5, 7), kernel_shape=(3, 3, 2, 9)
    )
    assert translation.verified
    assert "groups=3" in translation.code
    with pytest.raises(ExpressionError, match="input says 5 input channels, and the layer 2"):
        draft("tf.nn.conv2d(x, w, 1, 'SAME')", "numpy", input=(1, 5, 5, 7), kernel_shape=(3, 3, 2, 9))


def test_a_dtype_of_a_literal_is_that_of_the_layer() -> None:
    line = "tf.nn.conv1d(x, tf.zeros([3, 2, 4], dtype=tf.float64), 1, 'SAME')"
    translation = translate(line, "torch")
    assert translation.verified
    assert "dtype=torch.float64" in translation.code


@pytest.mark.parametrize(
    ("line", "shape", "said"),
    [
        ("tf.nn.conv2d(x, w, 1, 'VALID')", None, "give --kernel-shape *kernel,C/groups,O"),
        ("tf.nn.conv2d(x, w, 1, 'valid')", (3, 3, 2, 4), "padding='valid': allowed are 'SAME', 'VALID'"),
        ("tf.nn.conv2d(x, w, 1)", (3, 3, 2, 4), "padding=None: allowed are 'SAME', 'VALID'"),
        ("tf.nn.conv2d(x, w, padding='SAME')", (3, 3, 2, 4), "needs the argument strides"),
        ("tf.nn.conv2d(x, w, 1, [[1, 1]])", (3, 3, 2, 4), "allowed are 4 pairs"),
        ("tf.nn.conv2d(x, w, 1, [[0, 0], [1], [1, 1], [0, 0]])", (3, 3, 2, 4), "padding=[1]"),
        ("tf.nn.conv2d(x, w, [2, 1, 1, 1], 'SAME')", (3, 3, 2, 4), "allowed is 1 for the batch"),
        ("tf.nn.conv2d(x, w, 1, 'SAME', data_format='NCHW')", (3, 3, 2, 4), "data_format='NCHW'"),
        ("tf.nn.conv2d(x, w, 1, 'SAME')", (3, 2, 4), "allowed are 4 sizes"),
        ("tf.nn.bias_add(x, b)", (3, 3, 2, 4), "value: allowed is a call of a convolution"),
        ("tf.nn.bias_add(tf.nn.conv2d(x, w, 1, 'SAME'))", (3, 3, 2, 4), "needs the argument bias"),
        ("tf.nn.bias_add(tf.nn.relu(x), b)", (3, 3, 2, 4), "value: allowed is a call of a convolution"),
        ("tf.nn.conv2d_transpose(x, w, 1, 1)", (3, 3, 2, 4), "output_shape=1"),
        ("tf.nn.conv2d_transpose(x, w, [n, 8, 8, 2], 2)", (3, 3, 2, 4), "every argument is a literal"),
        ("tf.nn.depthwise_conv2d(x, w, 1, 'SAME')", None, "give --kernel-shape *kernel,C,multiplier"),
        ("tf.nn.depthwise_conv2d(x, w, 1, 'SAME')", (3, 3, 2), "allowed are 4 sizes"),
        ("foo.depthwise_conv2d(x, w, 1, 'SAME')", (3, 3, 2, 1), "allowed is tf.nn.depthwise_conv2d"),
    ],
)
def test_what_is_not_read_is_said(line: str, shape: tuple[int, ...] | None, said: str) -> None:
    with pytest.raises(ExpressionError, match=re.escape(said)):
        draft(line, "numpy", kernel_shape=shape, input=(1, 4, 4, 4) if "transpose" in line else None)


def test_litert_reads_them_where_keras_does_not_run_on_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    call = parse_call("tf.nn.conv2d(x, w, 1, 'SAME')")
    assert find_framework("keras").reads(call)
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert not find_framework("keras").reads(call)
    assert find_framework("keras").reads(parse_call("keras.layers.Conv2D(8, 3)"))
    assert not find_framework("torch").reads(call)


@pytest.mark.usefixtures("shared_processes")
def test_an_output_shape_gives_the_only_input_by_itself() -> None:
    line = "tf.nn.conv2d_transpose(x, w, output_shape=(1, 7, 8, 3), strides=2)"
    translation = translate(line, "torch", kernel_shape=(3, 3, 3, 2))
    assert (translation.verified, translation.sizes) == (True, ((1, 2, 4, 4),))
