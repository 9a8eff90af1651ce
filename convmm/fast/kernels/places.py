"""Places of samples moved between arrays: read with zeros around, and put in the order of a product."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmm.fast.threads import Scratch

Array = NDArray[Any]


def read(x: NDArray[Any], starts: Sequence[int], steps: Sequence[int], out: NDArray[Any]) -> None:
    """Fill ``out`` with each ``step``-th element of ``x`` from ``start`` on, and 0 outside of ``x``.

    On each spatial axis: the last axes, as many as there are starts. The others are of equal size in both.
    """
    first = x.ndim - len(starts)
    spans: list[slice] = [slice(None)] * first
    for axis, (start, step) in enumerate(zip(starts, steps, strict=True), start=first):
        count = out.shape[axis]
        low = min(-(start // step), count) if start < 0 else 0
        high = max(min(count, (x.shape[axis] - 1 - start) // step + 1), low)
        if high - low < count:
            before = (slice(None),) * axis
            out[(*before, slice(low))] = 0
            out[(*before, slice(high, count))] = 0
            out = out[(*before, slice(low, high))]
        spans.append(slice(start + low * step, max(start + (high - 1) * step + 1, 0), step))
    if out.size:
        np.copyto(out, x[tuple(spans)])


def split_places(flat: Array, samples: int, places: Sequence[int], row: int | None = None) -> Array:
    """Return a view of an array with its last axis split into (N, *places).

    In memory the samples are last where there are as many of them as places in a row, or as ``row``: then
    what is copied and added are long runs even where the places are few.
    """
    if not places or samples < (places[-1] if row is None else row):
        return flat.reshape(*flat.shape[:-1], samples, *places)
    return np.moveaxis(flat.reshape(*flat.shape[:-1], *places, samples), -1, flat.ndim - 1)


def values_of(y: Array, dtype: np.dtype[Any], scratch: Scratch) -> Array:
    """Return (N, groups, channels, *places) as factors, (groups, channels, N * places).

    Their last axis is split again by :func:`split_places`, and so is a product's of it. Those of one sample
    are a view of ``y`` where its dtype is the one to compute in.
    """
    kept = y.shape[1:3]
    if len(y) == 1 and y.dtype == dtype:
        single: Array = y[0].reshape(*kept, -1)
        return single
    values = scratch.take("values", (*kept, y.size // math.prod(kept)), dtype)
    np.copyto(split_places(values, len(y), y.shape[3:]), y.transpose(1, 2, 0, *range(3, y.ndim)))
    return values
