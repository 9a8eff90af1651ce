"""Functions of JAX called on NumPy's arrays, and differentiated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from parity.cases.arrays import Array
from parity.frameworks.code.script import Script
from parity.frameworks.jax.installation import forget, load

SWITCHES = """\
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_default_matmul_precision", "highest")"""
"""What scripts begin with."""


def called(function: Callable[..., Any], arrays: Sequence[Array]) -> Array:
    """Call a function, and return its result as an array."""
    forget()
    result: Array = np.asarray(function(*arrays))
    return result


def pulled_back(function: Callable[..., Any], arrays: Sequence[Array], dy: Array) -> list[Array]:
    """Return the gradients of the sum of result * ``dy`` by each of the arrays, by ``jax.vjp``."""
    forget()
    jax = load()
    _, pull_back = jax.vjp(function, *map(jax.numpy.asarray, arrays))
    return [np.asarray(each) for each in pull_back(jax.numpy.asarray(dy))]


def calling(dtype: str) -> Script:
    """Write what :func:`called` does."""
    return Script(
        ("jax",),
        f"""\
{SWITCHES}
arrays = [jax.numpy.asarray(array, {dtype!r}) for array in (x, *converted)]
y = np.asarray(layer(*arrays)).astype("float64")""",
    )


def differentiating(dtype: str) -> Script:
    """Write what :func:`pulled_back` does."""
    return Script(
        ("jax",),
        f"""\
{SWITCHES}
arrays = [jax.numpy.asarray(array, {dtype!r}) for array in (x, *converted)]
_, pull_back = jax.vjp(layer, *arrays)
gradients = [np.asarray(each).astype("float64") for each in pull_back(jax.numpy.asarray(dy, {dtype!r}))]""",
    )
