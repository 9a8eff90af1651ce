"""Layers of ``flax.linen`` and ``flax.nnx`` as people write them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from convmm.geometry import LARGEST, GeometryError, check_int, check_ints, shorten, shown
from parity.frameworks.code.expression import Bound, Call
from parity.frameworks.code.layer import Layer, Name, layer
from parity.frameworks.code.reading import Reading
from parity.frameworks.jax.flax.layers import (
    FROM_FLIPPED,
    MODES,
    TO_FLIPPED,
    Abstract,
    from_stretched,
    named_pads,
    to_stretched,
)
from parity.frameworks.jax.read import UNFLIPPED, convolution_padding, transposed_padding

_LAST = ("use_bias", "mask", "dtype", "param_dtype", "precision", "kernel_init", "bias_init")
_CONV = ("strides", "padding", "input_dilation", "kernel_dilation", "feature_group_count", *_LAST)
_CONV_TRANSPOSE = ("strides", "padding", "kernel_dilation", *_LAST)
_NNX = ("kernel_metadata", "bias_metadata", "rngs")
_END = ("promote_dtype", "preferred_element_type")

_NAMES = {
    ("linen", "Conv"): ("features", "kernel_size", *_CONV, *_END, "name", "parent"),
    ("linen", "ConvTranspose"): (
        *("features", "kernel_size", *_CONV_TRANSPOSE, "transpose_kernel"),
        *(*_END, "name", "parent"),
    ),
    ("nnx", "Conv"): ("in_features", "out_features", "kernel_size", *_CONV, *_END, *_NNX),
    ("nnx", "ConvTranspose"): (
        *("in_features", "out_features", "kernel_size", *_CONV_TRANSPOSE, "transpose_kernel"),
        *(*_END, *_NNX),
    ),
}

CLASSES = {"Conv": "", "ConvTranspose": ""}
"""The layers that are read; how many axes they have ``kernel_size`` says."""

PREFIXES = ("", "nn", "linen", "flax.linen", "nnx", "flax.nnx")

_BY_PLACE = 4
"""Arguments of nnx that may have no name."""

_DROPPED = ("precision", "kernel_init", "bias_init", "kernel_metadata", "bias_metadata", "name", "parent")
"""What is not translated, and does not change what is computed with given weights."""

_REFUSED = ("mask", "promote_dtype", "preferred_element_type")

_DTYPES = (None, "float16", "bfloat16", "float32", "float64")


def read(call: Call) -> Reading:
    """Read the layer that a call makes; of no prefix, or of "nn", it is linen's.

    Raises:
        ExpressionError: an argument that is not the layer's, out of its range, or out of this tool's reach.
    """
    if call.prefix not in PREFIXES:
        allowed = f"nn.{call.name}, flax.linen.{call.name} and flax.nnx.{call.name}"
        raise call.error(f"{shorten(call.path)}: allowed are {allowed}")
    if call.kernel_shape is not None:
        given = ",".join(map(str, call.kernel_shape))
        raise call.error(f"kernel_shape={given}: allowed beside an expression that does not carry it")
    module = "nnx" if call.prefix in {"nnx", "flax.nnx"} else "linen"
    typed = call.bind(_NAMES[module, call.name], arrays=("rngs", "kernel_init", "bias_init"))
    if module == "nnx" and len([each for each in call.arguments if each.name is None]) > _BY_PLACE:
        raise call.error(
            f"nnx.{call.name} takes {_BY_PLACE} arguments without a name", call.arguments[_BY_PLACE]
        )
    for name in _REFUSED:
        typed.choice(name, (None,), None)
    rank, bound = _spread(typed)
    arguments: dict[str, Any] = {
        "filters": bound.number("features" if module == "linen" else "out_features", minimum=0),
        "kernel": bound.numbers("kernel_size", rank),
        "stride": bound.numbers("strides", rank, default=1),
        "dilation": bound.numbers("kernel_dilation", rank, default=1),
        "bias": bound.flag("use_bias", default=True),
        "dtype": bound.choice("dtype", _DTYPES, None)
        or bound.choice("param_dtype", _DTYPES, None)
        or "float32",
    }
    named = typed.value("padding")
    if isinstance(named, str) and named in MODES:
        arguments["padding_mode"] = MODES[named]
    channels = bound.number("in_features", minimum=0) if module == "nnx" else None
    make = _convolution if call.name == "Conv" else _transposed
    reading = make(bound, rank, Reading("flax", "", channels, arguments, _layer(typed, module)))
    return replace(reading, notes=(*reading.notes, *_notes(typed, rank)))


def read_arguments(module: str, name: str) -> tuple[str, ...]:
    """Return the arguments that are read of a layer, without those that change nothing it computes."""
    return tuple(each for each in _NAMES[module, name] if each not in {*_DROPPED, "rngs"})


def _dtype(bound: Bound) -> str:
    """Return the dtype of the computation: by itself the parameters'."""
    found = (bound.choice(name, _DTYPES, None) for name in ("dtype", "param_dtype"))
    return next((str(each) for each in found if each), "float32")


