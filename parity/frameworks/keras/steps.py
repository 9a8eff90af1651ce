"""The layers of ``keras.layers`` without weights: what each does, read and written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from convmm.geometry import GeometryError, check_ints, shown
from parity.frameworks.code.activations import Argument, Form, activation, number, written
from parity.frameworks.code.chain import Link, Written
from parity.frameworks.code.expression import Bound, Call
from parity.frameworks.code.layer import layer
from parity.frameworks.code.steps import (
    Activation,
    Fold,
    Identity,
    Pad,
    PixelShuffle,
    PixelUnshuffle,
    Shape,
    Softmax,
    Step,
    Unfold,
    Upsample,
)
from parity.frameworks.keras.exact import around
from parity.frameworks.keras.filled import pad_class, pad_layer
from parity.frameworks.keras.functions import FUNCTIONS
from parity.frameworks.keras.registered import (
    elementwise,
    registered,
)
from parity.frameworks.keras.rules import CHANNELS_FIRST, CHANNELS_LAST
from parity.frameworks.spelling import Unsupported

_FORMS = {
    "LeakyReLU": Form("leaky_relu", (Argument("negative_slope", 0.3, "negative_slope"),)),
    "ELU": Form("elu", (Argument("alpha", 1.0, "alpha"),)),
}

_OPS = {
    "clip": ("clip", {"low": "x_min", "high": "x_max"}),
    "gelu": ("gelu", {"approximate": "approximate"}),
    "celu": ("celu", {"alpha": "alpha"}),
    "soft_shrink": ("soft_shrink", {"threshold": "threshold"}),
    "hard_shrink": ("hard_shrink", {"threshold": "threshold"}),
}
"""The function of keras.ops, and what it calls the parameters, where no layer takes them."""

_COMMON = ("name", "dtype", "trainable")
_PADS = {f"ZeroPadding{rank}D": (rank, "padding") for rank in (1, 2, 3)} | {
    f"Cropping{rank}D": (rank, "cropping") for rank in (1, 2, 3)
}
_UPS = {f"UpSampling{rank}D": rank for rank in (1, 2, 3)}
_DROPPED = {
    "Dropout": ("rate", "noise_shape", "seed"),
    **{f"SpatialDropout{rank}D": ("rate", "data_format", "seed") for rank in (1, 2, 3)},
    "AlphaDropout": ("rate", "noise_shape", "seed"),
    "GaussianDropout": ("rate", "seed"),
    "GaussianNoise": ("stddev", "seed"),
    "ActivityRegularization": ("l1", "l2"),
}
_IN_ANY_ORDER = (*_FORMS, "ReLU", "Softmax", "Activation", "Identity")
_INPUTS = ("Input", "InputLayer")
_INPUT_NAMES = ("shape", "batch_size", "dtype", "sparse", "batch_shape", "name", "input_shape")


def _first(bound: Bound) -> bool | None:
    if bound.call.name in _IN_ANY_ORDER:
        return None
    return bool(bound.choice("data_format", (None, CHANNELS_LAST, CHANNELS_FIRST), None) == CHANNELS_FIRST)


def _relu(_name: str, bound: Bound) -> Activation:
    slope, threshold = number(bound, "negative_slope", 0.0), number(bound, "threshold", 0.0)
    most = None if bound.value("max_value") is None else number(bound, "max_value", 0.0)
    for name, value in (("threshold", threshold), ("negative_slope", slope if most is not None else 0.0)):
        if value:
            raise bound.refuse(name, f"{name}={value}: this ReLU has no twin; allowed is 0")
    if most is not None:
        return activation("clip", low=0.0, high=most)
    return activation("leaky_relu", negative_slope=slope) if slope else activation("relu")


def _pad(name: str, bound: Bound) -> Pad:
    rank, argument = _PADS[name]
    crop = argument == "cropping"
    default = 0 if name == "Cropping2D" else 1
    given = bound.value(argument, default)
    pairs = _pairs(given, rank)
    if pairs is None:
        raise bound.refuse(
            argument,
            f"{argument}={shown(given)}: allowed are an int"
            + (" or a pair" if rank == 1 else f", {rank} ints, or {rank} pairs, for the axes in order")
            + ", none of them negative",
        )
    return Pad(tuple((-a, -b) for a, b in pairs) if crop else pairs)


def _pairs(given: Any, rank: int) -> tuple[tuple[int, int], ...] | None:
    """Return (before, after) for each axis, or None for what Keras does not take."""
    if isinstance(given, int) and not isinstance(given, bool):
        given = (given,) * 2 if rank == 1 else ((given,) * 2,) * rank
    if rank == 1:
        given = (given,)
    if not isinstance(given, tuple | list) or len(given) != rank:
        return None
    try:
        pairs = [check_ints("pair", each, 2, minimum=0) for each in given]
    except GeometryError:
        return None
    return tuple((before, after) for before, after in pairs)


def _input(call: Call) -> Link:
    bound = call.bind(_INPUT_NAMES)
    whole = bound.value("batch_shape")
    given = bound.value("shape", bound.value("input_shape"))  # as older releases call it
    shape = whole[1:] if given is None and isinstance(whole, tuple | list) else given
    sizes = tuple(shape) if isinstance(shape, tuple | list) else None
    if not sizes or not all(size is None or (type(size) is int and size > 0) for size in sizes):
        raise call.error(f"shape={shown(shape)}: allowed are sizes, or None for any, the channels last")
    return Link(None, (), shape=sizes)


def _form(name: str, bound: Bound) -> Step:
    return _FORMS[name].read(bound)


def _upsample(name: str, bound: Bound) -> Step:
    smooth = bound.choice("interpolation", ("nearest", "bilinear"), "nearest") == "bilinear"
    return Upsample(bound.numbers("size", _UPS[name], default=2), "linear" if smooth else "nearest")


def _softmax(_name: str, bound: Bound) -> Step:
    axis = bound.value("axis", -1)
    if isinstance(axis, bool) or not isinstance(axis, int):
        raise bound.refuse("axis", f"axis={shown(axis)}: allowed is the number of an axis")
    return Softmax(axis, channels_last=True)


def _activation(_name: str, bound: Bound) -> Step:
    bound.required("activation")
    return FUNCTIONS[bound.choice("activation", tuple(FUNCTIONS), None)]


def _identity(_name: str, _bound: Bound) -> Step:
    return Identity()


_READ: dict[str, tuple[tuple[str, ...], Callable[[str, Bound], Step]]] = {
    **{name: (form.names, _form) for name, form in _FORMS.items()},
    **{name: ((argument, "data_format"), _pad) for name, (_, argument) in _PADS.items()},
    "Cropping1D": (("cropping",), _pad),
    "UpSampling1D": (("size",), _upsample),
    "UpSampling2D": (("size", "data_format", "interpolation"), _upsample),
    "UpSampling3D": (("size", "data_format"), _upsample),
    "ReLU": (("max_value", "negative_slope", "threshold"), _relu),
    "Softmax": (("axis",), _softmax),
    "Activation": (("activation",), _activation),
    "Identity": ((), _identity),
}
"""The arguments of each class beside those of all, and what reads them."""

LINKS = frozenset((*_READ, *_DROPPED, *_INPUTS))
"""The classes that are read."""


def read_step(call: Call) -> Link:
    """Read the layer that a call makes; its name is one of :data:`LINKS`.

    Raises:
        ExpressionError: an argument that is not the layer's, out of its range, or out of this tool's reach.
    """
    name = call.name
    if name in _INPUTS:
        return _input(call)
    if name in _DROPPED:
        call.bind((*_DROPPED[name], *_COMMON))
        note = f"{name} is left out, of the proof too: in inference it does nothing"
        return Link(None, (), notes=(note,))
    names, read = _READ[name]
    bound = call.bind((*names, *_COMMON))
    dtype = bound.choice("dtype", (None, "float16", "bfloat16", "float32", "float64"), None) or "float32"
    kept = {key: each for key, each in bound.arguments.items() if key not in {"name", "trainable"}}
    texts = {key: bound.named(key) for key in ("activation", "dtype", "data_format", "interpolation")}
    typed = replace(bound, arguments=kept).layer("keras.layers", **texts)
    return Link(typed, (read(name, bound),), dtype, first=_first(bound))


def write_step(step: Step, shape: Shape, dtype: str, data_format: str) -> Written | Unsupported:
    """Return a step as Keras's layers, for an input of a shape (N, C, *spatial)."""
    return _WRITE[type(step)](step, shape, dtype, data_format)


