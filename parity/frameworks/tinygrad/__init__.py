"""tinygrad on the processor: the layers of ``tinygrad.nn``, channels first, kernels as convmm's.

Its windows are torch's, with any output padding, and with a padding of two numbers per axis, last axis first,
on which the ends may differ. ``Conv2d`` has as many axes as its kernel. Sources: see
:mod:`parity.frameworks.tinygrad.rules`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity.cases.arrays import Array, numpy_dtype
from parity.cases.case import Case
from parity.frameworks.code.script import Script
from parity.frameworks.distributions import installed_version, not_installed
from parity.frameworks.interface import Framework
from parity.frameworks.precision import Mode, accumulator_unknown, flushing, products_rounded
from parity.frameworks.spelling import Spelling, Unsupported
from parity.frameworks.tinygrad.read import CLASSES, PREFIXES, read
from parity.frameworks.tinygrad.rules import exact, lookalikes, native
from parity.frameworks.tinygrad.window_rules import WINDOWS

_ACTIVATIONS = {
    "relu": "relu",
    "relu6": "relu6",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "elu": "elu",
    "softplus": "softplus",
    "softsign": "softsign",
    "silu": "silu",
    "swish": "swish",
}


def device() -> str:
    """Return what computes: ``DEV``, else the processor's code by clang, else Python itself.

    tinygrad 0.14 compiles part of ``DEV=CPU`` by clang, or by ``CC``, whichever renderer is asked for, with
    arguments that GCC does not take.
    """
    compiler = os.environ.get("CC", "clang")
    has_clang = "clang" in os.path.basename(compiler) and shutil.which(compiler)  # noqa: PTH119 - no path
    return os.environ.get("DEV") or ("CPU" if has_clang else "PYTHON")


def load() -> Any:
    """Import tinygrad, on :func:`device`, and without its cache of compiled code in the user's folder."""
    os.environ["DEV"] = device()
    os.environ.setdefault("CACHELEVEL", "0")
    import tinygrad  # noqa: PLC0415 - imported when first used
    import tinygrad.nn  # noqa: PLC0415 - imported when first used

    return tinygrad


_GIVEN = """\
given, *arrays = (tinygrad.Tensor(each).cast({dtype!r}) for each in (x, *converted))
if isinstance(layer, tinygrad.nn.Conv2d):
    layer.weight, layer.bias = arrays[0], arrays[1] if len(arrays) > 1 else None
    output = layer(given)
else:
    output = layer(given, *arrays)
"""
"""What the scripts begin with."""


