"""What a call asks for, as far as the planner needs to know it: sizes, dtypes and memory layout."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from convmm.geometry.grids import Geometry

Sum = Literal["correlate", "spread", "correlate_weights"]
"""From the fine grid to the coarse, from the coarse to the fine, from both to the kernel."""


def work_of(geometry: Geometry, samples: int) -> int:
    """Return the floating point operations of any of the three sums."""
    return 2 * samples * geometry.products


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one of the three sums.

    Attributes:
        sum: which one.
        geometry: joins the two grids.
        samples: N of the arrays.
        working: dtype to compute in.
        result: dtype to return.
        is_kernel_run: whether each filter's kernel, channels and taps, is one run in memory.
        is_source_run: whether each channel of the array that is unfolded, on the fine grid or of a spread on
            the coarse one, is one run in memory, of the dtype to compute in.
    """

    sum: Sum
    geometry: Geometry
    samples: int
    working: np.dtype[Any]
    result: np.dtype[Any]
    is_kernel_run: bool = True
    is_source_run: bool = True

    @property
    def work(self) -> int:
        """Floating point operations."""
        return work_of(self.geometry, self.samples)

    @property
    def places(self) -> int:
        """Places of the coarse grid, of all samples together."""
        return self.samples * math.prod(self.geometry.coarse)

    @property
    def fine_channels(self) -> int:
        """Channels of one group on the fine grid."""
        return self.geometry.fine_channels // self.geometry.groups

    @property
    def coarse_channels(self) -> int:
        """Channels of one group on the coarse grid."""
        return self.geometry.coarse_channels // self.geometry.groups

    @property
    def itemsize(self) -> int:
        """Bytes of one number to compute with."""
        return self.working.itemsize
