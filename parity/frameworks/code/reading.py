"""A layer that was read from an expression: everything of a case but the input's sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from parity.cases.case import Case


@dataclass(frozen=True)
class Reading:
    """What a layer's expression says.

    Attributes:
        framework: whose layer it is.
        op: the operation.
        channels: input channels, None where the expression does not carry them.
        arguments: the case's further fields.
        activation: name of the function behind the layer, None for none.
        notes: what was dropped, and why nothing is lost by it.
    """

    framework: str
    op: str
    channels: int | None
    arguments: dict[str, Any]
    activation: str | None = None
    notes: tuple[str, ...] = ()

    def case(self, batch: int, channels: int, sizes: Sequence[int]) -> Case:
        """Make the case of this layer on an input of these sizes.

        Raises:
            CaseError: channels that the groups do not divide.
            GeometryError: sizes that the layer cannot take.
        """
        return Case(self.op, (batch, channels, *sizes), **self.arguments)
