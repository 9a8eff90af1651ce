"""Valid convolutions, by construction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st
import numpy as np
from numpy.typing import NDArray

Operation = Callable[..., NDArray[Any]]

MOST_TAPS = {1: 5, 2: 3, 3: 2}
MOST_MORE_ELEMENTS = {1: 8, 2: 4, 3: 2}

ZEROS = ("batch", "channels", "filters", "size")
"""What may be 0."""

SELDOM = (*[""] * 12, *ZEROS)
"""One of them in a quarter of the calls."""


@dataclass(frozen=True)
class Example:
    """The arguments of one call of ``conv`` or ``conv_transpose``, and a seed for its arrays' values."""

    x_shape: tuple[int, ...]
    w_shape: tuple[int, ...]
    arguments: dict[str, Any]
    filters: int
    seed: int

    @property
    def sizes(self) -> tuple[int, ...]:
        return self.x_shape[2:]

    @property
    def kernel(self) -> tuple[int, ...]:
        return self.w_shape[2:]

    @property
    def without_groups(self) -> dict[str, Any]:
        """The arguments that sizes depend on."""
        return {name: value for name, value in self.arguments.items() if name != "groups"}

    def integers(self, *shapes: tuple[int, ...]) -> tuple[NDArray[np.int64], ...]:
        """Small integers of either sign, of these shapes."""
        rng = np.random.default_rng(self.seed)
        return tuple(rng.integers(-9, 10, shape) for shape in shapes)

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """An input and a kernel."""
        x, w = self.integers(self.x_shape, self.w_shape)
        return x, w


def convs(zeros: Sequence[str] = SELDOM) -> st.SearchStrategy[Example]:
    """Calls of ``conv``, one of ``zeros`` 0; shrinks towards one axis, one channel, stride 1, no padding."""
    return st.integers(1, 3).flatmap(lambda rank: _convs(rank, zeros))


def conv_transposes(zeros: Sequence[str] = SELDOM) -> st.SearchStrategy[Example]:
    """Calls of ``conv_transpose``; shrinks as ``convs`` does."""
    return st.integers(1, 3).flatmap(lambda rank: _conv_transposes(rank, zeros))


