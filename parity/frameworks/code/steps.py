"""What a layer without weights does, as data: each framework reads its own layers as these, and writes them.

Shapes are channels first, (N, C, *spatial); each kind of step says which shape it makes of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

Shape = tuple[int, ...]


class StepError(ValueError):
    """An input that a step does not take; the message says which, and what is allowed."""


@dataclass(frozen=True)
class Step:
    """A layer without weights."""

    @property
    def rank(self) -> int | None:
        """The spatial axes of its input, or None where it takes any."""
        return None

    @property
    def is_exact(self) -> bool:
        """Whether it rounds nothing, of integers at least."""
        return True

    @property
    def trap(self) -> str | None:
        """What a port by names gets wrong of it, in one sentence."""
        return None

    def output(self, shape: Shape) -> Shape:
        """Return the shape of the output.

        Raises:
            StepError: an input that it does not take.
        """
        if self.rank is not None and len(shape) != self.rank + 2:
            raise StepError(f"{self.kind} takes {self.rank} spatial axes, and is given {len(shape) - 2}")
        return self._output(shape)

    def channels_before(self, channels: int) -> int:
        """Return the input channels that give so many output channels, rounded down."""
        return channels

    @property
    def kind(self) -> str:
        """What it is called in messages."""
        return type(self).__name__

    def _output(self, shape: Shape) -> Shape:
        return shape


@dataclass(frozen=True)
class Identity(Step):
    """What it is given."""


@dataclass(frozen=True)
class Pad(Step):
    """Elements around every spatial axis.

    Attributes:
        pads: (before, after) for each axis; of the mode "constant" negative ones crop.
        mode: "constant", "reflect" without the edge itself, "replicate", or "circular".
        value: of the elements of the mode "constant".
    """

    pads: tuple[tuple[int, int], ...]
    mode: str = "constant"
    value: float = 0.0

    @property
    def rank(self) -> int:
        """One for each pair."""
        return len(self.pads)

    @property
    def is_exact(self) -> bool:
        """Whether what is put around is an integer."""
        return self.value == int(self.value)

    @property
    def added(self) -> tuple[tuple[int, int], ...]:
        """What is put around."""
        return tuple((max(before, 0), max(after, 0)) for before, after in self.pads)

    @property
    def cropped(self) -> tuple[tuple[int, int], ...]:
        """What is cut off."""
        return tuple((max(-before, 0), max(-after, 0)) for before, after in self.pads)

    def _output(self, shape: Shape) -> Shape:
        for size, pair, crop in zip(shape[2:], self.pads, self.cropped, strict=True):
            most = {"reflect": size - 1, "circular": size}.get(self.mode)
            if most is not None and max(pair) > most:
                raise StepError(f"padding={max(pair)} of mode {self.mode!r}: allowed is at most {most} here")
            if size - sum(crop) < 1:
                raise StepError(f"cropping={sum(crop)} of an axis of {size}: allowed is less than its size")
        return (*shape[:2], *(n + sum(pair) for n, pair in zip(shape[2:], self.pads, strict=True)))


@dataclass(frozen=True)
class Upsample(Step):
    """Every spatial axis made longer by a whole factor.

    Attributes:
        factors: for each axis; one int for all axes, however many there are.
        mode: "nearest", or "linear", between the centres of elements, on every axis.
    """

    factors: tuple[int, ...] | int
    mode: str = "nearest"

    @property
    def rank(self) -> int | None:
        """One for each factor."""
        return None if isinstance(self.factors, int) else len(self.factors)

    @property
    def is_exact(self) -> bool:
        """Whether elements are repeated."""
        return self.mode == "nearest"

    def on(self, rank: int) -> tuple[int, ...]:
        """Return the factors for this number of spatial axes."""
        return (self.factors,) * rank if isinstance(self.factors, int) else self.factors

    def _output(self, shape: Shape) -> Shape:
        factors = self.on(len(shape) - 2)
        return (*shape[:2], *(n * factor for n, factor in zip(shape[2:], factors, strict=True)))


@dataclass(frozen=True)
class PixelShuffle(Step):
    """Channels moved to two spatial axes, as torch orders them.

    Channel ``o * r * r + a * r + b`` has the elements (a, b) of every block of r by r of channel ``o``.

    Attributes:
        factor: r, by which both axes grow.
    """

    factor: int

    @property
    def rank(self) -> int:
        """Two."""
        return 2

    @property
    def trap(self) -> str:
        """Another order of channels."""
        return (
            "tf.nn.depth_to_space takes channel (a * r + b) * O + o for what torch.nn.PixelShuffle takes "
            "channel o * r * r + a * r + b for"
        )

    def channels_before(self, channels: int) -> int:
        """Return r * r times as many."""
        return channels * self.factor**2

    def _output(self, shape: Shape) -> Shape:
        if shape[1] % self.factor**2:
            raise StepError(
                f"PixelShuffle({self.factor}) of {shape[1]} channels: allowed are multiples of "
                f"{self.factor**2}"
            )
        return (shape[0], shape[1] // self.factor**2, *(n * self.factor for n in shape[2:]))


@dataclass(frozen=True)
class PixelUnshuffle(Step):
    """The inverse of :class:`PixelShuffle`.

    Attributes:
        factor: by which both axes shrink.
    """

    factor: int

    @property
    def rank(self) -> int:
        """Two."""
        return 2

    @property
    def trap(self) -> str:
        """Another order of channels."""
        return (
            "tf.nn.space_to_depth makes channel (a * r + b) * C + c of what torch.nn.PixelUnshuffle makes "
            "channel c * r * r + a * r + b of"
        )

    def channels_before(self, channels: int) -> int:
        """Return one for r * r of them."""
        return channels // self.factor**2

    def _output(self, shape: Shape) -> Shape:
        for size in shape[2:]:
            if size % self.factor:
                raise StepError(
                    f"PixelUnshuffle({self.factor}) of an axis of {size}: allowed are multiples of "
                    f"{self.factor}"
                )
        return (shape[0], shape[1] * self.factor**2, *(n // self.factor for n in shape[2:]))


@dataclass(frozen=True)
class Windows(Step):
    """The windows of a convolution of two axes, or what is made of them.

    Attributes:
        kernel: taps on each axis.
        dilation: on each axis.
        padding: zeros before and after each axis.
        stride: on each axis.
    """

    kernel: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int]
    stride: tuple[int, int]

    @property
    def extents(self) -> tuple[int, ...]:
        """How far the taps reach on each axis."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def places(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """Return how many windows there are on each axis of these sizes; none where it is shorter."""
        axes = zip(sizes, self.padding, self.extents, self.stride, strict=True)
        return tuple(max((n + 2 * p - extent) // s + 1, 0) for n, p, extent, s in axes)


@dataclass(frozen=True)
class Unfold(Windows):
    """Each window as a column: (N, C, H, W) to (N, C * taps, windows), a channel's taps side by side."""

    @property
    def rank(self) -> int:
        """Two."""
        return 2

    @property
    def trap(self) -> str:
        """Another order of rows."""
        return (
            "torch.nn.Unfold has the taps of a channel side by side, and keras.ops.image.extract_patches the "
            "channels of a tap: the matrix of a kernel is kernel.reshape(O, -1) for the one, and for the "
            "other kernel.transpose(0, 2, 3, 1).reshape(O, -1)"
        )

    def channels_before(self, channels: int) -> int:
        """Return one for each of the kernel's taps."""
        return channels // prod(self.kernel)

    def _output(self, shape: Shape) -> Shape:
        places = self.places(shape[2:])
        if 0 in places:
            raise StepError(f"Unfold of an input of {shape[2:]}: allowed is one that holds a window")
        return (shape[0], shape[1] * prod(self.kernel), prod(places))


