"""Both operations from their definitions, in plain loops: the oracle that convmm is tested against.

It shares no code with convmm: sizes are counted, sums are Python's own, exact for integers. Arrays are
(N, C, *spatial); stride and dilation are one int an axis; padding is one (before, after) pair an axis,
"valid" or "same". Results are object arrays of Python numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = Sequence[int]
Padding = Sequence[tuple[int, int]] | str


def conv(
    x: NDArray[Any],
    w: NDArray[Any],
    bias: NDArray[Any] | None = None,
    *,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    groups: int,
) -> NDArray[Any]:
    """y[n, o, t] = bias[o] + Σ over c, i of w[o, c, i] · x[n, c, t·stride + i·dilation - before]."""
    sizes, taps = x.shape[2:], w.shape[2:]
    rows = [
        conv_row(*axis)
        for axis in zip(sizes, taps, stride, _pads(padding, len(sizes)), dilation, strict=True)
    ]
    before, counts = [row[0] for row in rows], [row[1] for row in rows]
    given, kernel = x.astype(object), w.astype(object)
    out = np.zeros((len(x), len(w), *counts), object)
    for n, o, *t in np.ndindex(out.shape):
        first_channel = o // (len(w) // groups) * w.shape[1]
        total = 0 if bias is None else bias[o].item()
        for c, *i in np.ndindex(w.shape[1:]):
            at = [p * s + q * d - b for p, s, q, d, b in zip(t, stride, i, dilation, before, strict=True)]
            if all(0 <= a < size for a, size in zip(at, sizes, strict=True)):
                total += kernel[(o, c, *i)] * given[(n, first_channel + c, *at)]
        out[(n, o, *t)] = total
    return out


def conv_transpose(
    x: NDArray[Any],
    w: NDArray[Any],
    bias: NDArray[Any] | None = None,
    *,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    groups: int,
    output_padding: Ints | None = None,
    output_size: Ints | None = None,
) -> NDArray[Any]:
    """Each input element adds its scaled kernel to the full response; the output is a window of that."""
    sizes, taps, rank = x.shape[2:], w.shape[2:], x.ndim - 2
    windows = [
        transposed_window(*axis)
        for axis in zip(
            sizes,
            taps,
            stride,
            _pads(padding, rank),
            dilation,
            output_padding or (None,) * rank,
            output_size or (None,) * rank,
            strict=True,
        )
    ]
    given, kernel = x.astype(object), w.astype(object)
    filters = w.shape[1] * groups
    response: dict[tuple[int, ...], Any] = {}
    for n, c, *t in np.ndindex(x.shape):
        first_filter = c // (x.shape[1] // groups) * w.shape[1]
        for o, *i in np.ndindex(w.shape[1:]):
            at = [p * s + q * d for p, s, q, d in zip(t, stride, i, dilation, strict=True)]
            place = (n, first_filter + o, *at)
            response[place] = response.get(place, 0) + given[(n, c, *t)] * kernel[(c, o, *i)]
    out = np.zeros((len(x), filters, *(size for _, size in windows)), object)
    for n, o, *t in np.ndindex(out.shape):
        place = (n, o, *(p + begin for p, (begin, _) in zip(t, windows, strict=True)))
        out[(n, o, *t)] = response.get(place, 0) + (0 if bias is None else bias[o].item())
    return out


def conv_row(
    size: int, taps: int, stride: int, padding: tuple[int, int] | str, dilation: int
) -> tuple[int, int]:
    """Zeros read before the input, and the number of outputs, counted one by one."""
    reach = (taps - 1) * dilation
    if padding == "same":
        count = len(range(0, size, stride))
        missing = (count - 1) * stride + reach - (size - 1)
        return max(missing, 0) // 2, count
    before, after = (0, 0) if isinstance(padding, str) else padding
    padded = before + size + after
    count = 0
    while count * stride + reach < padded:
        count += 1
    return before, count


def transposed_window(
    size: int,
    taps: int,
    stride: int,
    padding: tuple[int, int] | str,
    dilation: int,
    output_padding: int | None,
    output_size: int | None,
) -> tuple[int, int]:
    """Where the output begins in the full response, and how long it is."""
    spans = (taps - 1) * dilation + 1
    reached = (t * stride + i * dilation for t in range(size) for i in range(taps))
    touched = 1 + max(reached, default=spans - stride - 1)  # by none: by the frameworks' formula
    if padding == "same":
        length = size * stride if output_padding is None else (size - 1) * stride + spans % 2 + output_padding
        length = length if output_size is None else output_size
        return max(touched - length, 0) // 2, length
    if padding == "valid":
        pads = (0, 0)
        length = max(touched, size * stride) if output_padding is None else touched + output_padding
    else:
        assert not isinstance(padding, str)
        pads = padding
        length = touched - sum(pads) + (output_padding or 0)
    return pads[0], length if output_size is None else output_size


def _pads(padding: Padding, rank: int) -> Sequence[tuple[int, int] | str]:
    return (padding,) * rank if isinstance(padding, str) else padding
