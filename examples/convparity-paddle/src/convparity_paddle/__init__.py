"""PaddlePaddle's layers, as a framework that convparity compares with the others.

Data are channels first and kernels as convmm's. Sources: the documentation of ``paddle.nn.Conv2D`` and
``paddle.nn.Conv2DTranspose``, ``UpdatePaddingAndDilation`` in ``paddle/phi/kernels/cpu/conv_util.h``
(PaddlePaddle 3.3), and runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from convmm.geometry import GeometryError
from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.frameworks.code.layer import Layer, layer
from parity.frameworks.code.script import Script
from parity.frameworks.distributions import installed_version, not_installed
from parity.frameworks.interface import Framework
from parity.frameworks.precision import Mode, accumulated_in_float32
from parity.frameworks.spelling import Kind, Refusal, Spelling, Unsupported, windows_agree

_DISTRIBUTIONS = ("paddlepaddle", "paddlepaddle-gpu")


def load() -> Any:
    """Import PaddlePaddle, when it is first used."""
    return import_module("paddle")


@dataclass(frozen=True)
class Paddle(Framework):
    """PaddlePaddle's layers, channels first, on the processor."""

    name = "paddle"
    load = staticmethod(load)

    def why_unavailable(self) -> str | None:
        """Return that PaddlePaddle is not installed, or None."""
        return None if installed_version(*_DISTRIBUTIONS) else not_installed("paddlepaddle", "paddlepaddle")

    def version(self) -> str:
        """Return PaddlePaddle's version."""
        return str(installed_version(*_DISTRIBUTIONS))

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        """Return the layer with the case's padding in numbers, and its "SAME", which people take for it."""
        if not case.transposed and case.padding == "same" and 0 in case.input[2:]:
            return [Unsupported("no padding in numbers is that of 'same' on an axis without elements")]
        pads, added = _window(case)
        return [_spelling("native", case, _flat(pads), added), *_same(case)]

    def mode(self, case: Case) -> Mode:
        """Return the dtype's own: there are no half types."""
        return accumulated_in_float32(case.dtype)

    def mode_of_gradients(self, case: Case) -> Mode:
        """Return the dtype's own."""
        return self.mode(case)

    def pin(self, threads: int) -> dict[str, Any]:
        """Choose the processor, and the threads of its matrix products."""
        from threadpoolctl import threadpool_limits  # noqa: PLC0415 - once the libraries are loaded

        load().set_device("cpu")
        threadpool_limits(threads)
        return {"threads": threads, "device": load().get_device()}

    def call(self, layer: Any, weights: Sequence[Array], x: Array) -> Array:
        """Set the layer's parameters and call it, without recording gradients."""
        paddle = load()
        _set_weights(layer, weights)
        with paddle.no_grad():
            found: Array = layer(_to_paddle(x)).numpy()
        return found

    def calling(self, dtype: str) -> Script:
        """Set the layer's parameters and call it."""
        return Script(("paddle",), f"{_GIVEN.format(dtype=dtype)}y = layer(given).astype('float64').numpy()")

    def why_no_gradients(self) -> None:
        """Return None: PaddlePaddle differentiates."""

    def backward(
        self, layer: Any, weights: Sequence[Array], x: Array, dy: Array
    ) -> tuple[Array, list[Array]]:
        """Return the gradients by the input and the layer's parameters, by ``paddle.grad``."""
        given = _to_paddle(x)
        given.stop_gradient = False
        sources = [given, *_set_weights(layer, weights)]
        found = load().grad([layer(given)], sources, [_to_paddle(dy)])
        by_input, *by_weights = (each.numpy() for each in found)
        return by_input, by_weights

    def differentiating(self, dtype: str) -> Script:
        """Differentiate the layer."""
        return Script(
            ("paddle",),
            f"""\
{_GIVEN.format(dtype=dtype)}\
given.stop_gradient = False
found = paddle.grad([layer(given)], [given, *parameters], [paddle.to_tensor(dy, dtype={dtype!r})])
gradients = [each.astype("float64").numpy() for each in found]""",
        )


