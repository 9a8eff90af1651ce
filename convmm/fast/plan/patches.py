"""How a sum from the coarse grid to the fine is cut where no two places meet, as in patch embeddings."""

from __future__ import annotations

import math
from dataclasses import dataclass

from convmm.fast.plan.call import Call
from convmm.fast.plan.limits import Limits
from convmm.fast.plan.tiles import Tile, largest_shape, longest, spans, tiles
from convmm.geometry.grids import Axis


@dataclass(frozen=True)
class PatchPlan:
    """Patches cut into tasks: one per span of groups, tile of places and span of filters.

    Attributes:
        tiles: of places.
        groups: spans of the groups.
        filters: spans of one group's filters.
        scratch: bytes of the arrays that one task uses: values, their products, and a part of the kernel.
    """

    tiles: list[Tile]
    groups: list[slice]
    filters: list[slice]
    scratch: int

    @property
    def tasks(self) -> int:
        """Number of tasks."""
        return len(self.tiles) * len(self.groups) * len(self.filters)


def are_patches(axes: tuple[Axis, ...]) -> bool:
    """Return whether each element of the fine grid is joined to one place of the coarse grid, by one tap."""
    return all(
        axis.kernel == axis.stride
        and (axis.dilation == 1 or axis.kernel == 1)
        and axis.before == 0
        and axis.fine == axis.coarse * axis.stride
        for axis in axes
    )


def plan_patches(call: Call, wanted: int, limits: Limits) -> PatchPlan:
    """Cut patches into tasks, as many as are wanted if that leaves each enough to do."""
    taps, itemsize = math.prod(call.geometry.kernel), call.itemsize
    filters = spans(call.fine_channels, limits.product // (limits.fewest_places * taps * itemsize))
    each = max(longest(filters) * taps, call.coarse_channels) * itemsize
    shared = max(-(-call.places // wanted), limits.fewest_places)
    most = min(shared, limits.columns, limits.product // each)
    boxes = tiles(call.samples, call.geometry.axes, max(most, 1), limits)
    places = math.prod(largest_shape(boxes))
    groups = spans(call.geometry.groups, limits.product // (each * places))
    held = places * (longest(filters) * taps + call.coarse_channels)
    held += longest(filters) * taps * call.coarse_channels if len(filters) > 1 else 0  # a factor's copy
    return PatchPlan(boxes, groups, filters, longest(groups) * held * itemsize)
