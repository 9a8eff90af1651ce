"""``conv`` and ``conv_transpose`` with the number of spatial axes in their name, and checked."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec

import numpy as np
from numpy.typing import NDArray

from convmm.geometry import GeometryError
from convmm.operations.forward import conv, conv_transpose

P = ParamSpec("P")


def _ranked(function: Callable[P, NDArray[Any]], rank: int) -> Callable[P, NDArray[Any]]:
    name = f"{function.__name__}{rank}d"

    @functools.wraps(function)
    def ranked(*args: P.args, **kwargs: P.kwargs) -> NDArray[Any]:
        x: Any = args[0] if args else kwargs.get("x")
        if np.ndim(x) != rank + 2:
            msg = f"{name}: x has shape {np.shape(x)}, allowed are {rank + 2} axes, (N, C, *spatial)"
            raise GeometryError(msg)
        return function(*args, **kwargs)

    ranked.__name__ = ranked.__qualname__ = name
    axes = "axis" if rank == 1 else "axes"
    above = f"``{function.__name__}`` over {rank} spatial {axes}: x has {rank + 2} axes."
    ranked.__doc__ = f"{above}\n\n{inspect.getdoc(function)}"
    return ranked


conv1d = _ranked(conv, 1)
conv2d = _ranked(conv, 2)
conv3d = _ranked(conv, 3)
conv_transpose1d = _ranked(conv_transpose, 1)
conv_transpose2d = _ranked(conv_transpose, 2)
conv_transpose3d = _ranked(conv_transpose, 3)
