"""Valid convolutions, by construction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st
import numpy as np
from numpy.typing import NDArray

Operation = Callable[..., NDArray[Any]]

MOST_TAPS = {1: 5, 2: 3, 3: 2}
MOST_MORE_ELEMENTS = {1: 8, 2: 4, 3: 2}


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


def convs() -> st.SearchStrategy[Example]:
    """Calls of ``conv``; shrinks towards one axis, one channel, stride 1 and no padding."""
    return st.integers(1, 3).flatmap(_convs)


def conv_transposes() -> st.SearchStrategy[Example]:
    """Calls of ``conv_transpose``; shrinks as ``convs`` does."""
    return st.integers(1, 3).flatmap(_conv_transposes)


@st.composite
def _convs(draw: st.DrawFn, rank: int) -> Example:
    kernel, stride, dilation = _kernels(draw, rank)
    extents = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    padding: Any = draw(st.sampled_from(["pairs", "valid", "same"]))
    if padding == "pairs":
        padding = tuple((draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in range(rank))
        smallest = [max(1, extent - sum(pair)) for extent, pair in zip(extents, padding, strict=True)]
    else:
        smallest = [1 if padding == "same" else extent for extent in extents]
    sizes = tuple(low + draw(st.integers(0, MOST_MORE_ELEMENTS[rank])) for low in smallest)
    groups, channels, filters = draw(_channels())
    return Example(
        x_shape=(draw(st.integers(1, 2)), channels, *sizes),
        w_shape=(filters, channels // groups, *kernel),
        arguments={"stride": stride, "padding": padding, "dilation": dilation, "groups": groups},
        filters=filters,
        seed=draw(st.integers(0, 2**32 - 1)),
    )


@st.composite
def _conv_transposes(draw: st.DrawFn, rank: int) -> Example:
    kernel, stride, dilation = _kernels(draw, rank)
    sizes = tuple(draw(st.integers(1, 1 + MOST_MORE_ELEMENTS[rank])) for _ in range(rank))
    padding: Any = draw(st.sampled_from(["pairs", "valid", "same"]))
    named = draw(st.sampled_from(["neither", "output_padding", "output_size"]))
    axes = list(zip(sizes, kernel, stride, dilation, strict=True))
    added = tuple(draw(st.integers(0, max(s, d) - 1)) for _, _, s, d in axes)
    full = [(n - 1) * s + (k - 1) * d + 1 for n, k, s, d in axes]
    # What explicit padding may take away: all there is, or so much that one size is left to ask for.
    most = {
        "neither": full,
        "output_padding": [size + q for size, q in zip(full, added, strict=True)],
        "output_size": [size + s - 2 for size, s in zip(full, stride, strict=True)],
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
    groups, channels, filters = draw(_channels())
    return Example(
        x_shape=(draw(st.integers(1, 2)), channels, *sizes),
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
        return st.integers((size - 1) * stride + 1, size * stride)
    smallest = full - (0 if isinstance(padding, str) else sum(padding))
    return st.integers(max(smallest, 1), smallest + stride - 1)


@st.composite
def _pairs(draw: st.DrawFn, most: int) -> tuple[int, int]:
    """(before, after) with a sum of at most ``most``."""
    before = draw(st.integers(0, most))
    return before, draw(st.integers(0, most - before))


@st.composite
def _channels(draw: st.DrawFn) -> tuple[int, int, int]:
    """Groups, input channels and filters."""
    groups = draw(st.integers(1, 3))
    return groups, groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
