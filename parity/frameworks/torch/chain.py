"""Chains of torch's layers: ``torch.nn.Sequential``, and layers that are no convolution."""

from __future__ import annotations

from collections.abc import Sequence

from convmm.geometry import shorten
from parity.frameworks.code.chain import Chain, Link, flat
from parity.frameworks.code.expression import Call
from parity.frameworks.code.layer import Layer, Name
from parity.frameworks.torch.read import CLASSES, PREFIXES, read
from parity.frameworks.torch.steps import LINKS as STEPS
from parity.frameworks.torch.steps import read_step

_CONTAINERS = frozenset({"Sequential", "OrderedDict"})
"""And what gives a chain's layers names."""

LINKS = frozenset({"Sequential"}) | STEPS
"""The classes of chains, and of links that are no convolution."""


def read_chain(call: Call) -> Chain:
    """Read the layers that a call chains; a call of another layer is a chain of one.

    Raises:
        ExpressionError: a layer that is not read, or an argument of one.
    """
    return Chain("torch", tuple(map(_link, flat(call, _CONTAINERS))))


def _link(call: Call) -> Link:
    known = CLASSES.keys() | STEPS
    if call.name not in known:
        raise call.error(
            f"{shorten(call.path)} is no link of a chain that is read: allowed are the links before and "
            "behind it by themselves, as no normalisation, pooling or dense layer is read; these are: "
            f"{', '.join(sorted(known))}"
        )
    if call.name in STEPS:
        if call.prefix not in PREFIXES:
            raise call.error(f"{shorten(call.path)}: allowed in a chain of torch is nn.{call.name}")
        return read_step(call)
    reading = read(call)
    return Link(reading.layer, (reading,), reading.arguments["dtype"], reading.notes)


def sequence(layers: Sequence[Layer | Name]) -> Layer:
    """Return the layer that applies others in turn."""
    return Layer("torch.nn.Sequential", tuple(layers))
