"""What convmm allocates beyond its inputs and its output, by tracemalloc: bounded, whatever the kernel.

Usage: python benchmarks/convmm_memory.py [--threads 2]

The bound is 16 MiB with 1 MiB of second-level cache, and in proportion to it (``Limits.for_cache``): four
times ``LIMITS.gathered``. To it comes, per thread, one padded tile: the unfolded columns, ``LIMITS.gathered``
bytes at most besides the rows that a tile of few reads for its kernel. Exits with 1 where a call
goes beyond it.
"""

from __future__ import annotations

import argparse
import math
import sys
import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import convmm
from convmm.fast import threads
from convmm.fast.plan import LIMITS

Array = NDArray[Any]
Call = Callable[[], Array]

MIB = 2**20

# Name, input, kernel, arguments: large kernels on large images, and what is hard to cut.
CASES: list[tuple[str, tuple[int, ...], tuple[int, ...], dict[str, int]]] = [
    ("16x16 kernel, 512x512 image", (1, 3, 512, 512), (8, 3, 16, 16), {"padding": 8}),
    ("16x16 kernel, 16 channels", (1, 16, 512, 512), (16, 16, 16, 16), {"padding": 8}),
    ("16x16 kernel, stride 2", (1, 3, 512, 512), (8, 3, 16, 16), {"padding": 7, "stride": 2}),
    ("3x3 kernel, 64 channels", (4, 64, 256, 256), (64, 64, 3, 3), {"padding": 1}),
    ("3x3 kernel, 512 channels", (8, 512, 28, 28), (512, 512, 3, 3), {"padding": 1}),
    ("1x1 kernel, 256 channels", (4, 256, 128, 128), (256, 256, 1, 1), {}),
    ("depthwise", (4, 256, 128, 128), (256, 1, 3, 3), {"padding": 1, "groups": 256}),
    ("1d, 65536 samples of audio", (1, 32, 65536), (32, 32, 9), {"dilation": 8}),
    ("3d, 32x64x64", (1, 16, 32, 64, 64), (16, 16, 3, 3, 3), {"padding": 1}),
]


def peak(call: Call) -> tuple[int, int]:
    """Return the bytes at the peak, and of the result."""
    threads._idle.clear()  # noqa: SLF001 - what earlier calls left is this call's, too
    tracemalloc.start()
    result = call()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most, result.nbytes


def contenders(x: Array, w: Array, arguments: dict[str, int]) -> list[Call]:
    """Return the operation and its two gradients."""
    given: dict[str, Any] = arguments
    dy = convmm.conv(x, w, **given)
    return [
        partial(convmm.conv, x, w, **given),
        partial(convmm.conv_input_grad, dy, w, x.shape[2:], **given),
        partial(convmm.conv_weight_grad, x, dy, w.shape[2:], **given),
    ]


def main() -> None:
    """Measure every case in both dtypes, the operation and its two gradients."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    convmm.set_threads(options.threads)
    bound = (4 + options.threads) * LIMITS.gathered
    worst = 0
    print(f"MiB beyond inputs and output, {options.threads} threads; the bound is {bound / MIB:.0f}")
    print(f"{'':30}{'':9}{'input':>9}{'conv':>9}{'input gr.':>10}{'weight gr.':>11}")
    for name, x_shape, w_shape, arguments in CASES:
        for dtype in ("float32", "float64"):
            calls = contenders(np.ones(x_shape, dtype), np.ones(w_shape, dtype), arguments)
            extra = [most - result for most, result in map(peak, calls)]
            worst = max(worst, *extra)
            size = math.prod(x_shape) * np.dtype(dtype).itemsize
            cells = "".join(f"{e / MIB:>{width}.1f}" for e, width in zip(extra, (9, 10, 11), strict=True))
            print(f"{name:30}{dtype:9}{size / MIB:>9.1f}{cells}")
    print(f"the most is {worst / MIB:.1f} MiB")
    sys.exit(worst > bound)


if __name__ == "__main__":
    main()
