"""How large the columns of a tile are, what they are copied from, and which axes are unfolded."""

from __future__ import annotations

import math
from collections.abc import Sequence

from convmm.fast.plan.limits import Limits
from convmm.fast.plan.tiles import Tile, halo
from convmm.geometry.grids import Axis

Shape = tuple[int, ...]


def column_count(axes: Sequence[Axis], shape: Shape) -> int:
    """Return the columns of a tile of this shape: its places, and the rows that later taps read."""
    rows, *others = shape
    return (rows + halo(axes[0])) * math.prod(others)


def inner_taps(axes: Sequence[Axis]) -> int:
    """Return the taps of all axes but the first, which are terms of one product."""
    return math.prod(axis.kernel for axis in axes[1:])


def padded_sizes(axes: Sequence[Axis], shape: Shape) -> list[int]:
    """Return the spatial sizes of all that the taps read together for a tile of this shape."""
    first, *inner = axes
    _, _, *places = shape
    rows = column_count(axes, shape) // math.prod(shape[1:])
    sizes = [(count - 1) * axis.stride + axis.extent for count, axis in zip(places, inner, strict=True)]
    return [(rows - 1) * first.stride + 1, *sizes]


def pads(axes: Sequence[Axis], shape: Shape) -> bool:
    """Return whether the columns are copied out of a padded copy of the input, and not each tap out of it.

    Where most elements are read by several taps the copy is smaller than the columns, and pays. Where not it
    could be far larger.
    """
    padded = shape[1] * math.prod(padded_sizes(axes, shape))
    return inner_taps(axes) > 1 and padded <= inner_taps(axes) * column_count(axes, shape)


def are_views(axes: Sequence[Axis], tiles: Sequence[Tile]) -> bool:
    """Return whether the columns are in the input as it is, if each of its channels is one run in memory.

    They are where a tile has one sample, and one inner tap reads all rows as they stand.
    """
    first, *inner = axes
    return (
        all(axis.kernel == axis.stride == 1 and axis.before == 0 for axis in inner)
        and all(axis.fine == axis.coarse for axis in inner)
        and first.stride == 1
        and first.before == 0
        and first.full <= first.fine
        and all(tile.shape[1] == 1 for tile in tiles)
        and all(tile.shape[2:] == tuple(axis.coarse for axis in inner) for tile in tiles)
    )


def gathered_elements(axes: Sequence[Axis], shape: Shape) -> tuple[int, int]:
    """Return the elements per channel that are held to unfold a tile: of columns, and of a padded copy."""
    columns = inner_taps(axes) * column_count(axes, shape)
    return columns, (shape[1] * math.prod(padded_sizes(axes, shape)) if pads(axes, shape) else 0)


def why_unfolded(first: Axis, terms: int, filters: int, groups: int, limits: Limits) -> tuple[bool, str]:
    """Decide whether the first axis is unfolded like the others, for the length of products or its stride.

    Unfolded, its taps are more terms of one product. As it is, each of its taps is a product of its own that
    reads the same columns, from another row on.

    Args:
        first: the axis.
        terms: of one product without it, per channel group.
        filters: of one group.
        groups: of the channels.
        limits: to compare with.

    Returns:
        The decision, and the numbers compared.
    """
    if first.kernel == 1:
        return False, "the first axis has one tap, and nothing to unfold"
    if first.stride > 1:
        return (
            True,
            f"stride {first.stride} on the first axis: its taps share too few rows to leave it folded",
        )
    enough = limits.enough_terms
    if groups >= limits.many_groups:
        enough = max(min(filters, enough), limits.fewest_terms)
    if terms < enough:
        return True, f"{terms} terms per product without the first axis are fewer than {enough}"
    return False, f"{terms} terms per product without the first axis are at least {enough}"
