"""A torch layer and the zero-padding beside it that compute a case which no layer alone means."""

from __future__ import annotations

from dataclasses import replace

from parity.cases.case import ZEROS, Case
from parity.cases.notation import Pads
from parity.frameworks.code.layer import Layer, layer
from parity.frameworks.code.script import Script
from parity.frameworks.spelling import Spelling
from parity.frameworks.torch.fillings import fillings
from parity.frameworks.torch.rules import refusal, torch_layer

_SAME_PAD = """\
class SamePad(torch.nn.Module):
    def __init__(self, extent, stride):
        super().__init__()
        self.axes = list(zip(extent, stride))

    def forward(self, x):
        pads = []
        for size, (extent, stride) in zip(x.shape[2:], self.axes):
            total = max((-(-size // stride) - 1) * stride + extent - size, 0)
            pads = [total // 2, total - total // 2, *pads]
        return torch.nn.functional.pad(x, pads{mode})


layer = torch.nn.Sequential(SamePad({extents}, {strides}), {module!r})"""


def exact(case: Case, *, any_size: bool = False) -> list[Spelling]:
    """Return a layer with what its padding cannot do in a ZeroPad beside it, whose negative pads crop.

    With ``any_size`` it holds for inputs of any size, and not only for the case's.
    """
    if 0 in case.output_shape[2:]:
        return []
    if any_size and case.padding == "same" and not case.transposed:
        return [_with_computed_pads(case)]
    if case.filled_with != ZEROS:
        return [_with_filled_pads(case, any_size=any_size)]
    if case.transposed:
        pads = tuple((axis.before, max(axis.after, 0)) for axis in case.geometry.axes)
        added = tuple(max(-axis.after, 0) for axis in case.geometry.axes)
    else:
        pads, added = case.explicit["padding"], ()
    shared = tuple(min(pad) for pad in pads)
    module = torch_layer(case, shared, added)
    rest = [pad - p for pair, p in zip(reversed(pads), reversed(shared), strict=True) for pad in pair]
    outside = layer(f"torch.nn.ZeroPad{case.rank}d", tuple(-pad if case.transposed else pad for pad in rest))
    stack = (module, outside) if case.transposed else (outside, module)
    padded = zip(case.input[2:], pads, shared, strict=True)
    sizes = [size if case.transposed else size + sum(pair) - 2 * p for size, pair, p in padded]
    whole = layer("torch.nn.Sequential", *stack) if any(rest) else module
    inside = replace(
        case,
        input=(*case.input[:2], *sizes),
        padding=tuple((pad, pad) for pad in shared),
        output_padding=added or None,
    )
    return [Spelling("exact", whole, meaning=case, refusal=refusal(case, sizes), inside=inside)]


def _with_filled_pads(case: Case, *, any_size: bool) -> Spelling:
    """Return a layer without padding behind layers that pad, by more before an axis than after it, too."""
    pads = case.explicit["padding"]
    sizes = [size + sum(pair) for size, pair in zip(case.input[2:], pads, strict=True)]
    none = ((0, 0),) * case.rank
    inside = replace(case, input=(*case.input[:2], *sizes), padding=none, padding_mode=ZEROS)
    stages = [(case.padding_mode, pads)] if any_size else fillings(case.padding_mode, case.input[2:], pads)
    outside = [_filling(mode, pairs) for mode, pairs in stages]
    whole = layer("torch.nn.Sequential", *outside, torch_layer(inside, (0,) * case.rank, ()))
    refused = refusal(case if any_size else replace(inside, padding_mode=case.padding_mode), case.input[2:])
    return Spelling("exact", whole, meaning=case, refusal=refused, inside=inside)


def _filling(mode: str, pads: Pads) -> Layer:
    """Return the layer that pads; torch takes the last axis first."""
    name = f"torch.nn.{_FILLS[mode]}Pad{len(pads)}d"
    return layer(name, tuple(pad for pair in reversed(pads) for pad in pair))


_FILLS = {"reflect": "Reflection", "replicate": "Replication", "circular": "Circular"}
"""What the classes of torch.nn that fill padding by a mode begin with."""


def _with_computed_pads(case: Case) -> Spelling:
    extents = tuple(axis.extent for axis in case.geometry.axes)
    module = torch_layer(replace(case, padding_mode=ZEROS), (0,) * case.rank, ())
    mode = "" if case.padding_mode == ZEROS else f", mode={case.padding_mode!r}"
    text = _SAME_PAD.format(extents=extents, strides=case.stride, module=module, mode=mode)
    refused = refusal(case, case.input[2:]) if mode else None
    return Spelling("exact", Script(("torch",), text), meaning=case, refusal=refused)
