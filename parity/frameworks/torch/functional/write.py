"""Torch's modules written as functions of ``torch.nn.functional``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from parity.cases.case import Case
from parity.frameworks.code.function import BIAS, INPUT, KERNEL, Function
from parity.frameworks.code.layer import Layer
from parity.frameworks.code.script import Script
from parity.frameworks.spelling import Spelling

_MODULE = "torch.nn.functional"

_OPS = {
    f"torch.nn.{name}{rank}d": f"{op}{rank}d"
    for name, op in (("Conv", "conv"), ("ConvTranspose", "conv_transpose"))
    for rank in (1, 2, 3)
}

_OF_THE_ARRAYS = ("bias", "dtype", "device")
"""Arguments of a module that a function has in its arrays."""

_SAME_PADS = (
    "[pad for size, extent, stride in zip(x.shape[:1:-1], {extents}, {strides}) "
    "for total in [max((-(-size // stride) - 1) * stride + extent - size, 0)] "
    "for pad in (total // 2, total - total // 2)]"
)
"""What "same" pads an input of any size by, the last axis first."""


def function(op: str, keywords: Mapping[str, object], *, has_bias: bool, given: str = INPUT) -> Function:
    """Return the function of an operation with these arguments, called on this expression of the input."""
    arguments = [given, KERNEL, *([BIAS] if has_bias else [])]
    arguments += [f"{name}={value!r}" for name, value in keywords.items()]
    path = f"{_MODULE}.{op}"
    return Function(path, body=f"{path}({', '.join(arguments)})", has_bias=has_bias)


def as_function(spelling: Spelling) -> Spelling | None:
    """Return a spelling with the function of its module, and of what is around that; or None."""
    made = _written(spelling.layer, INPUT, has_bias=spelling.meaning.bias)
    return None if made is None else replace(spelling, layer=made)


def same_for_any_size(case: Case) -> Spelling:
    """Return a convolution padded like "same", whatever the size of its input."""
    axes = case.geometry.axes
    pads = _SAME_PADS.format(
        extents=tuple(axis.extent for axis in reversed(axes)), strides=tuple(reversed(case.stride))
    )
    keywords = {"stride": case.stride, "dilation": case.dilation, "groups": case.groups}
    keywords = {name: value for name, value in keywords.items() if value not in {1, (1,) * case.rank}}
    padded = f"{_MODULE}.pad({INPUT}, {pads})"
    return Spelling("exact", function(case.op, keywords, has_bias=case.bias, given=padded), case)


def _written(module: Layer | Script, given: str, *, has_bias: bool) -> Function | None:
    """Return the function of a module on this expression of the input; None for one that has none."""
    if isinstance(module, Script):
        return None
    stages = module.positional if module.path == "torch.nn.Sequential" else (module,)
    found: Function | None = None
    for stage in stages:
        pads = _padding_of(stage)
        if stage.path in _OPS:
            keywords = {name: value for name, value in stage.keywords if name not in _OF_THE_ARRAYS}
            mode, own = keywords.pop("padding_mode", None), keywords["padding"]
            if isinstance(own, str) and mode:
                return None
            if mode:
                keywords["padding"] = (0,) * len(own)
                given = _padded(given, tuple(pad for pad in reversed(own) for _ in range(2)), mode)
            found = function(_OPS[stage.path], keywords, has_bias=has_bias, given=given)
        elif pads is None:
            return None
        elif found is None:
            given = _padded(given, *pads)
        else:
            found = replace(found, body=_padded(found.body, *pads))
    return found


_MODES = {
    "ZeroPad": None,
    "ReflectionPad": "reflect",
    "ReplicationPad": "replicate",
    "CircularPad": "circular",
}
"""What ``pad`` fills by, of the modules that pad."""


def _padding_of(module: Layer) -> tuple[object, str | None] | None:
    """Return the pads of a padding module, the last axis first, and their mode; None for another module."""
    name = module.path.removeprefix("torch.nn.")[: -len("2d")]
    return (module.positional[0], _MODES[name]) if name in _MODES else None


def _padded(given: str, pads: object, mode: str | None) -> str:
    """Return the expression of what pads make of another one; negative ones crop."""
    return f"{_MODULE}.pad({given}, {pads!r}{f', mode={mode!r}' if mode else ''})"
