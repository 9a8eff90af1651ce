from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from convmm import (
    GeometryError,
    conv,
    conv2d,
    conv_output_size,
    conv_steps,
    conv_transpose,
    conv_transpose_output_size,
    conv_transpose_steps,
    input_sizes,
    output_padding_for,
    unroll_kernel,
)
from convmm.geometry import (
    LARGEST,
    Axis,
    Geometry,
    check_ints,
    check_kernel,
    conv_geometry,
    conv_smallest_input_size,
    conv_transpose_geometry,
    conv_transpose_smallest_input_size,
)
from tests.convmm.strategies import Example, Operation, conv_transposes, convs
from tests.support.naive import transposed_window


@given(convs())
def test_the_conv_size_formula_agrees_with_the_arrays(example: Example) -> None:
    x, w = example.arrays()
    size = conv_output_size(example.sizes, example.kernel, **example.without_groups)
    assert size == conv(x, w, **example.arguments).shape[2:]


@given(conv_transposes())
def test_the_transposed_size_formula_agrees_with_the_arrays(example: Example) -> None:
    x, w = example.arrays()
    size = conv_transpose_output_size(example.sizes, example.kernel, **example.without_groups)
    assert size == conv_transpose(x, w, **example.arguments).shape[2:]


@given(conv_transposes())
def test_a_transposed_output_begins_and_ends_where_it_is_counted_to(example: Example) -> None:
    geometry = conv_transpose_geometry(example.x_shape, example.w_shape, **example.arguments)
    given_ = example.arguments
    for number, axis in enumerate(geometry.axes):
        padding = given_["padding"] if isinstance(given_["padding"], str) else given_["padding"][number]
        added, wanted = (
            None if given_.get(name) is None else given_[name][number]
            for name in ("output_padding", "output_size")
        )
        sizes = axis.coarse, axis.kernel, axis.stride, padding, axis.dilation
        assert (axis.before, axis.fine) == transposed_window(*sizes, added, wanted)


@given(st.data(), st.builds(Axis, *(st.integers(1, most) for most in (12, 8, 4, 4, 4)), st.integers(0, 8)))
def test_a_tap_joins_a_fine_element_to_each_coarse_one_that_it_meets(data: st.DataObject, axis: Axis) -> None:
    tap = data.draw(st.integers(0, axis.kernel - 1))
    first = data.draw(st.integers(0, axis.coarse - 1))
    places = slice(first, data.draw(st.integers(first + 1, axis.coarse)))
    fine, coarse = axis.joined_by(tap, places)
    every = range(axis.coarse)[places]
    joined = [(t * axis.stride + tap * axis.dilation - axis.before, t) for t in every]
    pairs = zip(range(axis.fine)[fine], every[coarse], strict=True)
    assert list(pairs) == [(f, t) for f, t in joined if 0 <= f < axis.fine]


@given(convs())
def test_input_sizes_are_exactly_those_that_map_to_the_output(example: Example) -> None:
    coarse = conv_output_size(example.sizes, example.kernel, **example.without_groups)
    found = input_sizes(coarse, example.kernel, **example.without_groups)
    for number, sizes in enumerate(found):
        assert sizes == tuple(size for size in range(60) if _mapped(example, number, size) == coarse[number])


@given(convs())
def test_the_smallest_input_of_a_conv_is_the_first_with_an_output(example: Example) -> None:
    found = conv_smallest_input_size(example.kernel, **example.without_groups)
    for axis, size in enumerate(found):
        assert size == next(n for n in range(1, 60) if _mapped(example, axis, n))


@given(conv_transposes())
def test_the_smallest_input_of_a_transposed_conv_is_the_first_with_an_output(example: Example) -> None:
    arguments = {name: value for name, value in example.without_groups.items() if name != "output_size"}
    found = conv_transpose_smallest_input_size(example.kernel, **arguments)
    asked = replace(example, x_shape=(*example.x_shape[:2], *found), arguments=arguments)
    for axis, size in enumerate(found):
        assert size == next(n for n in range(1, 60) if _mapped(asked, axis, n, conv_transpose_output_size))


