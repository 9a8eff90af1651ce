"""Keras's layers written as functions of ``keras.ops``, channels last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from parity.frameworks.code.function import BIAS, INPUT, KERNEL, Function
from parity.frameworks.code.layer import Layer
from parity.frameworks.code.script import Script
from parity.frameworks.keras.exact import exact
from parity.frameworks.spelling import Refusal, Spelling

_MODULE = "keras.ops"

_LAYERS = {
    f"keras.layers.Conv{rank}D{suffix}": op
    for suffix, op in (("", "conv"), ("Transpose", "conv_transpose"))
    for rank in (1, 2, 3)
}

_SHARED = ("strides", "padding", "output_padding", "data_format", "dilation_rate")
"""Arguments of a layer that its function has, too."""

_AROUND = ("keras.layers.ZeroPadding", "keras.layers.Cropping")
"""What may stand around a layer."""

_ERRORS = ("ValueError", "InvalidArgumentError", "UnimplementedError", "RuntimeError", "AbortedError")
"""What the backend raises where a layer would have refused before."""


def function(
    name: str, keywords: Mapping[str, object], *, has_bias: bool, given: str = INPUT, kernel: str = KERNEL
) -> Function:
    """Return the function of this name with these arguments, called on these expressions of its arrays."""
    arguments = [given, kernel, *(f"{name}={value!r}" for name, value in keywords.items())]
    path = f"{_MODULE}.{name}"
    added = f" + {BIAS}" if has_bias else ""
    return Function(path, body=f"{path}({', '.join(arguments)}){added}", has_bias=has_bias)


def as_function(spelling: Spelling) -> Spelling | None:
    """Return a spelling with the function of its layer, and of what is around that; or None.

    There is none of a layer that computes by another function, or has something else than zeros and crops
    around it. The checks of a layer's arguments are not those of its function, which may compute what it
    refuses.
    """
    refusal = spelling.refusal
    if refusal is not None:
        errors = tuple(dict.fromkeys((*refusal.errors, *_ERRORS)))
        refusal = Refusal(refusal.reason, errors, certain=False)
    if isinstance(spelling.layer, Script):
        return _grouped(replace(spelling, refusal=refusal))
    if not all(each.path in _LAYERS or each.path.startswith(_AROUND) for each in _stack(spelling.layer)):
        return None
    made = _written(spelling.layer, INPUT, KERNEL, has_bias=spelling.meaning.bias)
    return replace(spelling, layer=made, refusal=refusal)


def _grouped(spelling: Spelling) -> Spelling | None:
    """Return a transposed layer of groups as one function for each, of a part of the input and the kernel."""
    case = spelling.meaning
    channels = (case.input[0], case.input[1] // case.groups, *case.input[2:])
    one = replace(case, input=channels, filters=case.filters // case.groups, groups=1)
    found = exact(one)
    if not found or isinstance(found[0].layer, Script):
        return None
    body = _written(found[0].layer, "part", "kernel", has_bias=False).body
    parts = ", ".join(f"{_MODULE}.split({each}, {case.groups}, axis=-1)" for each in (INPUT, KERNEL))
    added = f" + {BIAS}" if case.bias else ""
    whole = f"{_MODULE}.concatenate([{body} for part, kernel in zip({parts})], axis=-1){added}"
    made = Function(f"{_MODULE}.conv_transpose", body=whole, has_bias=case.bias)
    return replace(spelling, layer=made, convert=found[0].convert, convert_back=found[0].convert_back)


def _stack(layer: Layer) -> Sequence[Layer]:
    """Return a stack's layers in turn, or the one layer."""
    return layer.positional[0] if layer.path == "keras.Sequential" else [layer]


def _written(layer: Layer, given: str, kernel: str, *, has_bias: bool) -> Function:
    """Return the function of a layer, or of a stack of one layer and what is around it."""
    made = None
    for each in _stack(layer):
        if each.path in _LAYERS:
            made = _convolution(each, given, kernel, has_bias=has_bias)
        elif made is None:
            given = _padded(given, _amounts(each))
        else:
            made = replace(made, body=f"({made.body}){_crops(_amounts(each))}")
    assert made is not None  # noqa: S101 - one of them computes
    return made


def _convolution(layer: Layer, given: str, kernel: str, *, has_bias: bool) -> Function:
    written = dict(layer.keywords)
    keywords = {name: written[name] for name in _SHARED if name in written}
    if keywords["padding"] == "causal":
        (taps,), (dilation,) = written["kernel_size"], written.get("dilation_rate", (1,))
        given = _padded(given, (((taps - 1) * dilation, 0),))
        keywords["padding"] = "valid"
    return function(_LAYERS[layer.path], keywords, has_bias=has_bias, given=given, kernel=kernel)


def _amounts(layer: Layer) -> tuple[tuple[int, int], ...]:
    """Return a pair for each axis, of ZeroPadding or Cropping; those of one axis have it alone."""
    return layer.positional[0] if layer.path.endswith(("2D", "3D")) else layer.positional


def _padded(given: str, amounts: tuple[tuple[int, int], ...]) -> str:
    return f"{_MODULE}.pad({given}, {((0, 0), *amounts, (0, 0))})"


def _crops(amounts: tuple[tuple[int, int], ...]) -> str:
    slices = [f"{before or ''}:{-after or ''}" for before, after in amounts]
    return f"[:, {', '.join(slices)}]"
