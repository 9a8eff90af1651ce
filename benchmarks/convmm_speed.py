"""How fast convmm is: ratios to NumPy's own matrix product, to torch and to TensorFlow, in one process.

Usage: python benchmarks/convmm_speed.py [--threads 2] [--rounds 7] [--only NAME] [--dtype float64]
       [--clock processor] [--json FILE]

Every contender runs once a round, in turn, so that whatever else the machine does falls on all alike; a
ratio is one of medians over the rounds, and its spread the quartiles of the rounds' own ratios. "limit" is
the time of NumPy's product of two matrices with as many multiplications, over convmm's: 1 would be its rate.
Above 1, torch and TensorFlow columns say that convmm takes longer.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import convmm
from convmm.geometry import Geometry, conv_geometry, conv_transpose_geometry

Call = Callable[[], Any]


@dataclass(frozen=True)
class Shape:
    """One layer of a well-known network, at full size."""

    name: str
    x: tuple[int, ...]
    filters: int
    kernel: int
    stride: int = 1
    padding: int = 0
    output_padding: int = 0
    dilation: int = 1
    groups: int = 1
    transposed: bool = False

    @property
    def w(self) -> tuple[int, ...]:
        """Shape of the kernel."""
        rank = len(self.x) - 2
        first, second = (self.x[1], self.filters) if self.transposed else (self.filters, self.x[1])
        return (first, second // self.groups, *(self.kernel,) * rank)

    @property
    def arguments(self) -> dict[str, int]:
        """What all of the operation's functions take."""
        names = ("stride", "padding", "dilation", "groups")
        return {name: getattr(self, name) for name in names}

    @property
    def added(self) -> dict[str, int]:
        """What the transposed ones take besides."""
        return {"output_padding": self.output_padding} if self.transposed else {}

    def geometry(self) -> Geometry:
        """Sizes of the output, and of the products."""
        build: Any = conv_transpose_geometry if self.transposed else conv_geometry
        geometry: Geometry = build(self.x, self.w, **self.arguments, **self.added)
        return geometry


SHAPES = [
    Shape("resnet stem 7x7 s2", (2, 3, 224, 224), 64, 7, 2, 3),
    Shape("resnet 56 64-64", (4, 64, 56, 56), 64, 3, 1, 1),
    Shape("resnet 28 128-128", (4, 128, 28, 28), 128, 3, 1, 1),
    Shape("resnet 14 256-256", (8, 256, 14, 14), 256, 3, 1, 1),
    Shape("resnet 7 512-512", (16, 512, 7, 7), 512, 3, 1, 1),
    Shape("resnet 56-28 64-128 s2", (4, 64, 56, 56), 128, 3, 2, 1),
    Shape("resnet 28-14 1x1 s2", (8, 256, 28, 28), 512, 1, 2, 0),
    Shape("bottleneck 1x1 56 256-64", (4, 256, 56, 56), 64, 1),
    Shape("bottleneck 1x1 14 256-1024", (8, 256, 14, 14), 1024, 1),
    Shape("vgg 112 64-128", (1, 64, 112, 112), 128, 3, 1, 1),
    Shape("vgg 14 512-512 batch 1", (1, 512, 14, 14), 512, 3, 1, 1),
    Shape("inception 5x5 28 32-96", (4, 32, 28, 28), 96, 5, 1, 2),
    Shape("deeplab 33 256-256 d2", (1, 256, 33, 33), 256, 3, 1, 2, dilation=2),
    Shape("mobilenet depthwise 56 128", (4, 128, 56, 56), 128, 3, 1, 1, groups=128),
    Shape("resnext 28 256-256 g32", (4, 256, 28, 28), 256, 3, 1, 1, groups=32),
    Shape("patch embedding 16x16 s16", (2, 3, 224, 224), 768, 16, 16),
    Shape("wavenet 1d 4096 64-64 d4", (4, 64, 4096), 64, 3, 1, 4, dilation=4),
    Shape("c3d 3d 16x28x28 64-64", (1, 64, 16, 28, 28), 64, 3, 1, 1),
    Shape("dcgan 4-8 512-256", (16, 512, 4, 4), 256, 4, 2, 1, transposed=True),
    Shape("dcgan 8-16 256-128", (16, 256, 8, 8), 128, 4, 2, 1, transposed=True),
    Shape("dcgan 16-32 128-64", (16, 128, 16, 16), 64, 4, 2, 1, transposed=True),
    Shape("dcgan 32-64 64-3", (16, 64, 32, 32), 3, 4, 2, 1, transposed=True),
    Shape("unet up 2x2 28-56 256-128", (2, 256, 28, 28), 128, 2, 2, 0, transposed=True),
    Shape("decoder 3x3 s2 28-56 128-64", (4, 128, 28, 28), 64, 3, 2, 1, 1, transposed=True),
    Shape("stride 1 3x3 28 128-128", (4, 128, 28, 28), 128, 3, 1, 1, transposed=True),
    Shape("fcn 8x up 16x16 s8 21-21", (1, 21, 28, 28), 21, 16, 8, 4, transposed=True),
    Shape("vocoder 1d k16 s8 128-64", (4, 128, 512), 64, 16, 8, 4, transposed=True),
    Shape("vae 3d 8-16 64-32 k4 s2", (1, 64, 8, 8, 8), 32, 4, 2, 1, transposed=True),
]


