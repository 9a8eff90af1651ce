"""Chains of Keras's layers: ``keras.Sequential``, and layers that are no convolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from convmm.geometry import shorten
from parity.frameworks.code.chain import Chain, Link, flat
from parity.frameworks.code.expression import Call
from parity.frameworks.code.layer import Layer, Name
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.script import Script
from parity.frameworks.code.steps import Softmax, Step
from parity.frameworks.keras.functions import FUNCTIONS
from parity.frameworks.keras.read import CLASSES, PREFIXES, read
from parity.frameworks.keras.rules import CHANNELS_FIRST
from parity.frameworks.keras.separable import LINKS as SEPARABLE
from parity.frameworks.keras.separable import read_separable
from parity.frameworks.keras.steps import LINKS as STEPS
from parity.frameworks.keras.steps import read_step

_CONTAINERS = frozenset({"Sequential"})
LINKS = _CONTAINERS | STEPS | SEPARABLE.keys()
"""The classes of chains, and of links that are no convolution."""

_MORE_PREFIXES = ("keras", "keras.models", "models", "tf.keras", "tf.keras.models", "tensorflow.keras")
_AROUND = {"Permute", *(f"{kind}{rank}D" for kind in ("ZeroPadding", "Cropping") for rank in (1, 2, 3))}
"""What stands around a convolution that computes a case: layers without weights, which keep the channels."""

LINK_PREFIXES = (*PREFIXES, *_MORE_PREFIXES)
"""What stands before their names."""


def read_chain(call: Call) -> Chain:
    """Read the layers that a call chains; a call of another layer is a chain of one.

    Raises:
        ExpressionError: a layer that is not read, an argument of one, or layers of different orders of axes.
    """
    links = [_link(each) for each in flat(call, _CONTAINERS)]
    orders = {link.first for link in links if link.first is not None}
    if len(orders) > 1:
        raise call.error("data_format: allowed is one order of axes for all layers of a chain")
    first = True in orders
    framework = f"keras+{CHANNELS_FIRST}" if first else "keras"
    return Chain(framework, tuple(_in_order(link, first=first) for link in links))


def _in_order(link: Link, *, first: bool) -> Link:
    """Return a link whose softmax is over the axis that its number means in this order."""
    parts: list[Reading | Step] = [
        replace(part, channels_last=not first) if isinstance(part, Softmax) else part for part in link.parts
    ]
    return replace(link, parts=tuple(parts))


def _link(call: Call) -> Link:
    known = CLASSES.keys() | STEPS | SEPARABLE.keys()
    if call.name not in known:
        raise call.error(
            f"{shorten(call.path)} is no link of a chain that is read: allowed are the links before and "
            "behind it by themselves, as no normalisation, pooling or dense layer is read; these are: "
            f"{', '.join(sorted(known))}"
        )
    if call.prefix not in LINK_PREFIXES:
        raise call.error(f"{shorten(call.path)}: allowed in a chain of Keras is keras.layers.{call.name}")
    if call.name in STEPS:
        return read_step(call)
    if call.name in SEPARABLE:
        return read_separable(call)
    reading = read(call)
    behind: tuple[Step, ...] = () if reading.activation is None else (FUNCTIONS[reading.activation],)
    first = reading.framework.endswith(CHANNELS_FIRST)
    parts: tuple[Reading | Step, ...] = (replace(reading, activation=None), *behind)
    return Link(reading.layer, parts, reading.arguments["dtype"], reading.notes, first=first)


def sequence(layers: Sequence[Layer | Name]) -> Layer:
    """Return the layer that applies others in turn."""
    return Layer("keras.Sequential", (list(layers),))


def part_of(chain: Layer | Script) -> Layer | Script:
    """Return the one convolution in a Sequential of paddings and crops around it; of all else the whole."""
    if isinstance(chain, Script):
        return chain.core or chain
    if chain.path != "keras.Sequential":
        return chain
    (layers,) = chain.positional
    others = [each for each in layers if each.path.removeprefix("keras.layers.") not in _AROUND]
    return others[0] if len(others) == 1 else chain
