"""The functions that convolve beneath Keras's layers: of its backends, and of what those run on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter
from typing import Any

from parity.cases.arrays import Array
from parity.cases.case import DTYPES, Case
from parity.frameworks.keras.installation import load
from parity.frameworks.keras.rules import CHANNELS_FIRST

OPERATIONS = ("conv", "depthwise_conv", "conv_transpose")
"""The functions of Keras's backends that convolve, beside separable_conv."""


@dataclass(frozen=True)
class BackendFunction:
    """A call of a backend's function.

    Attributes:
        name: of the function.
        compute: the function.
        given: its arguments behind the arrays.
        part: what it is of a separable convolution; empty for all others.
    """

    name: str
    compute: Callable[..., Any]
    given: dict[str, Any]
    part: str = ""

    @property
    def is_first(self) -> bool:
        """Whether its channels stand before the spatial axes."""
        return bool(self.given["data_format"] == CHANNELS_FIRST)

    def case(self, weights: Sequence[Array], shape: Sequence[int]) -> Case | str:
        """Make the case that it computes; or say why there is none."""
        kernel, channels = weights[0], shape[1]
        rank, dtype = kernel.ndim - 2, kernel.dtype.name
        if dtype not in DTYPES:
            return f"its kernel is of dtype {dtype}: allowed are {', '.join(DTYPES)}"
        transposed = self.name == "conv_transpose"
        filters, groups = kernel.shape[-1], 1
        if transposed:
            filters = kernel.shape[-2]
        elif self.name == "depthwise_conv":
            filters, groups = channels * kernel.shape[-1], channels
        else:
            groups = channels // kernel.shape[-2]
        try:
            return Case(
                f"conv_transpose{rank}d" if transposed else f"conv{rank}d",
                tuple(shape),
                filters,
                kernel.shape[:-2],
                stride=self.given["strides"],
                padding=self.given["padding"],
                output_padding=self.given.get("output_padding"),
                dilation=self.given["dilation_rate"],
                groups=groups,
                bias=len(weights) > 1,
                dtype=dtype,
            )
        except ValueError as error:
            return str(error)


_BENEATH = {
    "tensorflow": (
        "nn",
        (
            "convolution",
            "conv1d",
            "conv2d",
            "conv3d",
            "atrous_conv2d",
            "conv_transpose",
            "conv1d_transpose",
            "conv2d_transpose",
            "conv3d_transpose",
            "atrous_conv2d_transpose",
            "depthwise_conv2d",
            "separable_conv2d",
        ),
    ),
    "jax": ("lax", ("conv", "conv_general_dilated", "conv_with_general_padding", "conv_transpose")),
    "torch": (
        "nn.functional",
        ("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
    ),
}
"""Of what Keras runs on the module with functions that convolve, and those."""


def beneath() -> tuple[Any, dict[str, str]]:
    """Return the module of what Keras runs on that convolves, and its functions with their paths."""
    backend = load().backend.backend()
    if backend not in _BENEATH:
        return None, {}
    path, names = _BENEATH[backend]
    return attrgetter(path)(import_module(backend)), {name: f"{backend}.{path}.{name}" for name in names}


_DEFAULTS = {
    "strides": 1,
    "padding": "valid",
    "data_format": None,
    "dilation_rate": 1,
}


def bound(operation: str, args: Any, kwargs: Any) -> dict[str, Any]:
    """Return the arguments of a backend's function behind the arrays, by name, each with its value."""
    names = list(_DEFAULTS)
    if operation == "conv_transpose":
        names.insert(2, "output_padding")
    given = {**_DEFAULTS, **dict(zip(names, args, strict=False)), **kwargs}
    given["data_format"] = given["data_format"] or load().config.image_data_format()
    return given
