"""Functions with convmm's signature that can do a part of the operations; to be named by MODULE:FUNCTION."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.cases.arrays import Array
from tests.support.coincidences import right


def without_groups_and_dilation(
    x: Array,
    w: Array,
    bias: Array | None = None,
    *,
    groups: int,
    dilation: tuple[int, ...],
    **others: Any,  # noqa: ANN401 - whatever a layer takes
) -> Array:
    if groups > 1:
        raise NotImplementedError("groups")
    if max(dilation) > 1:
        raise NotImplementedError("dilation")
    return right(x, w, bias, groups=groups, dilation=dilation, **others)


def wrong_where_it_can(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401 - whatever a layer takes
    """Can do what the other can, and adds one to it."""
    return without_groups_and_dilation(x, w, bias, **arguments) + 1


def nothing(*_: object, **__: object) -> Array:
    raise NotImplementedError


def of_a_subclass(*_: object, **__: object) -> Array:
    class OwnError(NotImplementedError):
        pass

    msg = "no kernels\nof this kind"
    raise OwnError(msg)


def no_bfloat16(x: Array, *others: Any, **arguments: Any) -> Array:  # noqa: ANN401 - whatever a layer takes
    """Refuses bfloat16 as NumPy's einsum does."""
    np.einsum("...,...->...", x, x)
    return right(x, *others, **arguments)