@dataclass(frozen=True)
class Tinygrad(Framework):
    """tinygrad's layers, channels first."""

    name = "tinygrad"
    extra = "tinygrad"
    classes = CLASSES
    prefixes = PREFIXES
    windows = WINDOWS
    load = staticmethod(load)
    read = staticmethod(read)

    def why_unavailable(self) -> str | None:
        """Return that tinygrad is not installed, or None."""
        return None if installed_version("tinygrad") else not_installed("tinygrad", "'convparity[tinygrad]'")

    def version(self) -> str:
        """Return tinygrad's version."""
        return str(installed_version("tinygrad"))

    def backend(self) -> str:
        """Return which of its devices computes."""
        return device()

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        """Return the layer that means the case, and one that people take for it."""
        if not case.transposed and case.padding == "same" and 0 in case.input[2:]:
            return [Unsupported("no padding of tinygrad's is that of 'same' on an axis without elements")]
        return [native(case), *lookalikes(case)]

    def exact(self, case: Case, *, any_size: bool = False) -> list[Spelling]:
        """Return a layer with the case's padding in numbers, for any size by the size of its input."""
        return exact(case, any_size=any_size)

    def activation(self, name: str) -> str | None:
        """Return a statement that puts this activation behind ``layer``."""
        found = _ACTIVATIONS.get(name)
        return found and (
            "import functools, tinygrad\n"
            f"layer = functools.partial(tinygrad.Tensor.sequential, ll=[layer, tinygrad.Tensor.{found}])"
        )

    def mode(self, case: Case) -> Mode:
        """Return that products of half types are rounded, summed up in float32, and the sum rounded.

        Where the device has no float16 itself, as Python has not, subnormal ones become zeros.
        """
        mode = products_rounded(case.dtype)
        return flushing(mode) if case.dtype == "float16" else mode

    def mode_of_gradients(self, case: Case) -> Mode:
        """Return that half types are summed up in several steps, and rounded between them."""
        return (
            flushing(accumulator_unknown(case.dtype))
            if case.dtype == "float16"
            else accumulator_unknown(case.dtype)
        )

    def pin(self, threads: int) -> dict[str, Any]:
        """Turn off the ways of computing that change numbers; it computes on one thread."""
        del threads
        helpers = load().helpers
        helpers.WINO.value = helpers.IMAGE.value = 0
        set_outside = {name: os.environ.get(name) for name in ("SUM_DTYPE", "EMULATED_DTYPES")}
        return {"threads": 1, "device": device(), "winograd": False, "image": False, **set_outside}

    def call(self, layer: Any, weights: Sequence[Array], x: Array) -> Array:
        """Give the layer its weights and call it, or a method on them."""
        return _to_numpy(_applied(layer, _to_tinygrad(x), *map(_to_tinygrad, weights)), x.dtype.name)

    def calling(self, dtype: str) -> Script:
        """Give the layer its weights and call it."""
        text = f"{_GIVEN.format(dtype=dtype)}y = output.cast('float64').numpy()"
        return Script(("tinygrad", "tinygrad.nn"), text)

    def why_no_gradients(self) -> None:
        """Return None: tinygrad differentiates."""

    def backward(
        self, layer: Any, weights: Sequence[Array], x: Array, dy: Array
    ) -> tuple[Array, list[Array]]:
        """Return the gradients by the input and the layer's weights, by ``Tensor.gradient``."""
        sources = [_to_tinygrad(x), *map(_to_tinygrad, weights)]
        found = _applied(layer, *sources).gradient(*sources, gradient=_to_tinygrad(dy))
        by_input, *by_weights = (_to_numpy(each, x.dtype.name) for each in found)
        return by_input, by_weights

    def differentiating(self, dtype: str) -> Script:
        """Differentiate the layer."""
        return Script(
            ("tinygrad", "tinygrad.nn"),
            f"""\
{_GIVEN.format(dtype=dtype)}\
found = output.gradient(given, *arrays, gradient=tinygrad.Tensor(dy).cast({dtype!r}))
gradients = [each.cast('float64').numpy() for each in found]""",
        )


def _applied(layer: Any, given: Any, kernel: Any, *bias: Any) -> Any:
    stack = getattr(layer, "keywords", {}).get("ll")  # of an activation behind it
    first = stack[0] if stack else layer
    if not hasattr(first, "weight"):
        return layer(given, kernel, *bias)
    wanted, found = first.weight.shape, kernel.shape
    if wanted != found:
        raise ValueError(f"the layer's kernel has the shape {wanted}, and the one given {found}")
    first.weight, first.bias = kernel, bias[0] if bias else None
    return layer(given)


def _to_tinygrad(array: Array) -> Any:
    tinygrad = load()
    contiguous = np.ascontiguousarray(array)
    if array.dtype.name == "bfloat16":
        return tinygrad.Tensor(contiguous.view(np.uint16)).bitcast(tinygrad.dtypes.bfloat16)
    return tinygrad.Tensor(contiguous)


def _to_numpy(tensor: Any, dtype: str) -> Array:
    """Make the array of a tensor, whose bfloat16 tinygrad hands over as float32."""
    found: Array = tensor.numpy()
    return found.astype(numpy_dtype(dtype)) if dtype == "bfloat16" else found