@dataclass(frozen=True)
class Fold(Windows):
    """Columns added up where their windows are: (N, C * taps, windows) to (N, C, *size).

    Attributes:
        size: of the output.
    """

    size: tuple[int, int]

    @property
    def rank(self) -> int:
        """One: the windows."""
        return 1

    def channels_before(self, channels: int) -> int:
        """Return as many for each as the kernel has taps."""
        return channels * prod(self.kernel)

    @property
    def columns(self) -> int:
        """How many windows it takes."""
        return prod(self.places(self.size))

    def _output(self, shape: Shape) -> Shape:
        taps = prod(self.kernel)
        if shape[1] % taps or shape[2] != self.columns or not self.columns:
            raise StepError(
                f"Fold of {shape[1]} channels and {shape[2]} windows: allowed are a multiple of {taps} "
                f"channels, and {self.columns} windows"
            )
        return (shape[0], shape[1] // taps, *self.size)


@dataclass(frozen=True)
class Activation(Step):
    """A function of each element.

    Attributes:
        name: as Keras has it, such as "leaky_relu".
        parameters: its numbers by name, where it has any: "negative_slope", "alpha", "threshold",
            "approximate", or of "clip" "low" and "high".
    """

    name: str
    parameters: tuple[tuple[str, float | bool], ...] = ()

    @property
    def kind(self) -> str:
        """Its name."""
        return self.name

    @property
    def trap(self) -> str | None:
        """Another default."""
        return _OTHER_DEFAULTS.get(self.name)

    @property
    def is_exact(self) -> bool:
        """Whether it is one of those that choose between numbers."""
        return self.name in {"relu", "clip"} and all(value == int(value) for _, value in self.parameters)


@dataclass(frozen=True)
class Softmax(Step):
    """The softmax of one axis.

    Attributes:
        axis: its number as it was written.
        channels_last: whether it was written for channels last.
        log: whether the logarithm is taken of it.
    """

    axis: int
    channels_last: bool
    log: bool = False

    @property
    def kind(self) -> str:
        """Its name."""
        return "log_softmax" if self.log else "softmax"

    @property
    def is_exact(self) -> bool:
        """It is not."""
        return False

    @property
    def trap(self) -> str:
        """Another number."""
        return "the axis of a softmax is written out: channels are axis 1 in torch, and the last one in Keras"

    def place(self, shape: Shape, *, channels_last: bool) -> int:
        """Return the axis among those of an input of this shape, in this order.

        Raises:
            StepError: there is no such axis.
        """
        axes = len(shape)
        if not -axes <= self.axis < axes:
            raise StepError(f"axis={self.axis}: allowed are numbers from {-axes} to {axes - 1}")
        order = [0, *range(2, axes), 1] if self.channels_last else list(range(axes))
        first = order[self.axis]
        return [0, *range(2, axes), 1].index(first) if channels_last else first

    def _output(self, shape: Shape) -> Shape:
        self.place(shape, channels_last=False)
        return shape


_OTHER_DEFAULTS = {
    "leaky_relu": (
        "the slope is written out: without one it is 0.01 in torch.nn.LeakyReLU, 0.3 in "
        "keras.layers.LeakyReLU, and 0.2 in Keras's activation 'leaky_relu'"
    ),
    "gelu": (
        "the kind of gelu is written out: without a word torch and Keras compute the exact one, and "
        "jax.nn.gelu the approximation by tanh"
    ),
}
