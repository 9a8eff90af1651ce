"""Layers of well-known networks, at full size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from convmm.fast.plan import Plan
from convmm.geometry import Geometry, conv_geometry, conv_transpose_geometry
from convmm.operations.explanation import plan_of

PARTS = {"forward": "", "input grad": "_input_grad", "weight grad": "_weight_grad"}
"""What is timed, and how the name of convmm's function for it ends."""

_COMPUTE_BOUND = 500


@dataclass(frozen=True)
class Layer:
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
        first, second = (self.x[1], self.filters) if self.transposed else (self.filters, self.x[1])
        return (first, second // self.groups, *(self.kernel,) * self.rank)

    @property
    def arguments(self) -> dict[str, int]:
        """What all of the operation's functions take."""
        names = ("stride", "padding", "dilation", "groups")
        return {name: getattr(self, name) for name in names}

    @property
    def added(self) -> dict[str, int]:
        """What the transposed ones take besides."""
        return {"output_padding": self.output_padding} if self.transposed else {}

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.x) - 2

    @property
    def operation(self) -> str:
        """Name of convmm's function."""
        return "conv_transpose" if self.transposed else "conv"

    def geometry(self) -> Geometry:
        """Return the sizes of the output, and of the products."""
        build: Any = conv_transpose_geometry if self.transposed else conv_geometry
        geometry: Geometry = build(self.x, self.w, **self.arguments, **self.added)
        return geometry

    @property
    def y(self) -> tuple[int, ...]:
        """Shape of the output."""
        geometry = self.geometry()
        if self.transposed:
            return (self.x[0], geometry.fine_channels, *geometry.fine)
        return (self.x[0], geometry.coarse_channels, *geometry.coarse)

    @property
    def product(self) -> tuple[int, int, int]:
        """Rows, terms and columns of one matrix product with as many multiplications."""
        geometry = self.geometry()
        places = self.x[0] * math.prod(geometry.coarse) * geometry.groups
        return geometry.coarse_channels // geometry.groups, math.prod(self.w[1:]), places

    def plans(self, dtype: str) -> dict[str, Plan]:
        """Return convmm's plans of the output and of each gradient, by part."""
        names: dict[str, Any] = {part: self.operation + suffix for part, suffix in PARTS.items()}
        geometry = self.geometry()
        return {part: plan_of(name, geometry, self.x[0], dtype) for part, name in names.items()}

    @property
    def flops(self) -> int:
        """Floating point operations, of the operation and of either gradient."""
        return 2 * math.prod(self.product)

    @property
    def is_compute_bound(self) -> bool:
        """Whether there is far more to multiply than to move: 500 operations or more for each element."""
        return self.flops >= _COMPUTE_BOUND * sum(map(math.prod, (self.x, self.w, self.y)))


LAYERS = [
    Layer("resnet stem 7x7 s2", (2, 3, 224, 224), 64, 7, 2, 3),
    Layer("resnet 56 64-64", (4, 64, 56, 56), 64, 3, 1, 1),
    Layer("resnet 28 128-128", (4, 128, 28, 28), 128, 3, 1, 1),
    Layer("resnet 14 256-256", (8, 256, 14, 14), 256, 3, 1, 1),
    Layer("resnet 7 512-512", (16, 512, 7, 7), 512, 3, 1, 1),
    Layer("resnet 56-28 64-128 s2", (4, 64, 56, 56), 128, 3, 2, 1),
    Layer("resnet 28-14 1x1 s2", (8, 256, 28, 28), 512, 1, 2, 0),
    Layer("bottleneck 1x1 56 256-64", (4, 256, 56, 56), 64, 1),
    Layer("bottleneck 1x1 14 256-1024", (8, 256, 14, 14), 1024, 1),
    Layer("vgg 112 64-128", (1, 64, 112, 112), 128, 3, 1, 1),
    Layer("vgg 14 512-512 batch 1", (1, 512, 14, 14), 512, 3, 1, 1),
    Layer("inception 5x5 28 32-96", (4, 32, 28, 28), 96, 5, 1, 2),
    Layer("deeplab 33 256-256 d2", (1, 256, 33, 33), 256, 3, 1, 2, dilation=2),
    Layer("mobilenet depthwise 56 128", (4, 128, 56, 56), 128, 3, 1, 1, groups=128),
    Layer("resnext 28 256-256 g32", (4, 256, 28, 28), 256, 3, 1, 1, groups=32),
    Layer("patch embedding 16x16 s16", (2, 3, 224, 224), 768, 16, 16),
    Layer("wavenet 1d 4096 64-64 d4", (4, 64, 4096), 64, 3, 1, 4, dilation=4),
    Layer("c3d 3d 16x28x28 64-64", (1, 64, 16, 28, 28), 64, 3, 1, 1),
    Layer("dcgan 4-8 512-256", (16, 512, 4, 4), 256, 4, 2, 1, transposed=True),
    Layer("dcgan 8-16 256-128", (16, 256, 8, 8), 128, 4, 2, 1, transposed=True),
    Layer("dcgan 16-32 128-64", (16, 128, 16, 16), 64, 4, 2, 1, transposed=True),
    Layer("dcgan 32-64 64-3", (16, 64, 32, 32), 3, 4, 2, 1, transposed=True),
    Layer("unet up 2x2 28-56 256-128", (2, 256, 28, 28), 128, 2, 2, 0, transposed=True),
    Layer("decoder 3x3 s2 28-56 128-64", (4, 128, 28, 28), 64, 3, 2, 1, 1, transposed=True),
    Layer("stride 1 3x3 28 128-128", (4, 128, 28, 28), 128, 3, 1, 1, transposed=True),
    Layer("fcn 8x up 16x16 s8 21-21", (1, 21, 28, 28), 21, 16, 8, 4, transposed=True),
    Layer("vocoder 1d k16 s8 128-64", (4, 128, 512), 64, 16, 8, 4, transposed=True),
    Layer("vae 3d 8-16 64-32 k4 s2", (1, 64, 8, 8, 8), 32, 4, 2, 1, transposed=True),
]