def _written_softmax(step: Softmax, shape: Shape, dtype: str, data_format: str) -> Written:
    axis = step.place(shape, channels_last=data_format == CHANNELS_LAST)
    if step.log:
        return elementwise("log_softmax", {"axis": axis}, dtype)
    return Written((layer("keras.layers.Softmax", axis=axis, dtype=dtype),))


def _written_pad(step: Pad, shape: Shape, dtype: str, data_format: str) -> Written | Unsupported:
    if step.mode != "constant":
        filling = pad_layer(step.mode, step.pads, dtype, data_format)
        return Written((filling,), (pad_class(step.mode),), ("keras",))
    if step.value:
        return _registered(step, shape, dtype, data_format)
    crops, zeros = step.cropped, step.added
    cropping = around("Cropping", step.rank, crops, dtype, data_format) if _any(crops) else []
    padding = around("ZeroPadding", step.rank, zeros, dtype, data_format) if _any(zeros) else []
    return Written((*cropping, *padding) or (layer("keras.layers.Identity", dtype=dtype),))


def _written_identity(_step: Identity, _shape: Shape, dtype: str, _data_format: str) -> Written:
    return Written((layer("keras.layers.Identity", dtype=dtype),))


def _registered(step: Step, _shape: Shape, dtype: str, data_format: str) -> Written | Unsupported:
    if data_format == CHANNELS_FIRST:
        return Unsupported("it is written for channels last only")
    return registered(step, dtype)


