"""Layers one behind another, read from an expression or written for a framework."""

from __future__ import annotations

from dataclasses import dataclass

from parity.frameworks.code.expression import Call
from parity.frameworks.code.layer import Layer
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.steps import Step


@dataclass(frozen=True)
class Link:
    """One layer of a chain, as it was read.

    Attributes:
        layer: the very call that was typed, to be run beside its translation; None where it is left out.
        parts: what it does, one after another: convolutions take the layer's arrays in this order.
        dtype: that it computes in, None where it is that of its input.
        notes: what was dropped, and why nothing is lost by it.
        first: whether its channels stand before the spatial axes; None where it takes both orders.
        shape: of the chain's input without the batch, in the framework's own order, None for any size: of a
            link that says nothing else.
    """

    layer: Layer | None
    parts: tuple[Reading | Step, ...]
    dtype: str | None = None
    notes: tuple[str, ...] = ()
    first: bool | None = None
    shape: tuple[int | None, ...] | None = None


@dataclass(frozen=True)
class Chain:
    """What an expression of several layers says.

    Attributes:
        framework: whose they are, with the route that they ask for.
        links: the layers, in order, none of them a chain.
    """

    framework: str
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Written:
    """A step as a framework's layer.

    Attributes:
        layers: that compute it, one behind another.
        definitions: classes and such that they need, each a block of statements.
        imports: modules that the definitions need.
    """

    layers: tuple[Layer, ...]
    definitions: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Whether they are the framework's own, "native", or "exact": defined for it."""
        return "exact" if self.definitions else "native"


MOST_LINKS = 100
"""Of a chain: each is translated and proved."""


def flat(call: Call, containers: frozenset[str]) -> list[Call]:
    """Return the calls of a chain's links in order, those of chains within it among them.

    Raises:
        ExpressionError: something among them is no layer, or there are too many.
    """
    found: list[Call] = []
    waiting = [call]
    while waiting:
        each = waiting.pop()
        if each.name not in containers:
            found.append(each)
            continue
        inner = _members(each)
        if not inner:
            raise each.error("a chain without a layer")
        waiting += reversed(inner)
        if len(waiting) + len(found) > MOST_LINKS:
            raise call.error(f"a chain of more than {MOST_LINKS} layers: allowed are {MOST_LINKS} at most")
    return found


def _members(container: Call) -> list[Call]:
    members: list[Call] = []
    for argument in container.arguments:
        if argument.name in {"name", "trainable"}:
            continue
        if argument.name not in {None, "layers"} or not argument.inner:
            raise container.error("every link of a chain is a call of a layer, as in nn.ReLU()", argument)
        members += argument.calls()
    return members
