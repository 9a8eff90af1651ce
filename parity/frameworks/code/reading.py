"""A layer that was read from an expression: everything of a case but the input's sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from convmm.geometry import conv_geometry, conv_smallest_input_size, conv_transpose_smallest_input_size
from parity.cases.case import ZEROS, Case
from parity.cases.op import Op
from parity.frameworks.code.layer import Layer
from parity.frameworks.code.script import Conversion
from parity.frameworks.spelling import Spelling


@dataclass(frozen=True)
class Reading:
    """What a layer's expression says.

    Attributes:
        framework: whose layer it is, with the route that the expression asks for.
        op: the operation.
        channels: input channels, None where the expression does not carry them.
        arguments: the case's further fields.
        activation: name of the function behind the layer, None for none.
        layer: the very call that was typed, to be run beside its translation.
        notes: what was dropped, and why nothing is lost by it.
        to_convmm: statements that bring this layer's ``kernel`` into convmm's layout; None where it is the
            framework's own.
        from_convmm: from convmm's kernel and bias to this layer's arrays; None as before.
    """

    framework: str
    op: str
    channels: int | None
    arguments: dict[str, Any]
    layer: Layer
    activation: str | None = None
    notes: tuple[str, ...] = ()
    to_convmm: tuple[str, ...] | None = None
    from_convmm: Conversion | None = None

    @property
    def only_input(self) -> tuple[int, ...] | None:
        """The shape of the one input that the layer takes, (N, C, *spatial); None where it takes several."""
        return None

    def for_channels(self, count: int) -> Reading:  # noqa: ARG002 - part of the role
        """Return what is said of an input of so many channels, where groups follow from them."""
        return self

    def case(self, batch: int, channels: int, sizes: Sequence[int]) -> Case:
        """Make the case of this layer on an input of these sizes.

        Raises:
            CaseError: channels that the groups do not divide.
            GeometryError: sizes that the layer cannot take.
        """
        return self.on((batch, channels, *sizes))

    def on(self, shape: Sequence[int]) -> Case:
        """Make the case of this layer on an input of this shape, (N, C, *spatial).

        Raises:
            CaseError: a shape that is none, or channels that the groups do not divide.
            GeometryError: sizes that the layer cannot take.
        """
        return Case(self.op, shape, **self.arguments)

    def own(self, case: Case) -> Spelling | None:  # noqa: ARG002 - for those that have one
        """Return the layer's spelling of a case; None where it is the framework's first that computes it."""
        return None

    @property
    def smallest(self) -> tuple[int, ...]:
        """The spatial sizes of the smallest input of which the layer has an output.

        Where padding holds elements of the input, of the smallest that has more than are needed on a side: of
        fewer, some frameworks do not make it.

        Raises:
            GeometryError: an argument is out of its range.
        """
        names = ("stride", "padding", "output_padding", "dilation")
        given = {name: self.arguments[name] for name in names if name in self.arguments}
        transposed = Op.of(self.op).transposed
        find = conv_transpose_smallest_input_size if transposed else conv_smallest_input_size
        sizes = find(self.arguments["kernel"], **given)
        if self.arguments.get("padding_mode", ZEROS) == ZEROS:
            return sizes
        pads = conv_geometry((1, 1, *sizes), (1, 1, *self.arguments["kernel"]), **given).pads
        return tuple(max(size, 1 + max(pad)) for size, pad in zip(sizes, pads, strict=True))