def _any(pairs: tuple[tuple[int, int], ...]) -> bool:
    return any(amount for pair in pairs for amount in pair)


def _written_activation(
    step: Activation, _shape: Shape, dtype: str, _data_format: str
) -> Written | Unsupported:
    parameters = dict(step.parameters)
    if step == FUNCTIONS["relu"]:
        return Written((layer("keras.layers.ReLU", dtype=dtype),))
    own = written(_FORMS, "keras.layers", step)
    if own is not None:
        return Written((replace(own, keywords=(*own.keywords, ("dtype", dtype))),))
    if step.name == "clip" and parameters["low"] == 0:
        return Written((layer("keras.layers.ReLU", max_value=parameters["high"], dtype=dtype),))
    text = next((name for name, each in FUNCTIONS.items() if each == step), None)
    if text is not None:
        return Written((layer("keras.layers.Activation", text, dtype=dtype),))
    if step.name not in _OPS:
        return Unsupported("Keras has no such layer")
    name, words = _OPS[step.name]
    return elementwise(name, {words[each]: value for each, value in step.parameters}, dtype)


def _written_upsample(step: Upsample, shape: Shape, dtype: str, data_format: str) -> Written | Unsupported:
    rank = len(shape) - 2
    factors = step.on(rank)
    if step.mode != "nearest" and rank != 2:  # noqa: PLR2004 - axes
        return Unsupported(f"Keras's UpSampling{rank}D repeats elements and has no other interpolation")
    if rank == 1:
        if data_format == CHANNELS_FIRST:
            return Unsupported("Keras's UpSampling1D takes channels last only")
        return Written((layer("keras.layers.UpSampling1D", factors[0], dtype=dtype),))
    more = {} if step.mode == "nearest" else {"interpolation": "bilinear"}
    path = f"keras.layers.UpSampling{rank}D"
    return Written((layer(path, factors, data_format=data_format, **more, dtype=dtype),))


_WRITE: dict[type[Step], Callable[..., Written | Unsupported]] = {
    Activation: _written_activation,
    Softmax: _written_softmax,
    Pad: _written_pad,
    Upsample: _written_upsample,
    Identity: _written_identity,
    **dict.fromkeys((PixelShuffle, PixelUnshuffle, Unfold, Fold), _registered),
}
"""What writes each kind of step."""