def test_the_smallest_inputs_are_refused_what_no_layer_takes() -> None:
    with pytest.raises(GeometryError, match="output_padding=2 on axis 1: allowed is 0 to 1"):
        conv_transpose_smallest_input_size((3, 3), stride=(3, 2), output_padding=(2, 2))
    with pytest.raises(GeometryError, match="kernel_size="):
        conv_smallest_input_size((0,))


def _mapped(
    example: Example, axis: int, size: int, output_size: Callable[..., Any] = conv_output_size
) -> int | None:
    """The size that this axis's output has for an input of this size; None where the layer takes none."""
    sizes = list(example.sizes)
    sizes[axis] = size
    try:
        found: int = output_size(sizes, example.kernel, **example.without_groups)[axis]
    except GeometryError:
        return None
    return found


@given(
    st.integers(0, 6),
    st.integers(1, 6),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(0, 3),
    st.integers(0, 3),
)
def test_output_sizes_without_an_input_are_found_empty(
    output: int, kernel: int, stride: int, dilation: int, before: int, after: int
) -> None:
    arguments: dict[str, Any] = {"stride": stride, "dilation": dilation, "padding": ((before, after),)}
    (sizes,) = input_sizes(output, kernel, **arguments)
    for size in range(60):
        try:
            (mapped,) = conv_output_size(size, kernel, **arguments)
        except GeometryError:
            mapped = -1
        assert (mapped == output) == (size in sizes)


@given(convs())
def test_the_output_padding_restores_each_size(example: Example) -> None:
    arguments = example.without_groups
    coarse = conv_output_size(example.sizes, example.kernel, **arguments)
    if _beyond_any_output_padding(example):
        with pytest.raises(GeometryError, match="output_padding=None restores it"):
            output_padding_for(example.sizes, example.kernel, **arguments)
        return
    added = output_padding_for(example.sizes, example.kernel, **arguments)
    restored = conv_transpose_output_size(coarse, example.kernel, **arguments, output_padding=added)
    assert restored == example.sizes


def _beyond_any_output_padding(example: Example) -> bool:
    """Keras's "same", with an even extent and a size that the stride divides, on some axis."""
    axes = zip(
        example.sizes,
        example.kernel,
        example.arguments["stride"],
        example.arguments["dilation"],
        strict=True,
    )
    return example.arguments["padding"] == "same" and any(
        n % s == 0 and (k - 1) * d % 2 == 1 for n, k, s, d in axes
    )


@given(convs())
def test_each_input_size_can_be_asked_for_as_output_size(example: Example) -> None:
    arguments = example.without_groups
    coarse = conv_output_size(example.sizes, example.kernel, **arguments)
    restored = conv_transpose_output_size(coarse, example.kernel, **arguments, output_size=example.sizes)
    assert restored == example.sizes


def test_keras_default_restores_what_its_output_padding_cannot() -> None:
    with pytest.raises(GeometryError, match="output_padding=None restores it"):
        output_padding_for(8, 2, stride=2, padding="same")
    assert conv_transpose_output_size(4, 2, stride=2, padding="same") == (8,)


@pytest.mark.parametrize("size", range(1, 8))
def test_keras_same_begins_where_torch_does_for_odd_sizes_only(size: int) -> None:
    shapes = (1, 1, size), (1, 1, 3)
    for geometry, expected in [
        (conv_transpose_geometry(*shapes, stride=2, padding="same"), (0, 2 * size)),
        (conv_transpose_geometry(*shapes, stride=2, padding=1, output_padding=1), (1, 2 * size)),
        (conv_transpose_geometry(*shapes, stride=2, padding=1), (1, 2 * size - 1)),
        (
            conv_transpose_geometry(*shapes, stride=2, padding="same", output_size=2 * size - 1),
            (1, 2 * size - 1),
        ),
    ]:
        (axis,) = geometry.axes
        assert (axis.before, axis.fine) == expected


