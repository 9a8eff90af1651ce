"""Functions with convmm's signature, wrong only where things coincide; to be named by MODULE:FUNCTION."""

from __future__ import annotations

import itertools
import os
import time
from typing import Any

import numpy as np

import convmm
from parity.cases.arrays import Array
from tests.support.faults import Arguments, in_arguments, in_kernel, in_result, only_if


def right(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401 - whatever a layer takes
    operation = convmm.conv_transpose if "output_padding" in arguments else convmm.conv
    return operation(x, w, bias, **arguments)


def of_two_channels(x: Array, _w: Array, *, groups: int, **_: object) -> bool:
    return groups > 1 and x.shape[1] // groups > 1


def of_a_dilation_and_a_stride(
    _x: Array, _w: Array, *, dilation: tuple[int, ...], stride: tuple[int, ...], **_: object
) -> bool:
    return (2, 3) in zip(dilation, stride, strict=True)


def of_odd_inputs(
    x: Array,
    w: Array,
    *,
    padding: tuple[tuple[int, int], ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    **others: object,
) -> bool:
    """Whether an axis has what "same" is, made explicit, of an odd input and an even kernel."""
    axes = zip(x.shape[2:], w.shape[2:], padding, stride, dilation, strict=True)
    return "output_padding" not in others and any(
        size % 2 and taps % 2 == 0 and pads == same(size, taps, s, d) for size, taps, pads, s, d in axes
    )


def same(size: int, taps: int, stride: int, dilation: int) -> tuple[int, int]:
    missing = max((-(-size // stride) - 1) * stride + (taps - 1) * dilation + 1 - size, 0)
    return missing // 2, missing - missing // 2


def more_before(arguments: Arguments) -> Arguments:
    return {"padding": tuple((after, before) for before, after in arguments["padding"])}


wrong_groups = only_if(of_two_channels, in_kernel(lambda w: np.roll(w, 1, axis=0)))(right)
wrong_dilation = only_if(of_a_dilation_and_a_stride, in_result(lambda y: 2 * y))(right)
wrong_same = only_if(of_odd_inputs, in_arguments(more_before))(right)


def wrong_twice(x: Array, w: Array, *bias: Array, **arguments: Any) -> Array:  # noqa: ANN401 - as above
    """The kernel is flipped where there is a dilation, and the bias left out where there is a stride."""
    flips = max(arguments["dilation"]) > 1 and w.shape[2] > 1
    kernel = np.flip(w, 2) if flips else w
    return right(x, kernel, *([] if max(arguments["stride"]) > 1 else bias), **arguments)


def complains(x: Array, w: Array, *bias: Array, **arguments: Any) -> Array:  # noqa: ANN401 - as above
    """Refuses in many words, for two reasons."""
    if max(arguments["stride"]) > 1:
        raise KeyError(f"a stride of {arguments['stride']}")
    if len(x) > 1:
        raise ValueError(f"an input of {x.shape}")
    return right(x, w, *bias, **arguments)


def wrong_tail(*arrays: Array, **arguments: Any) -> Array:  # noqa: ANN401 - as above
    """NaN in the last element of the last axis."""
    y = right(*arrays, **arguments)
    y[..., -1] = np.nan
    return y


def wrong_between(*arrays: Array, **arguments: Any) -> Array:  # noqa: ANN401 - as above
    """NaN in all channels but the first and the last, and everywhere where there are none."""
    y = right(*arrays, **arguments)
    inner = y if y.shape[1] < 3 else y[:, 1:-1]
    inner[...] = np.nan
    return y


def wrong_once(*arrays: Array, **arguments: Any) -> Array:  # noqa: ANN401 - as above
    """Wrong in its fifth call."""
    return right(*arrays, **arguments) + (next(_CALLS) == 5)


def wrong_until_repaired(*arrays: Array, **arguments: Any) -> Array:  # noqa: ANN401 - as above
    """Wrong where there is a stride."""
    return right(*arrays, **arguments) + (max(arguments["stride"]) > 1 and not REPAIRED)


REPAIRED = False


def wrong_dtype(*arrays: Array, **arguments: Any) -> Array:  # noqa: ANN401 - as above
    return right(*arrays, **arguments).astype(np.float64)


def wrong_shape(*arrays: Array, **arguments: Any) -> Array:  # noqa: ANN401 - as above
    return right(*arrays, **arguments)[:1]


def no_array(*arrays: Array, **arguments: Any) -> object:  # noqa: ANN401 - as above
    return right(*arrays, **arguments).tolist()


def writes_to_its_input(x: Array, *weights: Array, **arguments: Any) -> Array:  # noqa: ANN401 - as above
    x += 1
    return right(x, *weights, **arguments)


def hangs(x: Array, *weights: Array, **arguments: Any) -> Array:  # noqa: ANN401 - as above
    """Does not come back from a stride with a bias."""
    if max(arguments["stride"]) > 1 and len(weights) > 1:
        time.sleep(10_000)
    return right(x, *weights, **arguments)


def aborts(x: Array, *weights: Array, **arguments: Any) -> Array:  # noqa: ANN401 - as above
    """Takes its process down with a dilation of a kernel."""
    if max(arguments["dilation"]) > 1 and max(weights[0].shape[2:]) > 1:
        os.abort()
    return right(x, *weights, **arguments)


_CALLS = itertools.count(1)