_GIVEN = """\
layer.to(dtype={dtype!r})
parameters = [layer.weight, *([] if layer.bias is None else [layer.bias])]
for parameter, weight in zip(parameters, converted, strict=True):
    parameter.set_value(weight.astype({dtype!r}))
given = paddle.to_tensor(x, dtype={dtype!r})
"""
"""What the scripts begin with."""

Pads = Sequence[tuple[int, int]]


def _window(case: Case) -> tuple[Pads, tuple[int, ...]]:
    """Return the padding of each axis, before and after, and the output padding of a transposed layer."""
    if not case.transposed:
        return case.explicit["padding"], ()
    axes = case.geometry.axes
    if isinstance(case.padding, str):
        added = tuple(max(-axis.after, 0) for axis in axes)
    else:
        added = case.output_padding or (0,) * case.rank
    return [(axis.before, axis.after + q) for axis, q in zip(axes, added, strict=True)], added


def _flat(pads: Pads) -> list[int]:
    return [pad for pair in pads for pad in pair]


def _same(case: Case) -> list[Spelling]:
    """Return the transposed layer of padding "SAME" that has the case's size and another window."""
    if not case.transposed or max(case.dilation) > 1 or 0 in case.input[2:]:
        return []
    axes = case.geometry.axes
    totals = [_total(axis.coarse, axis.extent, axis.stride) for axis in axes]
    pads = [(total // 2, total - total // 2) for total in totals]
    added = tuple(axis.fine - axis.full + total for axis, total in zip(axes, totals, strict=True))
    if any(not 0 <= q < axis.stride for q, axis in zip(added, axes, strict=True)):
        return []
    try:
        meaning = case.padded(pads, added)
    except GeometryError:
        return []
    return [] if windows_agree(case, meaning) else [_spelling("lookalike", meaning, "SAME", added)]


def _total(size: int, extent: int, stride: int) -> int:
    """Return how much "SAME" pads a convolution over so many elements, both ends together."""
    return max((-(-size // stride) - 1) * stride + extent - size, 0)


def _spelling(kind: Kind, meaning: Case, padding: list[int] | str, added: tuple[int, ...]) -> Spelling:
    return Spelling(kind, _layer(meaning, padding, added), meaning, _refusal(meaning, added))


def _layer(case: Case, padding: list[int] | str, added: tuple[int, ...]) -> Layer:
    written: dict[str, Any] = {"stride": case.stride, "padding": padding}
    if any(added):
        written["output_padding"] = added
    if set(case.dilation) != {1}:
        written["dilation"] = case.dilation
    if case.groups > 1:
        written["groups"] = case.groups
    if not case.bias:
        written["bias_attr"] = False
    name = f"paddle.nn.Conv{case.rank}D{'Transpose' if case.transposed else ''}"
    return layer(name, case.input[1], case.filters, case.kernel, **written)


def _refusal(case: Case, added: tuple[int, ...]) -> Refusal | None:
    """Return what PaddlePaddle raises for a layer of the case."""
    if case.dtype in {"float16", "bfloat16"}:
        errors = ("RuntimeError", "ValueError")  # the latter where the sizes are refused before
        return Refusal(f"PaddlePaddle has no convolution of {case.dtype} on the processor", errors)
    if not case.filters and not case.transposed:
        return Refusal("PaddlePaddle takes no convolution without filters", ("ValueError",))
    computes = 0 not in (*case.input, case.filters)
    if computes and any(q >= s for q, s in zip(added, case.stride, strict=False)):
        return Refusal("PaddlePaddle takes no output padding that is not below the stride", ("ValueError",))
    return None


def _set_weights(layer: Any, weights: Sequence[Array]) -> list[Any]:
    """Give the layer its parameters, and return them."""
    layer.to(dtype=weights[0].dtype.name)
    parameters = [layer.weight, *([] if layer.bias is None else [layer.bias])]
    for parameter, weight in zip(parameters, weights, strict=True):
        parameter.set_value(_to_paddle(weight))
    return parameters


def _to_paddle(array: Array) -> Any:
    """Make the tensor of an array, of bfloat16 of the integers that PaddlePaddle takes for it."""
    contiguous = np.ascontiguousarray(array)
    return load().to_tensor(contiguous.view(np.uint16) if array.dtype.name == "bfloat16" else contiguous)