@st.composite
def _convs(draw: st.DrawFn, rank: int, zeros: Sequence[str]) -> Example:
    zero = draw(st.sampled_from(zeros))
    kernel, stride, dilation = _kernels(draw, rank)
    extents = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    padding: Any = draw(st.sampled_from(["pairs", "valid", "same"]))
    if padding == "pairs":
        padding = tuple((draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in range(rank))
        smallest = [max(1, extent - sum(pair)) for extent, pair in zip(extents, padding, strict=True)]
    else:
        smallest = [1 if padding == "same" else extent for extent in extents]
    sizes = tuple(low + draw(st.integers(0, MOST_MORE_ELEMENTS[rank])) for low in smallest)
    if zero == "size":
        sizes, padding = draw(_without_elements(sizes, extents, padding))
    groups, channels, filters = draw(_channels(zero))
    return Example(
        x_shape=(draw(_batches(zero)), channels, *sizes),
        w_shape=(filters, channels // groups, *kernel),
        arguments={"stride": stride, "padding": padding, "dilation": dilation, "groups": groups},
        filters=filters,
        seed=draw(st.integers(0, 2**32 - 1)),
    )


@st.composite
def _conv_transposes(draw: st.DrawFn, rank: int, zeros: Sequence[str]) -> Example:
    zero = draw(st.sampled_from(zeros))
    kernel, stride, dilation = _kernels(draw, rank)
    sizes = tuple(draw(st.integers(1, 1 + MOST_MORE_ELEMENTS[rank])) for _ in range(rank))
    padding: Any = draw(st.sampled_from(["pairs", "valid", "same"]))
    named = draw(st.sampled_from(["neither", "output_padding", "output_size"]))
    if zero == "size":
        axis = draw(st.integers(0, rank - 1))
        sizes = (*sizes[:axis], 0, *sizes[axis + 1 :])
        # As many taps as reach over the stride: the formula of the size takes it away.
        kernel = (*kernel[:axis], kernel[axis] + stride[axis], *kernel[axis + 1 :])
        named = "neither" if padding == "same" and named == "output_padding" else named
    axes = list(zip(sizes, kernel, stride, dilation, strict=True))
    added = tuple(draw(st.integers(0, max(s, d) - 1)) for _, _, s, d in axes)
    full = [(n - 1) * s + (k - 1) * d + 1 for n, k, s, d in axes]
    # What explicit padding may take away: all there is, or so much that one size is left to ask for.
    most = {
        "neither": full,
        "output_padding": [size + q for size, q in zip(full, added, strict=True)],
        "output_size": [max(size + s - 2, 0) for size, s in zip(full, stride, strict=True)],
    }[named]
    if padding == "pairs":
        padding = tuple(draw(_pairs(min(total, 6))) for total in most)
    arguments = {"stride": stride, "padding": padding, "dilation": dilation}
    if named == "output_padding":
        arguments["output_padding"] = added
    if named == "output_size":
        arguments["output_size"] = tuple(
            draw(_restorable_sizes(n, length, s, padding if isinstance(padding, str) else padding[number]))
            for number, (n, length, s) in enumerate(zip(sizes, full, stride, strict=True))
        )
    groups, channels, filters = draw(_channels(zero))
    return Example(
        x_shape=(draw(_batches(zero)), channels, *sizes),
        w_shape=(channels, filters // groups, *kernel),
        arguments={**arguments, "groups": groups},
        filters=filters,
        seed=draw(st.integers(0, 2**32 - 1)),
    )


def _kernels(draw: st.DrawFn, rank: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Kernel, stride and dilation, one int an axis each."""
    most = (MOST_TAPS[rank], 3, 3)
    kernel, stride, dilation = (tuple(draw(st.integers(1, m)) for _ in range(rank)) for m in most)
    return kernel, stride, dilation


def _restorable_sizes(
    size: int, full: int, stride: int, padding: tuple[int, int] | str
) -> st.SearchStrategy[int]:
    """The output sizes that a transposed convolution of this input size can be asked for."""
    if padding == "same":
        return st.integers(max((size - 1) * stride + 1, 0), size * stride)
    smallest = full - (0 if isinstance(padding, str) else sum(padding))
    return st.integers(max(smallest, min(1, smallest + stride - 1)), smallest + stride - 1)


@st.composite
def _pairs(draw: st.DrawFn, most: int) -> tuple[int, int]:
    """(before, after) with a sum of at most ``most``."""
    before = draw(st.integers(0, most))
    return before, draw(st.integers(0, most - before))


@st.composite
def _without_elements(
    draw: st.DrawFn,
    sizes: Sequence[int],
    extents: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
) -> tuple[tuple[int, ...], str | tuple[tuple[int, int], ...]]:
    """Sizes of a convolution's input, one of them 0, and padding that the kernel fits in all the same."""
    axis = draw(st.integers(0, len(sizes) - 1))
    without = (*sizes[:axis], 0, *sizes[axis + 1 :])
    if padding == "same":
        return without, padding
    pads = [(0, 0)] * len(sizes) if isinstance(padding, str) else list(padding)
    pads[axis] = (pads[axis][0], pads[axis][1] + extents[axis])
    return without, tuple(pads)


def _batches(zero: str) -> st.SearchStrategy[int]:
    return st.just(0) if zero == "batch" else st.integers(1, 2)


@st.composite
def _channels(draw: st.DrawFn, zero: str) -> tuple[int, int, int]:
    """Groups, input channels and filters."""
    groups = draw(st.integers(1, 3))
    channels, filters = (
        0 if zero == name else groups * draw(st.integers(1, 2)) for name in ("channels", "filters")
    )
    return groups, channels, filters
