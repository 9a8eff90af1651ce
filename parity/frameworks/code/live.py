"""A layer that its user has made, as the call that makes such a one, and the arrays that it has."""

from __future__ import annotations

from dataclasses import dataclass

from parity.cases.arrays import Array
from parity.frameworks.code.expression import ExpressionError


class LiveError(ExpressionError):
    """An object that is no layer that can be read, or not as it is; the message says what to give instead."""


@dataclass(frozen=True)
class Live:
    """What a layer in memory says.

    Attributes:
        text: the call that makes such a layer, as of an expression.
        weights: its arrays, in the framework's order and layout; None of a layer that has none yet.
    """

    text: str
    weights: tuple[Array, ...] | None