def _convolution(bound: Bound, rank: int, reading: Reading) -> Reading:
    arguments, groups = reading.arguments, bound.number("feature_group_count", 1)
    stretched = bound.numbers("input_dilation", rank, default=1)
    arguments["groups"] = groups
    if set(stretched) == {1}:
        arguments["padding"] = convolution_padding(bound, arguments, "SAME")
        return replace(reading, op=f"conv{rank}d")
    if set(arguments["stride"]) != {1} or isinstance(bound.value("padding", "SAME"), str):
        raise bound.refuse(
            "input_dilation", "input_dilation: read at strides 1 and with a padding in numbers"
        )
    arguments["stride"] = stretched
    notes = transposed_padding(bound, arguments)
    notes.append("Conv with input_dilation is a transposed layer with the kernel flipped")
    return replace(
        reading,
        op=f"conv_transpose{rank}d",
        notes=tuple(notes),
        to_convmm=from_stretched(groups),
        from_convmm=to_stretched(groups),
    )


def _transposed(bound: Bound, rank: int, reading: Reading) -> Reading:
    notes = transposed_padding(bound, reading.arguments, default="SAME")
    reading = replace(reading, op=f"conv_transpose{rank}d", notes=tuple(notes))
    if bound.flag("transpose_kernel", default=False):
        return reading
    notes.append(UNFLIPPED.format(what="ConvTranspose"))
    return replace(reading, notes=tuple(notes), to_convmm=FROM_FLIPPED, from_convmm=TO_FLIPPED)


def _spread(bound: Bound) -> tuple[int, Bound]:
    """Return the axes, and the arguments as JAX has them: None is 1, and a padding of ints is of pairs."""
    size = bound.required("kernel_size")
    rank = len(size) if isinstance(size, tuple | list) else 1
    if not 1 <= rank <= 3:  # noqa: PLR2004 - axes
        raise bound.refuse("kernel_size", f"kernel_size={shown(size)}: allowed are 1 to 3 sizes")
    found = dict(bound.arguments)
    for name in ("strides", "kernel_dilation", "input_dilation"):
        if bound.value(name) is None:
            found.pop(name, None)
    value = bound.value("padding", "SAME")
    filled = isinstance(value, str) and value in MODES
    if filled and bound.call.name != "Conv":
        raise bound.refuse("padding", f"padding={value!r}: read is that of Conv, and of others with zeros")
    if filled:
        steps = bound.numbers("kernel_dilation", rank) if "kernel_dilation" in found else (1,) * rank
        value = named_pads(bound.numbers("kernel_size", rank), steps)
        found["padding"] = replace(found["padding"], value=value)
    elif value == "CAUSAL":
        if rank > 1 or bound.call.name != "Conv":
            raise bound.refuse("padding", "padding='CAUSAL': allowed for Conv with one axis")
        steps = bound.numbers("kernel_dilation", 1, default=1) if "kernel_dilation" in found else (1,)
        value = (((bound.numbers("kernel_size", 1)[0] - 1) * steps[0], 0),)
        found["padding"] = replace(found["padding"], value=value)
    elif not isinstance(value, str):
        found["padding"] = replace(found["padding"], value=_pairs(bound, value, rank))
    return rank, replace(bound, arguments=found)


def _pairs(bound: Bound, value: Any, rank: int) -> tuple[tuple[int, int], ...]:
    """Return a padding of an int, or of ints and pairs, as pairs."""
    each = value if isinstance(value, tuple | list) and len(value) == rank else [value] * rank
    try:
        return tuple(_pair(one) for one in each)
    except GeometryError as error:
        raise bound.refuse("padding", str(error)) from None


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, tuple | list):
        before, after = check_ints("padding", value, 2, minimum=-LARGEST)
        return before, after
    both = check_int("padding", value, minimum=-LARGEST)
    return both, both


def _layer(bound: Bound, module: str) -> Layer:
    """Return the layer as it was typed, without what changes nothing, and with names that can be imported."""
    given = {name: each.value for name, each in bound.arguments.items() if name not in _DROPPED}
    for name in ("dtype", "param_dtype"):
        if isinstance(given.get(name), Name):
            given[name] = Name(f"jax.numpy.{bound.named(name)}")
    if module == "linen":
        return layer(f"flax.linen:{bound.call.name}", **given)
    given["rngs"] = layer("flax.nnx:Rngs", 0)
    return Abstract(f"flax.nnx:{bound.call.name}", (), tuple(given.items()))


def _notes(bound: Bound, rank: int) -> list[str]:
    dropped = [name for name in _DROPPED if bound.value(name) is not None]
    notes = [
        f"{name} is left out: it does not change what the layer computes with given weights"
        for name in dropped
    ]
    size = bound.value("kernel_size")
    if rank == 1 and not isinstance(size, tuple | list):
        notes.append(f"kernel_size={size} is of one spatial axis to Flax: ({size}, {size}) is of two")
    return notes
