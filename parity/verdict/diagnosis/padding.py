"""Mistakes in what padding and output padding hold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from parity.cases.arrays import Array
from parity.cases.case import ZEROS, Case
from parity.cases.notation import Pads, format_axes
from parity.verdict.diagnosis.choices import choices, in_order, other_orders
from parity.verdict.diagnosis.geometries import geometries
from parity.verdict.diagnosis.suspect import Output
from parity.verdict.reference import Reference, along_channels

_LEAST_ROOM = {"constant": -math.inf, "edge": -math.inf, "reflect": 1, "symmetric": 0, "wrap": 0}
"""Ways of ``np.pad`` to fill, and how many elements more than the padding the input has at least."""

_OF_MODES = {ZEROS: "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""The way of ``np.pad`` that each padding mode is."""


def of_other_values(result: Array, reference: Reference) -> Iterator[Output]:
    """Try padding that holds other values, on some axes or all, or as much as another axis has."""
    if reference.case.transposed:
        return
    x, own = reference.arrays.x, _OF_MODES[reference.case.padding_mode]
    for pads, chosen, text in _fillings(reference.case):
        sizes = tuple(size + sum(pad) for size, pad in zip(x.shape[2:], pads, strict=True))
        room = min(x.shape[2 + axis] - max(pads[axis]) for axis in chosen)
        for mode in (mode for mode, least in _LEAST_ROOM.items() if room >= least and mode != own):
            rest = [(0, 0) if axis in chosen else pad for axis, pad in enumerate(pads)]
            filled = [pad if axis in chosen else (0, 0) for axis, pad in enumerate(pads)]
            arrays = reference.arrays._replace(x=_padded(_padded(x, filled, mode), rest, own))
            for geometry in geometries(result, reference, input=sizes, before=(0,) * len(sizes)):
                values = f"{_named(mode)}, not {_named(own)}"
                yield Output(text.format(values), reference.compute(arrays, geometry))


def _padded(x: Array, pads: Sequence[tuple[int, int]], mode: str) -> Array:
    """Fill padding of (N, C, *spatial) in a way of ``np.pad``."""
    whole: Array = np.pad(x, [(0, 0), (0, 0), *pads], mode=mode)  # type: ignore[call-overload] # it is one
    return whole


def _named(mode: str) -> str:
    return ZEROS if mode == "constant" else f"{mode} values"


def _fillings(case: Case) -> Iterator[tuple[Pads, tuple[int, ...], str]]:
    """Yield pads, the axes on which they are filled, and a text in which to name the values."""
    own = tuple((axis.before, max(axis.after, 0)) for axis in case.geometry.axes)
    padded = [axis for axis, pad in enumerate(own) if any(pad)]
    for chosen in choices(padded):
        where = "" if len(chosen) == len(padded) else f" on {format_axes(chosen)}"
        yield own, chosen, f"the padding {own} holds {{}}{where}"
    pads = case.explicit["padding"]
    others = dict.fromkeys(in_order(pads, order) for order in other_orders(case.rank))
    for other in others:
        if other != pads:
            chosen = tuple(axis for axis, pad in enumerate(other) if any(pad))
            yield other, chosen, f"the padding is {other}, for {pads}, and holds {{}}"


def zeros_for_output_padding(_result: Array, reference: Reference) -> Iterator[Output]:
    """Try output padding of zeros, after the output."""
    yield from _zeros_added(reference, after=True)


def zeros_before_the_output(_result: Array, reference: Reference) -> Iterator[Output]:
    """Try output padding of zeros, before the output."""
    yield from _zeros_added(reference, after=False)


def _zeros_added(reference: Reference, *, after: bool) -> Iterator[Output]:
    """Try the output without its output padding, and zeros in place of it."""
    added = reference.case.explicit.get("output_padding", ())
    axes = reference.case.geometry.axes
    if not any(added) or any(q > axis.fine for axis, q in zip(axes, added, strict=True)):
        return
    short = [replace(axis, fine=axis.fine - q) for axis, q in zip(axes, added, strict=True)]
    geometry = replace(reference.case.geometry, axes=tuple(short))
    pads = [(0, 0), (0, 0), *((0, q) if after else (q, 0) for q in added)]
    text = f"the output padding {added} is zeros {'after' if after else 'before'} the output"
    yield Output(text, np.pad(reference.compute(geometry=geometry), pads))
    bias = reference.arrays.bias
    if bias is not None:
        y = np.pad(reference.compute(reference.arrays._replace(bias=None), geometry), pads)
        yield Output(f"{text}, with the bias", y + along_channels(bias, len(axes)))
