"""Arrays as Keras's tensors, channels last where the layer has it so, and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from parity.cases.arrays import Array
from parity.frameworks.keras.installation import load
from parity.frameworks.weights import check_weights


def has_channels_first(layer: Any) -> bool:
    """Return whether a layer, which its user may have made, takes its channels before the spatial axes.

    Of a model the first layer that has an order of axes decides.
    """
    return next(_data_formats(layer), None) == "channels_first"


def _data_formats(layer: Any) -> Iterator[str]:
    own = getattr(layer, "data_format", None)
    if own is not None:
        yield own
    for inner in getattr(layer, "layers", getattr(layer, "_layers", ())):
        yield from _data_formats(inner)


def to_keras(array: Array, *, channels_first: bool = False) -> Any:
    """Make the tensor of (N, C, *spatial), channels last unless they are to be first."""
    ordered = np.ascontiguousarray(array if channels_first else np.moveaxis(array, 1, -1))
    return load().ops.convert_to_tensor(ordered, dtype=array.dtype.name)


def to_numpy(tensor: Any, *, channels_first: bool = False) -> Array:
    """Make the array of a tensor with its channels last, unless they are first: (N, C, *spatial)."""
    array: Array = load().ops.convert_to_numpy(tensor)
    return array if channels_first else np.moveaxis(array, -1, 1)


def build(layer: Any, shape: Sequence[int | None], weights: Sequence[Array]) -> None:
    """Build the layer for inputs of this shape, in the layer's order of axes, and set its weights.

    Raises:
        WeightsError: they do not fit it.

    They are set in one piece: of float16 arrays in another order OpenVINO makes constants of int16. One that
    is built already is asked for its output's shape, as ``build`` does: it is how inputs are refused.
    """
    if layer.built:
        _refuse(layer, tuple(shape))
    else:
        layer.build(tuple(shape))
    check_weights(layer.weights, weights)
    layer.set_weights([np.ascontiguousarray(weight) for weight in weights])


def _refuse(layer: Any, shape: tuple[int | None, ...]) -> None:
    """Raise what a layer that is built raises of an input of this shape.

    A Sequential, which is called on any size, answers for that alone which it was built for.
    """
    keras = load()
    if isinstance(layer, keras.Sequential) and _differs_in_size(layer, shape):
        _output(layer, keras.KerasTensor(shape, dtype=layer.input_dtype))
    else:
        layer.compute_output_shape(shape)


def _differs_in_size(layer: Any, shape: tuple[int | None, ...]) -> bool:
    """Return whether a shape has the axes and the channels of a Sequential, and other sizes."""
    own, channels = layer.input_shape, 1 if has_channels_first(layer) else -1
    return own != shape and len(own) == len(shape) and own[channels] == shape[channels]


def _output(layer: Any, given: Any) -> Any:
    """Return what a layer makes of a tensor without values, each layer of a Sequential in turn."""
    if not isinstance(layer, load().Sequential):
        return layer.compute_output_spec(given)
    for each in layer.layers:
        given = _output(each, given)
    return given
