"""The NumPy core itself, in the case's own dtype: the one adapter that calls convmm."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import convmm
from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.frameworks.code.expression import Call
from parity.frameworks.code.layer import Name, layer
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.script import AS_THEY_ARE, Script, function_call
from parity.frameworks.distributions import installed_version
from parity.frameworks.precision import Mode, accumulated_in_float32
from parity.frameworks.spelling import Spelling, Unsupported

NAME = "numpy"
EXTRA = None
TO_CONVMM: tuple[str, ...] = ()
FROM_CONVMM = AS_THEY_ARE
CLASSES: dict[str, str] = {}


def missing() -> str | None:
    """Nothing: NumPy is always there."""
    return None


def version() -> str:
    """NumPy's version."""
    return np.__version__


def backend() -> str | None:
    """The core's own version."""
    own = installed_version("convparity")
    return f"convmm {own}" if own else "convmm"


def spell(case: Case) -> list[Spelling | Unsupported]:
    """The core takes every case as it is."""
    arguments: dict[str, Any] = {
        "stride": case.stride,
        "padding": case.padding,
        "dilation": case.dilation,
        "groups": case.groups,
    }
    if case.transposed:
        arguments["output_padding"] = case.output_padding
    call = layer("functools.partial", Name(f"convmm.{case.op}"), **arguments)
    return [Spelling("native", call, meaning=case)]


def exact(case: Case, *, any_size: bool = False) -> list[Spelling]:  # noqa: ARG001 - no case needs more
    """None: the core's own arguments mean every case."""
    return []


def owns(thing: object) -> bool:  # noqa: ARG001 - nothing is
    """Nothing: the core's layers are functions."""
    return False


def written(layer: Callable[..., Array]) -> str:
    """The function."""
    return repr(layer)


def read(call: Call) -> Reading:
    """No expression is one of the core's."""
    raise call.error("the NumPy core has no layers")


def activation(name: str) -> str | None:  # noqa: ARG001 - it has none at all
    """None: the core has no activations."""
    return None


def mode(case: Case) -> Mode:
    """Half types are summed up in float32 and rounded once."""
    return accumulated_in_float32(case.dtype)


def load() -> None:
    """Nothing: it is loaded."""


def pin(threads: int) -> dict[str, Any]:
    """The core's threads; nothing else changes its numbers, and these do not either."""
    convmm.set_threads(threads)
    return {"threads": convmm.get_threads()}


def call(layer: Callable[..., Array], weights: Sequence[Array], x: Array) -> Array:
    """Call the core's function."""
    return layer(x, *weights)


def calling(dtype: str) -> Script:
    """A call of the core's function."""
    return function_call(dtype)


def forward_only() -> None:
    """None: the core has gradients."""


def backward(
    layer: functools.partial[Array], weights: Sequence[Array], x: Array, dy: Array
) -> tuple[Array, list[Array]]:
    """Call the core's gradients of the function, with its arguments."""
    kernel, *bias = weights
    operation = layer.func.__name__[:-2]  # conv or conv_transpose
    by_input = getattr(convmm, f"{operation}_input_grad")(dy, kernel, x.shape[2:], **layer.keywords)
    by_kernel = getattr(convmm, f"{operation}_weight_grad")(x, dy, kernel.shape[2:], **layer.keywords)
    sums = dy.astype(np.float64).sum(axis=(0, *range(2, dy.ndim)))
    return by_input, [by_kernel, *(sums.astype(dy.dtype) for _ in bias)]