@given(convs())
def test_an_axis_of_a_conv_begins_and_ends_where_its_taps_do(example: Example) -> None:
    _check_ends(conv_geometry(example.x_shape, example.w_shape, **example.arguments))


@given(conv_transposes())
def test_an_axis_of_a_transposed_conv_begins_and_ends_where_its_taps_do(example: Example) -> None:
    _check_ends(conv_transpose_geometry(example.x_shape, example.w_shape, **example.arguments))


def _check_ends(geometry: Geometry) -> None:
    for axis in geometry.axes:
        last = (axis.coarse - 1) * axis.stride + (axis.kernel - 1) * axis.dilation - axis.before
        assert last == axis.fine - 1 + axis.after
        assert axis.full == axis.before + axis.fine + axis.after


def test_without_arguments_nothing_is_strided_padded_or_dilated() -> None:
    assert conv_output_size(5, 2) == (4,)
    assert conv_transpose_output_size(4, 2) == (5,)
    assert input_sizes(4, 2) == ((5,),)
    assert output_padding_for(5, 2) == (0,)
    assert output_padding_for(5, 2, stride=3) == (0,)
    assert output_padding_for(5, 2, stride=2) == (1,)
    plain: dict[str, Any] = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    shapes = (1, 1, 5), (1, 1, 2)
    assert conv_geometry(*shapes) == conv_geometry(*shapes, **plain)
    assert conv_transpose_geometry(*shapes) == conv_transpose_geometry(*shapes, **plain)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_a_kernel_has_one_to_three_spatial_axes(rank: int) -> None:
    assert check_kernel((1, 1, *[2] * rank)) == rank
    with pytest.raises(GeometryError, match="with 1, 2 or 3 spatial axes"):
        check_kernel((1,) * (2 if rank < 3 else 6))


X, W = np.ones((1, 2, 5, 5)), np.ones((2, 2, 3, 3))
Y, V = np.ones((1, 2, 5)), np.ones((2, 2, 3))

