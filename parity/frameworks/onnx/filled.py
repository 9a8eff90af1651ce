"""A Conv behind a Pad, which puts elements of the input around it: Conv itself pads with zeros."""

from __future__ import annotations

from parity.cases.case import Case
from parity.frameworks.code.layer import layer
from parity.frameworks.code.script import Script
from parity.frameworks.filled import NUMPYS, behind_padding
from parity.frameworks.onnx.padding import by_pads
from parity.frameworks.onnx.spelling import MAKE_NODE, node
from parity.frameworks.spelling import Refusal, Spelling

_PADS_AS_INPUT, _HAS_WRAP = 11, 19
"""The versions of the operators since which a Pad's widths are its input, and since which it has "wrap"."""


def why_no_pad(case: Case, opset: int) -> str | None:
    """Return that no Pad of this version of the operators does what the case's padding mode says, or None."""
    if case.padding_mode == "circular" and opset < _HAS_WRAP:
        return f"Conv pads with zeros alone, and Pad wraps in opset {_HAS_WRAP} first, not in {opset}"
    return None


def reflects_too_much(case: Case) -> bool:
    """Return whether more elements are reflected at an end of an axis than it has beside the one there.

    ONNX's rules do not say what comes then: some engines go on as ``numpy.pad`` does, and others refuse it.
    """
    pads = zip(case.input[2:], case.explicit["padding"], strict=True)
    return case.padding_mode == "reflect" and any(max(pair) and max(pair) >= size for size, pair in pads)


def behind_pad(case: Case, opset: int, refusal: Refusal | None) -> Spelling:
    """Return the nodes, and what the engine refuses of them."""
    inside = behind_padding(case)
    pairs = ((0, 0), (0, 0), *case.explicit["padding"])
    widths = [before for before, _ in pairs] + [after for _, after in pairs]
    mode = NUMPYS[case.padding_mode]
    convolution = node(inside, by_pads(inside), "padded")
    if opset < _PADS_AS_INPUT:
        nodes = [layer(MAKE_NODE, "Pad", ["x"], ["padded"], mode=mode, pads=widths), convolution]
    else:
        constant = layer(MAKE_NODE, "Constant", [], ["pads"], value_ints=widths)
        nodes = [constant, layer(MAKE_NODE, "Pad", ["x", "pads"], ["padded"], mode=mode), convolution]
    lines = "".join(f"    {each!r},\n" for each in nodes)
    return Spelling("exact", Script(("onnx.helper",), f"layer = [\n{lines}]"), case, refusal, inside=inside)
