"""The two grids that a convolution joins, axis by axis."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace

from convmm.geometry.borders import BorderMode


@dataclass(frozen=True, slots=True)
class Axis:
    """One spatial axis: which fine element each kernel tap joins to each coarse element.

    Attributes:
        fine: elements on the convolution's input side, the transposed convolution's output side.
        coarse: elements on the convolution's output side, the transposed convolution's input side.
        kernel: taps of the kernel.
        stride: fine elements from one coarse element to the next.
        dilation: fine elements from one tap to the next.
        before: zero elements read before the first fine element; equally, elements of the full response
            dropped before the transposed convolution's first output.
    """

    fine: int
    coarse: int
    kernel: int
    stride: int
    dilation: int
    before: int

    @property
    def extent(self) -> int:
        """Fine elements that the kernel spans, its holes included."""
        return kernel_extent(self.kernel, self.dilation)

    @property
    def full(self) -> int:
        """Length of the full response: the fine elements that all coarse elements together touch.

        Of no coarse element, what the same formula gives, negative where the stride is beyond the kernel's
        extent: none is touched, and sizes follow from it all the same.
        """
        return full_response_size(self.coarse, self.extent, self.stride)

    @property
    def after(self) -> int:
        """Elements of the full response beyond the last fine element.

        Negative where the fine grid goes on after the full response has ended: elements that a
        convolution never reads, and that a transposed convolution leaves at zero.
        """
        return self.full - self.before - self.fine

    def joined_by(self, tap: int, places: slice) -> tuple[slice, slice]:
        """Return the fine elements that a tap joins to some coarse ones, and which of these, from 0 on."""
        start = places.start * self.stride + tap * self.dilation - self.before
        count = places.stop - places.start
        low = min(max(-(start // self.stride), 0), count)
        high = max(min((self.fine - 1 - start) // self.stride + 1, count), low)
        if low == high:
            return slice(0, 0), slice(0, 0)
        first, last = start + low * self.stride, start + (high - 1) * self.stride
        return slice(first, last + 1, self.stride), slice(low, high)


@dataclass(frozen=True)
class Geometry:
    """A convolution's sizes and channels, and those of the transposed convolution with the same kernel.

    The kernel array of both operations has the shape (coarse_channels, fine_channels/groups, *kernel).

    Attributes:
        axes: the spatial axes.
        fine_channels: channels on the fine grid.
        coarse_channels: channels on the coarse grid.
        groups: number of groups that each of the two falls into.
        padding_mode: what is read around the fine grid; elements of its own only by a convolution.
    """

    axes: tuple[Axis, ...]
    fine_channels: int
    coarse_channels: int
    groups: int
    padding_mode: BorderMode = "zeros"

    @functools.cached_property
    def fine(self) -> tuple[int, ...]:
        """Spatial sizes of the fine grid."""
        return tuple(axis.fine for axis in self.axes)

    @functools.cached_property
    def coarse(self) -> tuple[int, ...]:
        """Spatial sizes of the coarse grid."""
        return tuple(axis.coarse for axis in self.axes)

    @functools.cached_property
    def kernel(self) -> tuple[int, ...]:
        """Taps of the kernel on each axis."""
        return tuple(axis.kernel for axis in self.axes)

    @functools.cached_property
    def stride(self) -> tuple[int, ...]:
        """Stride on each axis."""
        return tuple(axis.stride for axis in self.axes)

    @functools.cached_property
    def dilation(self) -> tuple[int, ...]:
        """Dilation on each axis."""
        return tuple(axis.dilation for axis in self.axes)

    @functools.cached_property
    def before(self) -> tuple[int, ...]:
        """Where the fine grid begins in the full response, on each axis."""
        return tuple(axis.before for axis in self.axes)

    @functools.cached_property
    def full(self) -> tuple[int, ...]:
        """Spatial sizes of the full response."""
        return tuple(max(axis.full, 0) for axis in self.axes)

    @functools.cached_property
    def pads(self) -> tuple[tuple[int, int], ...]:
        """Elements read (before, after) the fine grid, on each axis."""
        return tuple((max(axis.before, 0), max(axis.after, 0)) for axis in self.axes)

    @functools.cached_property
    def extended(self) -> Geometry:
        """The same convolution over a fine grid that has its pads already; itself beside zeros.

        Zeros are no elements that a sum has to read: what computes one leaves them out, or makes them.
        """
        if self.padding_mode == "zeros":
            return self
        axes = tuple(
            replace(axis, fine=before + axis.fine + after, before=min(axis.before, 0))
            for axis, (before, after) in zip(self.axes, self.pads, strict=True)
        )
        return replace(self, axes=axes, padding_mode="zeros")

    @functools.cached_property
    def products(self) -> int:
        """Products of a fine element, a coarse one and a tap that each of the sums adds up for one sample."""
        channels = self.coarse_channels * self.fine_channels // self.groups
        return math.prod(self.coarse) * channels * math.prod(self.kernel)

    @functools.cached_property
    def most_terms(self) -> int:
        """Most products that one element of either operation's output, or of a gradient by input, adds up."""
        channels = max(self.fine_channels, self.coarse_channels)
        terms = math.prod(self.kernel) * channels // self.groups
        if self.padding_mode == "zeros":
            return terms
        return terms * math.prod(1 + before + after for before, after in self.pads)  # if all are the same one


def kernel_extent(kernel: int, dilation: int) -> int:
    """Return the number of elements that ``kernel`` taps span, ``dilation`` apart."""
    return (kernel - 1) * dilation + 1


def full_response_size(coarse: int, extent: int, stride: int) -> int:
    """Return the number of elements that ``coarse`` kernels of this extent touch, ``stride`` apart.

    By the formula, which gives ``extent - stride`` for none.
    """
    return (coarse - 1) * stride + extent