# Function, arguments, and what the message must hold: the argument, its value, what is allowed.
BAD: list[tuple[Any, tuple[Any, ...], dict[str, Any], str]] = [
    (conv, (np.ones((1, 2)), W), {}, "x has shape (1, 2): allowed is (N, C, *spatial) with 1, 2 or 3"),
    (conv, (np.ones((1,) * 6), W), {}, "x has shape (1, 1, 1, 1, 1, 1): allowed is (N, C, *spatial)"),
    (
        conv,
        (np.ones((1, 2, 0, 5)), W),
        {},
        (
            "kernel_size=3 on axis 0 spans 3 elements (dilation=1): allowed is at most the padded input's 0 "
            "(input size 0, padding (0, 0))"
        ),
    ),
    (conv, (X, np.ones((2, 2, 3))), {}, "w has shape (2, 2, 3): allowed are 4 axes"),
    (
        conv,
        (X, np.ones((2, 2, 3, 0))),
        {},
        "w has size 0 on spatial axis 1 of (2, 2, 3, 0): allowed is at least 1",
    ),
    (
        conv,
        (X, np.ones((2, 3, 3, 3))),
        {},
        "w has shape (2, 3, 3, 3): with groups=1 its axis 1 reads 3 input channels",
    ),
    (
        conv,
        (X, W),
        {"groups": 2},
        "w has shape (2, 2, 3, 3): with groups=2 its axis 1 reads 4 input channels, x has 2",
    ),
    (conv, (X, W), {"groups": 3}, "groups=3: allowed is a divisor of the 2 input channels"),
    (
        conv,
        (X, np.ones((3, 1, 3, 3))),
        {"groups": 2},
        "groups=2: allowed is a divisor of the 3 output channels",
    ),
    (conv, (X, W), {"groups": 0}, "groups=0: allowed is an int of at least 1"),
    (conv, (X, W), {"groups": 1.0}, "groups=1.0: allowed is an int of at least 1"),
    (conv, (X, W), {"stride": 0}, "stride=0: allowed is an int of at least 1"),
    (conv, (X, W), {"stride": True}, "stride=True: allowed is an int of at least 1"),
    (conv, (X, W), {"stride": (1, 0)}, "stride=(1, 0) on axis 1: allowed is an int of at least 1"),
    (
        conv,
        (X, W),
        {"stride": (1, 1, 1)},
        "stride=(1, 1, 1): allowed is one int, or one for each of 2 axes, not 3",
    ),
    (conv, (X, W), {"stride": "2"}, "stride='2': allowed is an int of at least 1"),
    (conv, (X, W), {"stride": None}, "stride=None: allowed is an int of at least 1"),
    (conv, (X, W), {"dilation": 1.5}, "dilation=1.5: allowed is an int of at least 1"),
    (conv, (X, W), {"dilation": (-1, 1)}, "dilation=(-1, 1) on axis 0: allowed is an int of at least 1"),
    (
        conv,
        (X, W),
        {"dilation": 3},
        "kernel_size=3 on axis 0 spans 7 elements (dilation=3): allowed is at most the padded input's 5",
    ),
    (
        conv,
        (X, W),
        {"dilation": (1, 4), "padding": 1},
        (
            "kernel_size=3 on axis 1 spans 9 elements (dilation=4): allowed is at most the padded "
            "input's 7 (input size 5, padding (1, 1))"
        ),
    ),
    (conv, (X, W), {"padding": -1}, "padding=-1: allowed is an int of at least 0"),
    (conv, (Y, V), {"padding": -1}, "padding=-1: allowed is an int of at least 0"),
    (
        conv,
        (X, W),
        {"padding": "full"},
        "padding='full': allowed are an int, ints, (before, after) pairs, 'valid' and 'same'",
    ),
    (
        conv,
        (X, W),
        {"padding": (1, 1, 1)},
        "padding=(1, 1, 1): allowed is one int, or one for each of 2 axes, not 3",
    ),
    (
        conv,
        (X, W),
        {"padding": ((1, 1),)},
        "padding=((1, 1),): allowed is one pair for each of 2 axes, not 1",
    ),
    (
        conv,
        (X, W),
        {"padding": ((1, 1), 1)},
        (
            "padding=((1, 1), 1) on axis 1: allowed is a (before, after) pair on every axis, or one int on "
            "every axis"
        ),
    ),
    (
        conv,
        (X, W),
        {"padding": ((1, 1), (1, 1, 1))},
        "padding=((1, 1), (1, 1, 1)) on axis 1: allowed is a (before, after) pair on every axis",
    ),
    (
        conv,
        (X, W),
        {"padding": ((1, 1), "12")},
        "padding=((1, 1), '12') on axis 1: allowed is a (before, after) pair on every axis",
    ),
    (
        conv,
        (X, W),
        {"padding": ((1, 1), (1, -2))},
        "padding=((1, 1), (1, -2)) on axis 1: allowed is an int of at least 0",
    ),
    (
        conv,
        (Y, V),
        {"padding": (1, 2)},
        (
            "padding=(1, 2): allowed is one int, or one for each of 1 axes, not 2; a (before, after) "
            "pair for one axis is written ((1, 2),)"
        ),
    ),
    (conv, (X, W, np.ones(3)), {}, "bias has shape (3,): allowed is (2,), one value per output channel"),
    (conv, (X, W, np.ones((2, 1))), {}, "bias has shape (2, 1): allowed is (2,)"),
    (conv, (X, W, 1.0), {}, "bias has shape (): allowed is (2,)"),
    (conv2d, (Y, V), {}, "conv2d: x has shape (1, 2, 5), allowed are 4 axes, (N, C, *spatial)"),
    (conv_steps, (X, W), {"stride": 0}, "stride=0: allowed is an int of at least 1"),
    (
        conv_transpose,
        (X, np.ones((3, 2, 3, 3))),
        {},
        "w has shape (3, 2, 3, 3): its axis 0 reads 3 input channels, x has 2",
    ),
    (conv_transpose, (np.ones((1, 2)), W), {}, "x has shape (1, 2): allowed is (N, C, *spatial)"),
    (conv_transpose, (X, W, np.ones(2)), {"groups": 2}, "bias has shape (2,): allowed is (4,)"),
    (conv_transpose, (X, W), {"groups": "2"}, "groups='2': allowed is an int of at least 1"),
    (
        conv_transpose,
        (X, W),
        {"output_padding": 1},
        "output_padding=1 on axis 0: allowed is 0 to 0, less than the larger of stride=1 and dilation=1",
    ),
    (
        conv_transpose,
        (X, W),
        {"output_padding": (1, 3), "stride": 3},
        "output_padding=3 on axis 1: allowed is 0 to 2",
    ),
    (conv_transpose, (X, W), {"output_padding": -1}, "output_padding=-1: allowed is an int of at least 0"),
    (
        conv_transpose,
        (X, W),
        {"output_padding": 1, "output_size": 12, "stride": 2},
        "output_size=12 beside output_padding=1: allowed is one of the two",
    ),
    (
        conv_transpose,
        (X, W),
        {"output_size": (11, 13), "stride": 2},
        "output_size=13 on axis 1: allowed is 11 to 12",
    ),
    (conv_transpose, (X, W), {"output_size": 8}, "output_size=8 on axis 0: allowed is 7, the sizes"),
    (
        conv_transpose,
        (X, W),
        {"output_size": 8, "padding": "same"},
        "output_size=8 on axis 0: allowed is 5, the sizes",
    ),
    (conv_transpose, (X, W), {"output_size": 1, "padding": 4}, "output_size=1 on axis 0: allowed is no size"),
    (
        conv_transpose,
        (X, W),
        {"padding": 4},
        "padding=(4, 4) on axis 0 removes 8 elements: allowed is at most the 7 that there are",
    ),
    (conv_transpose_steps, (X, W), {"padding": 4}, "padding=(4, 4) on axis 0 removes 8 elements"),
    (
        unroll_kernel,
        (np.ones((2, 3)), 5),
        {},
        (
            "w has shape (2, 3): allowed is (O, C/groups, *kernel) for conv, "
            "(C, O/groups, *kernel) for conv_transpose, with 1, 2 or 3 spatial axes"
        ),
    ),
    (unroll_kernel, (W, (5, -1)), {}, "input_size=(5, -1) on axis 1: allowed is an int of at least 0"),
    (
        unroll_kernel,
        (W, (5, 5, 5)),
        {},
        "input_size=(5, 5, 5): allowed is one int, or one for each of 2 axes, not 3",
    ),
    (
        unroll_kernel,
        (W, 2),
        {},
        "kernel_size=3 on axis 0 spans 3 elements (dilation=1): allowed is at most the padded input's 2",
    ),
    (
        conv_output_size,
        ((5, 5, 5, 5), 3),
        {},
        "input_size=(5, 5, 5, 5) and kernel_size=3: allowed are 1, 2 or 3 spatial axes",
    ),
    (conv_output_size, (-1, 3), {}, "input_size=-1: allowed is an int of at least 0"),
    (conv_output_size, (5, (3, 3.5)), {}, "kernel_size=(3, 3.5) on axis 1: allowed is an int of at least 1"),
    (
        conv_output_size,
        ((5, 5), (3, 3, 3)),
        {},
        "kernel_size=(3, 3, 3): allowed is one int, or one for each of 2 axes, not 3",
    ),
    (
        conv_transpose_output_size,
        (2, 2),
        {"output_size": -1},
        "output_size=-1: allowed is an int of at least 0",
    ),
    (
        conv_transpose,
        (X, W),
        {"output_size": 20, "stride": 3},
        "output_size=20 on axis 0: allowed is 15 to 17, the sizes that the convolution maps to this",
    ),
    (conv_transpose_output_size, (-1, 3), {}, "input_size=-1: allowed is an int of at least 0"),
    (
        conv_transpose_output_size,
        (0, 3),
        {"stride": 4, "padding": 1},
        (
            "input size 0 on axis 0: allowed is at least 1 beside stride=4, a kernel of 3 elements and "
            "padding=(1, 1), with which the output's size would be -3"
        ),
    ),
    (
        conv_transpose_output_size,
        (0, 3),
        {"padding": 1, "output_size": 3},
        "output_size=3 on axis 0: allowed is 0, the sizes that the convolution maps to this input size",
    ),
    (conv_transpose_output_size, (2, 0), {}, "kernel_size=0: allowed is an int of at least 1"),
    (input_sizes, (-1, 3), {}, "output_size=-1: allowed is an int of at least 0"),
    (input_sizes, (2, 0), {}, "kernel_size=0: allowed is an int of at least 1"),
    (output_padding_for, (-1, 3), {}, "output_size=-1: allowed is an int of at least 0"),
    (output_padding_for, (2, 0), {}, "kernel_size=0: allowed is an int of at least 1"),
    (
        output_padding_for,
        ((7, 8), 2),
        {"stride": 2, "padding": "same"},
        (
            "output_size=8 on axis 1 beside padding='same': output_padding=2 would restore it, and "
            "allowed is less than stride=2"
        ),
    ),
]


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "message"), BAD, ids=[f"{b[0].__name__}-{n}" for n, b in enumerate(BAD)]
)
def test_a_bad_argument_is_named_with_its_value_and_what_is_allowed(
    function: Operation, args: tuple[Any, ...], kwargs: dict[str, Any], message: str
) -> None:
    with pytest.raises(GeometryError, match=re.escape(message)):
        function(*args, **kwargs)