class Arrays:
    """A shape's operands, and the calls that are compared on them."""

    def __init__(self, shape: Shape, dtype: str) -> None:
        rng = np.random.default_rng(0)
        self.shape, self.dtype = shape, dtype
        geometry = shape.geometry()
        out = (
            (geometry.fine_channels, *geometry.fine)
            if shape.transposed
            else (
                geometry.coarse_channels,
                *geometry.coarse,
            )
        )
        sizes = (shape.x, shape.w, (shape.x[0], *out))
        self.x, self.w, self.dy = (rng.standard_normal(size).astype(dtype) for size in sizes)
        per_group = geometry.coarse_channels // geometry.groups
        terms = math.prod(shape.w[1:])
        places = shape.x[0] * math.prod(geometry.coarse) * geometry.groups
        self.matrices = (
            rng.standard_normal((per_group, terms)).astype(dtype),
            rng.standard_normal((terms, places)).astype(dtype),
        )
        self.flops = 2 * per_group * terms * places

    def limit(self) -> Call:
        """NumPy's product of two matrices with the same multiplications."""
        a, b = self.matrices
        return lambda: np.matmul(a, b)

    def ours(self, module: Any = convmm) -> dict[str, Call]:  # noqa: ANN401 - convmm, or another version of it
        """The operation and its two gradients."""
        shape, x, w, dy = self.shape, self.x, self.w, self.dy
        name = "conv_transpose" if shape.transposed else "conv"
        forward, input_grad, weight_grad = (
            getattr(module, name + suffix) for suffix in ("", "_input_grad", "_weight_grad")
        )
        arguments = {**shape.arguments, **shape.added}
        return {
            "forward": lambda: forward(x, w, **arguments),
            "input grad": lambda: input_grad(dy, w, shape.x[2:], **arguments),
            "weight grad": lambda: weight_grad(x, dy, shape.w[2:], **arguments),
        }

    def torch(self) -> dict[str, Call]:
        """The functions of torch, the gradients by the functions that autograd calls."""
        import torch  # noqa: PLC0415 - only where it is compared

        shape = self.shape
        rank = len(shape.x) - 2
        x, w, dy = (torch.from_numpy(array) for array in (self.x, self.w, self.dy))
        name = f"conv_transpose{rank}d" if shape.transposed else f"conv{rank}d"
        forward = getattr(torch.nn.functional, name)
        arguments = {**shape.arguments, **shape.added}

        def grad(mask: list[bool]) -> Call:
            return lambda: torch.ops.aten.convolution_backward(
                dy, x, w, None, *([getattr(shape, n)] * rank for n in ("stride", "padding", "dilation")),
                shape.transposed, [shape.output_padding] * rank, shape.groups, mask,
            )  # fmt: skip

        def without_grad(call: Call) -> Call:
            return torch.no_grad()(call)  # type: ignore[no-any-return]

        return {
            "forward": without_grad(lambda: forward(x, w, **arguments)),
            "input grad": without_grad(grad([True, False, False])),
            "weight grad": without_grad(grad([False, True, False])),
        }

    def tensorflow(self) -> dict[str, Call]:
        """TensorFlow's convolution, channels last, as it has no other on every CPU; forward only."""
        import tensorflow as tf  # noqa: PLC0415 - only where it is compared

        shape = self.shape
        rank = len(shape.x) - 2
        if shape.groups > 1 or (shape.stride > 1 and shape.dilation > 1):
            return {}
        pads = [(shape.padding, shape.padding)] * rank
        x = tf.constant(np.moveaxis(self.x, 1, -1))
        w = tf.constant(np.moveaxis(self.w, (0, 1), (-1, -2)))
        if not shape.transposed:
            padded = tf.constant(np.pad(np.moveaxis(self.x, 1, -1), [(0, 0), *pads, (0, 0)]))
            return {
                "forward": lambda: tf.nn.convolution(
                    padded, w, strides=shape.stride, dilations=shape.dilation, padding="VALID"
                )
            }
        if rank == 1 or shape.dilation > 1:
            return {}
        geometry = shape.geometry()
        full = tuple(n + 2 * shape.padding for n in geometry.fine)
        sizes = [(n - shape.kernel) // shape.stride + 1 for n in full]
        if tuple(sizes) != geometry.coarse:
            return {}
        call = getattr(tf.nn, f"conv{rank}d_transpose")
        output = (shape.x[0], *full, shape.filters)
        return {"forward": lambda: call(x, w, output, strides=shape.stride, padding="VALID")}


# Wall time, unless the processor's time is asked for: on a busy machine, where one thread is to be measured.
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


def medians(calls: dict[str, Call], rounds: int, clock: str = "wall") -> dict[str, list[float]]:
    """Seconds of each call, in each round."""
    now = CLOCKS[clock]
    for call in calls.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            begin = now()
            call()
            times[name].append(now() - begin)
    return times


def ratio(times: dict[str, list[float]], over: str, under: str) -> float | None:
    """Median over median; None where one of the two did not run."""
    if over not in times or under not in times:
        return None
    return statistics.median(times[over]) / statistics.median(times[under])


def measure(shape: Shape, dtype: str, rounds: int, contenders: list[str], clock: str) -> dict[str, Any]:
    """All ratios of one shape."""
    arrays = Arrays(shape, dtype)
    row: dict[str, Any] = {"shape": asdict(shape), "dtype": dtype, "flops": arrays.flops}
    others = {name: getattr(arrays, name)() for name in contenders}
    for what, call in arrays.ours().items():
        calls = {"limit": arrays.limit(), "convmm": call}
        calls |= {name: theirs[what] for name, theirs in others.items() if what in theirs}
        times = medians(calls, rounds, clock)
        row[what] = {
            "limit": ratio(times, "limit", "convmm"),
            **{name: ratio(times, "convmm", name) for name in contenders},
            "seconds": {name: statistics.median(of) for name, of in times.items()},
        }
    return row


def geometric_mean(values: list[float]) -> float:
    """Of no values, NaN."""
    return math.exp(statistics.fmean(map(math.log, values))) if values else math.nan


def show(rows: list[dict[str, Any]], contenders: list[str]) -> None:
    """The ratios as a table, and their geometric means."""
    columns = ["limit", *contenders]
    parts = ["forward", "input grad", "weight grad"]
    print(f"{'':30}" + "".join(f"{part:>{9 * len(columns)}}" for part in parts))
    print(f"{'shape':30}" + "".join(f"{column[:8]:>9}" for column in columns * len(parts)))
    for row in rows:
        cells = [row[part][column] for part in parts for column in columns]
        print(
            f"{row['shape']['name']:30}" + "".join(f"{cell:9.2f}" if cell else f"{'':>9}" for cell in cells)
        )
    for title, kept in (("conv", False), ("conv_transpose", True), ("all", None)):
        chosen = [row for row in rows if kept is None or row["shape"]["transposed"] == kept]
        cells = [
            geometric_mean([row[part][column] for row in chosen if row[part][column]])
            for part in parts
            for column in columns
        ]
        print(f"{'geometric mean, ' + title:30}" + "".join(f"{cell:9.2f}" for cell in cells))


def exponents(rounds: int, clock: str) -> dict[str, float]:
    """How time grows with batch, channels (of either side) and pixels: slopes of log time over log size."""
    found = {}
    series: dict[str, list[tuple[int, Shape]]] = {
        "batch": [(n, Shape("", (n, 64, 28, 28), 64, 3, 1, 1)) for n in (2, 4, 8, 16, 32)],
        "channels product": [(c * c, Shape("", (4, c, 28, 28), c, 3, 1, 1)) for c in (64, 96, 128, 192, 256)],
        "pixels": [(n * n, Shape("", (2, 64, n, n), 64, 3, 1, 1)) for n in (28, 40, 56, 80, 112)],
    }
    for name, points in series.items():
        calls = {str(size): Arrays(shape, "float64").ours()["forward"] for size, shape in points}
        times = medians(calls, rounds, clock)
        logs = [(math.log(size), math.log(statistics.median(times[str(size)]))) for size, _ in points]
        found[name] = statistics.linear_regression(*zip(*logs, strict=True)).slope
    return found


def pin_threads(threads: int, contenders: list[str]) -> None:
    """The same number of threads for everyone, NumPy's own product among them."""
    convmm.set_threads(threads)
    threadpool_limits(threads, "blas")
    if "torch" in contenders:
        import torch  # noqa: PLC0415 - only where it is compared

        torch.set_num_threads(threads)
    if "tensorflow" in contenders:
        import tensorflow as tf  # noqa: PLC0415 - only where it is compared

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)


def main() -> None:
    """Measure, print, and write what was measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="shapes with this in their name")
    parser.add_argument("--dtype", nargs="*", default=["float64", "float32"])
    parser.add_argument("--against", nargs="*", default=["torch", "tensorflow"])
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    pin_threads(options.threads, options.against)
    record: dict[str, Any] = {
        "machine": platform.platform(),
        "threads": options.threads,
        "clock": options.clock,
        "rows": [],
    }
    for dtype in options.dtype:
        shapes = [shape for shape in SHAPES if options.only in shape.name]
        rows = [measure(shape, dtype, options.rounds, options.against, options.clock) for shape in shapes]
        print(f"\n{dtype}, {options.threads} threads: limit / convmm, then convmm / each other")
        show(rows, options.against)
        record["rows"] += rows
    record["exponents"] = exponents(options.rounds, options.clock)
    print(
        "\ntime grows with the power of: " + ", ".join(f"{k} {v:.2f}" for k, v in record["exponents"].items())
    )
    if options.json:
        options.json.write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
