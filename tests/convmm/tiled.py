"""The tiled routes under limits that make many tiles and tasks of the smallest problem."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from convmm.arithmetic import dtypes_for
from convmm.fast.kernels import sums
from convmm.fast.plan import Limits
from convmm.geometry import Geometry

Array = NDArray[Any]

TINY = Limits(
    columns=7,
    fewest_columns=2,
    gathered=600,
    product=300,
    small_work=-1,
    small_tile=40,
    few_tasks=5,
    work_of_a_task=20,
    terms_of_a_task=2,
    fewest_places=2,
    fewest_whole=3,
    filters_of_weights=1,
    scatter_columns=1,
    holding=0,
    shared_copy=0,
)
"""Limits that make many tiles, blocks and tasks of the smallest problem, and leave no shortcut open."""

UNFOLDED = {
    "the first axis as it is": replace(
        TINY, enough_terms=0, fewest_terms=0, few_columns=0, few_columns_of_weights=0
    ),
    "all axes unfolded": replace(TINY, enough_terms=10**9, many_groups=10**9),
}


def correlate(x: Array, w: Array, bias: Array | None, geometry: Geometry, limits: Limits) -> Array:
    """``conv`` under other limits."""
    arrays = [array for array in (x, w, bias) if array is not None]
    dtypes = dtypes_for(*arrays, terms=geometry.most_terms)
    return sums.correlate(x, w, bias, geometry, dtypes, limits)


def spread(y: Array, w: Array, bias: Array | None, geometry: Geometry, limits: Limits) -> Array:
    """``conv_transpose`` under other limits."""
    arrays = [array for array in (y, w, bias) if array is not None]
    dtypes = dtypes_for(*arrays, terms=geometry.most_terms)
    return sums.spread(y, w, bias, geometry, dtypes, limits)


def correlate_weights(x: Array, y: Array, geometry: Geometry, limits: Limits) -> Array:
    """The weight gradients under other limits."""
    return sums.correlate_weights(x, y, geometry, dtypes_for(x, y, terms=1), limits)