def test_a_geometry_error_is_a_value_error() -> None:
    assert issubclass(GeometryError, ValueError)


@pytest.mark.parametrize("kind", [np.int8, np.int64, np.uint32])
def test_numbers_of_numpys_own_kinds_are_taken_as_ints(kind: type[np.integer[Any]]) -> None:
    found = check_ints("stride", (kind(1), kind(3)), 2, minimum=1)
    assert found == (1, 3)
    assert {type(number) for number in found} == {int}
    with pytest.raises(GeometryError, match=r"stride=.* on axis 1: allowed is an int of at least 1"):
        check_ints("stride", (kind(1), kind(0)), 2, minimum=1)


@pytest.mark.parametrize(
    "value", [2**63, 10**30, 10**5000, -(10**5000), (1, 10**5000), ["x" * 9999, 1]], ids="abcdef"
)
@pytest.mark.parametrize("name", ["stride", "dilation", "padding", "input_size", "kernel_size"])
def test_a_number_beyond_every_index_is_refused_in_a_short_sentence(name: str, value: object) -> None:
    arguments: dict[str, Any] = {"input_size": (4, 4), "kernel_size": (2, 2)}
    with pytest.raises(GeometryError) as raised:
        conv_output_size(**{**arguments, name: value})
    assert str(raised.value).startswith(f"{name}=")
    assert "allowed is" in str(raised.value)
    assert len(str(raised.value)) < 300


def test_the_largest_index_is_a_number() -> None:
    assert conv_output_size((LARGEST,), (1,), stride=LARGEST) == (1,)


@pytest.mark.parametrize("build", [conv_geometry, conv_transpose_geometry])
def test_a_geometry_is_kept_and_only_what_is_written_alike_is_taken_for_it(
    build: Callable[..., Geometry],
) -> None:
    shapes = (1, 2, 5, 5), (2, 2, 3, 3)
    kept = build(*shapes, stride=(1, 1), padding=((1, 1), (1, 1)))
    assert build(*shapes, stride=(1, 1), padding=((1, 1), (1, 1))) is kept
    assert build(*map(list, shapes), stride=[1, 1], padding=[[1, 1], [1, 1]]) == kept
    assert build(*shapes, stride=np.int64(1), padding=1) == kept
    for name, value in {"stride": (True, 1), "padding": ((1, 1.0), (1, 1)), "groups": True}.items():
        with pytest.raises(GeometryError, match=name):
            build(*shapes, **{"stride": (1, 1), "padding": ((1, 1), (1, 1)), name: value})
