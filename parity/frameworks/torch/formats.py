"""The route "channels_last": modules and tensors whose channels lie last in memory, in the same shapes."""

from __future__ import annotations

from dataclasses import replace

from parity.cases.case import Case
from parity.frameworks.code.layer import Layer, Method, Name
from parity.frameworks.code.script import Script
from parity.frameworks.spelling import Spelling

CHANNELS_LAST = "channels_last"

_BY_AXES = {2: "channels_last", 3: "channels_last_3d"}
"""PyTorch's memory format of inputs with so many spatial axes."""

GIVEN_CHANNELS_LAST = (
    ".to(memory_format=torch.channels_last if x.ndim == 4 else torch.channels_last_3d)"  # of tensors
)


def format_of(axes: int) -> str | None:
    """Return the name that torch has for the format with so many spatial axes, or None."""
    return _BY_AXES.get(axes)


def why_no_format(case: Case) -> str | None:
    """Return why the case's layers have no such format, or None."""
    if format_of(case.rank) is not None:
        return None
    return "torch has the memory formats channels_last for two spatial axes and channels_last_3d for three"


def in_format(spelling: Spelling, case: Case) -> Spelling:
    """Return the spelling with its module in the format."""
    return moved(spelling, memory_format=Name(f"torch.{format_of(case.rank)}"))


def moved(spelling: Spelling, **to: object) -> Spelling:
    """Return the spelling with its module moved by ``to``, with this argument."""
    layer = spelling.layer
    if isinstance(layer, Layer):
        return replace(spelling, layer=Method("to", keywords=tuple(to.items()), of=layer))
    arguments = ", ".join(f"{name}={value!r}" for name, value in to.items())
    statement = f"layer = layer.to({arguments})"
    return replace(spelling, layer=Script(layer.imports, f"{layer.statements}\n{statement}"))
