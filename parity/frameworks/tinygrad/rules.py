"""What tinygrad's arguments mean, what it refuses, and the layer that a case is.

Sources: ``tinygrad/nn/__init__.py``, ``conv2d`` and ``conv_transpose2d`` in ``tinygrad/mixin/op.py``,
``_pool`` in ``tinygrad/mixin/movement.py`` (tinygrad 0.14), and runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convmm.geometry import GeometryError
from parity.cases.case import Case
from parity.frameworks.code.layer import Layer, layer
from parity.frameworks.code.script import Script
from parity.frameworks.spelling import Kind, Refusal, Spelling, windows_agree

Pads = Sequence[tuple[int, int]]

_SAME = """\
class SamePad(tinygrad.nn.Conv2d):
    def __call__(self, x):
        axes = zip(x.shape[2:], {extents}, {strides})
        totals = [max((-(-n // s) - 1) * s + extent - n, 0) for n, extent, s in axes]
        self.padding = [pad for total in reversed(totals) for pad in (total // 2, total - total // 2)]
        return super().__call__(x)


layer = SamePad{arguments}"""


def native(case: Case) -> Spelling:
    """Return the layer of the case: by the padding's name where the layer has it, else in numbers."""
    if case.padding == "same" and not case.transposed and set(case.stride) == {1}:
        return _spelling("native", _named(case), case)
    return _spelling("native", _layer(case, pads_of(case), _added(case)), case)


def lookalikes(case: Case) -> list[Spelling]:
    """Return the layer whose uneven padding is in the order of the axes, where that is another thing."""
    pads = pads_of(case)
    if case.padding == "same" or all(before == after for before, after in pads):
        return []
    try:
        meaning = case.padded(pads[::-1], _added(case) or None)
    except GeometryError:
        return []
    if windows_agree(case, meaning):
        return []
    return [_spelling("lookalike", _layer(case, pads[::-1], _added(case)), meaning)]


def exact(case: Case, *, any_size: bool) -> list[Spelling]:
    """Return a layer that computes the case, with ``any_size`` on inputs of any size."""
    if 0 in case.output_shape[2:]:
        return []
    if any_size and case.padding == "same" and not case.transposed:
        made = _layer(case, (), ())
        arguments = repr(made)[len("tinygrad.nn.Conv2d") :]
        extents = tuple(axis.extent for axis in case.geometry.axes)
        text = _SAME.format(extents=extents, strides=case.stride, arguments=arguments)
        return [_spelling("exact", Script(("tinygrad.nn",), text), case)]
    return [_spelling("exact", _layer(case, pads_of(case), _added(case)), case)]


def pads_of(case: Case) -> Pads:
    """Return the padding of each axis, before and after; of a transposed layer what it drops."""
    if not case.transposed:
        return list(case.explicit["padding"])
    pairs = [(axis.before, axis.after) for axis in case.geometry.axes]
    return [(before, after + q) for (before, after), q in zip(pairs, _added(case), strict=True)]


def _added(case: Case) -> tuple[int, ...]:
    """Return the output padding of a transposed layer: its own, or what a mode of padding makes needful."""
    if not case.transposed:
        return ()
    if case.output_padding is not None and not isinstance(case.padding, str):
        return case.output_padding
    return tuple(max(-axis.after, 0) for axis in case.geometry.axes)


def _spelling(kind: Kind, made: Layer | Script, meaning: Case) -> Spelling:
    return Spelling(kind, made, meaning, refusal(meaning))


def _named(case: Case) -> Layer:
    """Return the layer with ``padding="same"``, which takes no stride but the int 1."""
    return _with(case, stride=1, padding="same", dilation=case.dilation)


def _layer(case: Case, pads: Pads, added: tuple[int, ...]) -> Layer:
    """Return the case's layer with this padding, an uneven one last axis first, and output padding."""
    written: dict[str, Any] = {"stride": case.stride}
    if pads:
        even = all(before == after for before, after in pads)
        uneven = (pad for pair in reversed(pads) for pad in pair)
        written["padding"] = tuple(before for before, _ in pads) if even else tuple(uneven)
    if any(added):
        written["output_padding"] = added
    if set(case.dilation) != {1}:
        written["dilation"] = case.dilation
    return _with(case, **written)


def _with(case: Case, **written: Any) -> Layer:
    if case.groups > 1:
        written["groups"] = case.groups
    name = f"tinygrad.nn:Conv{'Transpose' if case.transposed else ''}2d"
    return layer(name, case.input[1], case.filters, case.kernel, **written, bias=case.bias)


def refusal(case: Case) -> Refusal | None:
    """Return what tinygrad raises for a layer of the case."""
    if not case.input[1]:
        reason = "tinygrad's layers divide by the input channels to draw their weights"
        return Refusal(reason, ("ZeroDivisionError",))
    if case.transposed and not case.filters:
        return Refusal("tinygrad takes no transposed kernel without filters", ("ZeroDivisionError",))
    pairs = zip(case.input[2:], case.stride, strict=True)
    if case.transposed and any(size == 0 and stride > 1 for size, stride in pairs):
        return Refusal("tinygrad puts no zeros between no elements", ("ValueError",))
    if 0 in case.output_shape[2:]:
        reason = "tinygrad takes no kernel larger than the padded input"
        return Refusal(reason, ("AssertionError", "ValueError"))
    if case.transposed and any(axis.before > axis.full for axis in case.geometry.axes):
        return Refusal("tinygrad takes no more elements off the input than it has", ("ValueError",))
    return None
