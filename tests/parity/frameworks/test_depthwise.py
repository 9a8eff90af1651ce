"""Keras's depthwise layers: another layer of the cases whose groups are their channels."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from parity.cases.case import Case
from parity.frameworks.code.expression import ExpressionError, parse_call
from parity.frameworks.keras.depthwise import FROM_DEPTHWISE, is_depthwise, to_depthwise
from parity.frameworks.keras.read import read
from parity.frameworks.spelling import Spelling
from parity.frameworks.table import find_framework
from parity.running import run
from parity.translation.translator import translate

pytestmark = pytest.mark.usefixtures("shared_processes")

KERAS = find_framework("keras")


@st.composite
def depthwise_cases(draw: st.DrawFn) -> Case:
    """Draw a convolution of several channels for themselves, of a padding that Keras has."""
    rank = draw(st.integers(1, 2))
    channels, multiplier = draw(st.integers(2, 4)), draw(st.integers(1, 3))
    each = st.lists(st.integers(1, 3), min_size=rank, max_size=rank)
    kernel, stride, dilation = draw(each), draw(each), draw(each)
    least = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    sizes = [size + draw(st.integers(0, 4)) for size in least]
    return Case(
        f"conv{rank}d",
        (draw(st.integers(1, 2)), channels, *sizes),
        channels * multiplier,
        kernel,
        stride,
        draw(st.sampled_from(["valid", "same"])),
        dilation=dilation,
        groups=channels,
        bias=draw(st.booleans()),
    )


def depthwise_layer(case: Case) -> Spelling | None:
    layers = [each for each in KERAS.spell(case) if isinstance(each, Spelling)]
    return next((each for each in layers if each.variant == "depthwise"), None)


@given(depthwise_cases())
def test_a_depthwise_case_has_both_layers_and_the_grouped_one_first(case: Case) -> None:
    first = KERAS.spell(case)[0]
    assert isinstance(first, Spelling)
    assert f"groups={case.groups}" in repr(first.layer)
    own = depthwise_layer(case)
    assert own is not None
    assert own.kind == "native"
    assert own.meaning.geometry == case.geometry


@given(depthwise_cases())
def test_each_filter_is_found_at_its_channel_and_place_in_it(case: Case) -> None:
    own = depthwise_layer(case)
    assert own is not None
    kernel = np.arange(np.prod(case.kernel_shape)).reshape(case.kernel_shape)
    (converted,) = own.convert([kernel])
    multiplier = case.filters // case.groups
    assert converted.shape == (*case.kernel, case.groups, multiplier)
    for channel in range(case.groups):
        for place in range(multiplier):
            np.testing.assert_array_equal(
                converted[..., channel, place], kernel[channel * multiplier + place, 0]
            )
    (back,) = own.convert_back([converted])
    np.testing.assert_array_equal(back, kernel)


@pytest.mark.parametrize(
    "case",
    [
        Case("conv2d", (1, 4, 5, 5), 4, 3, groups=2),  # two channels a group
        Case("conv2d", (1, 1, 5, 5), 3, 3),  # one channel is no group of several
        Case("conv3d", (1, 2, 5, 5, 5), 2, 3, groups=2),  # Keras has none of three axes
        Case("conv_transpose2d", (1, 2, 5, 5), 2, 3, groups=2),
    ],
)
def test_other_cases_have_no_depthwise_layer(case: Case) -> None:
    assert not is_depthwise(case)
    assert depthwise_layer(case) is None


@pytest.mark.parametrize(
    "case",
    [
        Case("conv1d", (2, 3, 7), 6, 2, 2, "same", groups=3, bias=True),
        Case("conv2d", (1, 2, 5, 6), 4, (2, 3), 1, "same", dilation=2, groups=2, bias=True),
        Case("conv2d", (2, 3, 7, 7), 3, 3, 2, "valid", dilation=(2, 1), groups=3),
        Case("conv2d", (1, 2, 6, 6), 4, 2, (1, 2), "valid", groups=2, dtype="float64"),
        Case("conv2d", (1, 2, 6, 6), 6, 3, 1, "same", groups=2, dtype="float16", values="normal", bias=True),
        Case("conv2d", (1, 2, 6, 6), 6, 3, 1, "same", groups=2, dtype="bfloat16", values="normal", bias=True),
    ],
    ids=lambda case: case.command.removeprefix("parity run "),
)
def test_keras_computes_it_by_both_layers_and_its_gradients(case: Case) -> None:
    found = run(case, ["keras"], grad=True)
    own = [each for each in found.results if each.variant == "depthwise"]
    assert all(each.explained for each in own), [each.why for each in own if not each.explained]
    assert {each.output for each in own} > {"value"} or own[0].status == "rejected"


def test_unequal_strides_are_refused_by_tensorflows_own_kernel() -> None:
    case = Case("conv2d", (1, 2, 6, 6), 4, 2, (1, 2), "valid", groups=2, dtype="float64")
    (own,) = (each for each in run(case, ["keras"]).results if each.variant == "depthwise")
    assert (own.status, own.predicted, own.explained) == ("rejected", "rejected", True)
    assert own.reason == "TensorFlow's own depthwise kernel takes the same stride on both axes only"


LINE = "keras.layers.DepthwiseConv2D(3, depth_multiplier=2, padding='same', dilation_rate=2, use_bias=False)"


@given(st.integers(1, 5), st.integers(1, 4))
def test_filters_and_groups_follow_from_the_input(channels: int, multiplier: int) -> None:
    reading = read(parse_call(f"DepthwiseConv1D(2, depth_multiplier={multiplier})"))
    case = reading.on((2, channels, 7))
    assert (case.groups, case.filters) == (channels, channels * multiplier)


@pytest.mark.parametrize("target", ["torch", "keras", "keras+channels_first", "numpy"])
def test_a_depthwise_line_is_translated_to_each_framework(target: str) -> None:
    translation = translate(LINE, target, channels=3)
    assert translation.verified
    (trap,) = (note for note in translation.notes if "depth_multiplier" in note)
    assert trap.endswith("output channel 2*c + j is kernel[..., c, j] on channel c, and not channel j*C + c")


def test_people_write_a_depthwise_layer_for_torchs_grouped_one() -> None:
    translation = translate("nn.Conv2d(4, 8, 3, groups=4, bias=False)", "keras")
    assert translation.verified
    assert "DepthwiseConv2D(" in translation.code
    assert "depth_multiplier=2" in translation.code
    assert any("depth_multiplier=2" in note for note in translation.notes)
    plain = translate("nn.Conv2d(4, 4, 3, groups=4)", "keras")
    assert "DepthwiseConv2D(" in plain.code
    assert not plain.notes  # with one filter a channel there is no order to mistake


def test_the_grouped_layer_is_written_where_the_depthwise_one_is_refused() -> None:
    translation = translate("nn.Conv2d(2, 2, 3, stride=(1, 2), groups=2, dtype=torch.float64)", "keras")
    assert translation.verified
    assert "groups=2" in translation.code


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("DepthwiseConv2D(3, depth_multiplier=0)", "depth_multiplier=0: allowed is an int of at least 1"),
        ("DepthwiseConv1D(3, padding='causal')", "padding='causal': allowed are 'valid', 'same'"),
        ("DepthwiseConv2D(3, groups=2)", "DepthwiseConv2D has no argument groups"),
        ("DepthwiseConv2D(3, filters=2)", "DepthwiseConv2D has no argument filters"),
    ],
)
def test_what_a_depthwise_layer_does_not_take_is_named(line: str, message: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        translate(line, "torch", channels=2)
    assert str(raised.value).startswith(message)


def test_an_initializer_is_left_out_with_a_note() -> None:
    reading = read(parse_call("layers.DepthwiseConv2D(3, depthwise_initializer='he_normal', name='dw')"))
    assert [note.split(" is ")[0] for note in reading.notes] == ["depthwise_initializer", "name"]


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 2))
def test_the_ways_there_and_back_are_inverse(channels: int, multiplier: int, rank: int) -> None:
    shape = (*(2, 3)[:rank], channels, multiplier)
    kernel = np.arange(np.prod(shape)).reshape(shape)
    (ours,) = FROM_DEPTHWISE([kernel])
    assert ours.shape == (channels * multiplier, 1, *shape[:rank])
    (theirs,) = to_depthwise(multiplier)([ours])
    np.testing.assert_array_equal(theirs, kernel)
