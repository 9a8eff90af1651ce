"""The layers of ``torch.nn`` without weights: what each does, read and written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from convmm.geometry import LARGEST, GeometryError, check_ints, shown
from parity.frameworks.code.activations import Argument, Form, number, written
from parity.frameworks.code.chain import Link, Written
from parity.frameworks.code.expression import Bound, Call
from parity.frameworks.code.layer import Layer, layer
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
from parity.frameworks.spelling import Unsupported

_SLOPE = Argument("negative_slope", 0.01, "negative_slope")
_ALPHA = Argument("alpha", 1.0, "alpha")
_LAMBDA = Argument("lambd", 0.5, "threshold")
_LOW, _HIGH = Argument("min_val", -1.0, "low"), Argument("max_val", 1.0, "high")
_GELU = Argument("approximate", "none", "approximate", {False: "none", True: "tanh"})
_IN_PLACE = ("inplace",)

FORMS = {
    "ReLU": Form("relu", ignored=_IN_PLACE),
    "ReLU6": Form("clip", constants={"low": 0.0, "high": 6.0}, ignored=_IN_PLACE),
    "LeakyReLU": Form("leaky_relu", (_SLOPE,), ignored=_IN_PLACE),
    "GELU": Form("gelu", (_GELU,)),
    "SiLU": Form("silu", ignored=_IN_PLACE),
    "ELU": Form("elu", (_ALPHA,), ignored=_IN_PLACE),
    "SELU": Form("selu", ignored=_IN_PLACE),
    "CELU": Form("celu", (_ALPHA,), ignored=_IN_PLACE),
    "Sigmoid": Form("sigmoid"),
    "LogSigmoid": Form("log_sigmoid"),
    "Tanh": Form("tanh"),
    "Tanhshrink": Form("tanh_shrink"),
    "Softplus": Form("softplus", (Argument("beta", 1.0), Argument("threshold", 20.0))),
    "Softsign": Form("softsign"),
    "Softshrink": Form("soft_shrink", (_LAMBDA,)),
    "Hardshrink": Form("hard_shrink", (_LAMBDA,)),
    "Hardsigmoid": Form("hard_sigmoid", ignored=_IN_PLACE),
    "Hardswish": Form("hard_silu", ignored=_IN_PLACE),
    "Hardtanh": Form("clip", (_LOW, _HIGH), ignored=_IN_PLACE),
    "Mish": Form("mish", ignored=_IN_PLACE),
}
"""The classes of functions of each element; of those that compute the same, the first is written."""

_PADS = {
    f"{name}{rank}d": (rank, mode)
    for name, mode in (
        ("ZeroPad", "constant"),
        ("ConstantPad", "constant"),
        ("ReflectionPad", "reflect"),
        ("ReplicationPad", "replicate"),
        ("CircularPad", "circular"),
    )
    for rank in (1, 2, 3)
}
_PAD_CLASSES = {"reflect": "ReflectionPad", "replicate": "ReplicationPad", "circular": "CircularPad"}

_DROPPED = {
    **dict.fromkeys(("Dropout", "Dropout1d", "Dropout2d", "Dropout3d"), ("p", "inplace")),
    **dict.fromkeys(("AlphaDropout", "FeatureAlphaDropout"), ("p", "inplace")),
}
_SOFTMAX = {"Softmax": False, "LogSoftmax": True}
_UPSAMPLE = ("size", "scale_factor", "mode", "align_corners", "recompute_scale_factor")
_LINEAR = {"linear": 1, "bilinear": 2, "trilinear": 3}
_UNFOLD = ("kernel_size", "dilation", "padding", "stride")
_SHUFFLES = {"PixelShuffle": "upscale_factor", "PixelUnshuffle": "downscale_factor"}


def _pad(name: str, bound: Bound) -> Pad:
    rank, mode = _PADS[name]
    given = bound.required("padding")
    least = -LARGEST if mode == "constant" else 0
    try:
        flat = check_ints("padding", given, 2 * rank, minimum=least)
    except GeometryError:
        raise bound.refuse(
            "padding",
            f"padding={shown(given)}: allowed are an int, or {2 * rank} ints from the last axis on"
            + ("" if mode == "constant" else ", none of them negative"),
        ) from None
    pairs = tuple(zip(flat[::2], flat[1::2], strict=True))[::-1]
    value = 0.0
    if name.startswith("Constant"):
        bound.required("value")
        value = number(bound, "value", 0.0)
    elif "value" in bound.arguments:
        raise bound.refuse("value", f"{name} takes no value")
    return Pad(pairs, mode, value)


def _softmax(name: str, bound: Bound) -> Softmax:
    dim = bound.required("dim")
    if isinstance(dim, bool) or not isinstance(dim, int):
        raise bound.refuse("dim", f"dim={shown(dim)}: allowed is the number of an axis")
    return Softmax(dim, channels_last=False, log=_SOFTMAX[name])


def _windows(name: str, bound: Bound) -> Step:
    def two(argument: str, default: int | None = None, minimum: int = 1) -> tuple[int, int]:
        first, second = bound.numbers(argument, 2, default=default, minimum=minimum)
        return first, second

    windows = (two("kernel_size"), two("dilation", 1), two("padding", 0, 0), two("stride", 1))
    return Unfold(*windows) if name == "Unfold" else Fold(*windows, size=two("output_size"))


def _upsample(name: str, bound: Bound) -> Upsample:
    if bound.value("size") is not None:
        raise bound.refuse("size", "size: a layer of one output size is not translated; give scale_factor")
    mode = "nearest"
    corners = name == "UpsamplingBilinear2d"
    if name == "Upsample":
        bound.choice("recompute_scale_factor", (None, False, True), None)
        mode = bound.choice("mode", ("nearest", *_LINEAR, "bicubic", "nearest-exact", "area"), "nearest")
        corners = bound.flag("align_corners", default=False)
    elif corners:
        mode = "bilinear"
    if mode not in {"nearest", "nearest-exact", *_LINEAR}:
        raise bound.refuse("mode", f"mode={mode!r}: {_NO_TWIN.get(mode, 'it has no twin elsewhere')}")
    if corners:
        place = "align_corners" if name == "Upsample" else "scale_factor"
        raise bound.refuse(
            place,
            f"{name} with align_corners=True: no layer elsewhere has it; those of align_corners=False are "
            "the same in Keras, between the centres of elements",
        )
    rank = _LINEAR.get(mode, 2 if name != "Upsample" else None)
    kind = "linear" if mode in _LINEAR else "nearest"
    return Upsample(_factors(bound, rank), kind)


_NO_TWIN = {"bicubic": "torch's cubic has a coefficient of -0.75, and that of Keras -0.5: no twin"}


def _factors(bound: Bound, rank: int | None) -> tuple[int, ...] | int:
    given = bound.required("scale_factor")
    each = given if isinstance(given, tuple | list) else [given]
    whole = [isinstance(n, int | float) and not isinstance(n, bool) and n >= 1 and n % 1 == 0 for n in each]
    if not each or not all(whole) or max(each) > LARGEST or (rank and len(each) not in {1, rank}):
        raise bound.refuse(
            "scale_factor", f"scale_factor={shown(given)}: allowed are whole numbers from 1 on"
        )
    factors = tuple(map(int, each))
    if given is not each:  # one number, for every axis
        return factors * rank if rank else factors[0]
    if rank and len(factors) != rank:
        raise bound.refuse("scale_factor", f"scale_factor={shown(given)}: allowed are {rank} numbers")
    return factors


def _form(name: str, bound: Bound) -> Step:
    return FORMS[name].read(bound)


def _shuffle(name: str, bound: Bound) -> Step:
    kind = PixelShuffle if name == "PixelShuffle" else PixelUnshuffle
    return kind(bound.number(_SHUFFLES[name]))


def _softmax_of_channels(_name: str, _bound: Bound) -> Step:
    return Softmax(1, channels_last=False)


_READ: dict[str, tuple[tuple[str, ...], Callable[[str, Bound], Step]]] = {
    **{name: (form.names, _form) for name, form in FORMS.items()},
    **dict.fromkeys(_PADS, (("padding", "value"), _pad)),
    **dict.fromkeys(_SOFTMAX, (("dim",), _softmax)),
    **{name: ((argument,), _shuffle) for name, argument in _SHUFFLES.items()},
    "Softmax2d": ((), _softmax_of_channels),
    "Unfold": (_UNFOLD, _windows),
    "Fold": (("output_size", *_UNFOLD), _windows),
    "Upsample": (_UPSAMPLE, _upsample),
    "UpsamplingNearest2d": (_UPSAMPLE[:2], _upsample),
    "UpsamplingBilinear2d": (_UPSAMPLE[:2], _upsample),
}
"""The arguments of each class, and what reads them."""

LINKS = frozenset((*_READ, *_DROPPED, "Identity"))
"""The classes that are read."""


def read_step(call: Call) -> Link:
    """Read the layer that a call makes; its name is one of :data:`LINKS`.

    Raises:
        ExpressionError: an argument that is not the layer's, out of its range, or out of this tool's reach.
    """
    name = call.name
    if name in _DROPPED:
        call.bind(_DROPPED[name])
        return Link(None, (), notes=(f"{name} is left out, of the proof too: in inference it does nothing",))
    if name == "Identity":  # which takes any arguments, and ignores them
        return Link(Layer("torch.nn.Identity"), (Identity(),))
    names, read = _READ[name]
    bound = call.bind(names)
    kept = {key: each for key, each in bound.arguments.items() if key != "inplace"}
    return Link(replace(bound, arguments=kept).layer("torch.nn"), (read(name, bound),))


def write_step(step: Step, shape: Shape) -> Written | Unsupported:
    """Return a step as torch's layer, for an input of a shape (N, C, *spatial)."""
    found = _WRITE[type(step)](step, shape)
    return Unsupported("torch has no such layer") if found is None else Written((found,))


def _written_activation(step: Activation, _shape: Shape) -> Layer | None:
    return written(FORMS, "torch.nn", step)


def _written_softmax(step: Softmax, shape: Shape) -> Layer:
    dim = step.place(shape, channels_last=False)
    return layer(f"torch.nn.{'Log' if step.log else ''}Softmax", dim=dim)


def _written_shuffle(step: PixelShuffle | PixelUnshuffle, _shape: Shape) -> Layer:
    return layer(f"torch.nn.{step.kind}", step.factor)


def _written_unfold(step: Unfold, _shape: Shape) -> Layer:
    return layer("torch.nn.Unfold", step.kernel, **_window_arguments(step))


def _written_fold(step: Fold, _shape: Shape) -> Layer:
    return layer("torch.nn.Fold", step.size, step.kernel, **_window_arguments(step))


def _written_identity(_step: Identity, _shape: Shape) -> Layer:
    return layer("torch.nn.Identity")


def _written_pad(step: Pad, _shape: Shape) -> Layer:
    flat = tuple(amount for pair in reversed(step.pads) for amount in pair)
    if step.mode != "constant":
        return layer(f"torch.nn.{_PAD_CLASSES[step.mode]}{step.rank}d", flat)
    if step.value:
        return layer(f"torch.nn.ConstantPad{step.rank}d", flat, step.value)
    return layer(f"torch.nn.ZeroPad{step.rank}d", flat)


def _written_upsample(step: Upsample, shape: Shape) -> Layer:
    rank = len(shape) - 2
    factors = tuple(map(float, step.on(rank)))
    mode = "nearest" if step.mode == "nearest" else ("linear", "bilinear", "trilinear")[rank - 1]
    more = {} if mode == "nearest" else {"align_corners": False}
    return layer("torch.nn.Upsample", scale_factor=factors, mode=mode, **more)


def _window_arguments(step: Unfold | Fold) -> dict[str, tuple[int, int]]:
    given = {"dilation": step.dilation, "padding": step.padding, "stride": step.stride}
    plain = {"dilation": 1, "padding": 0, "stride": 1}
    return {name: value for name, value in given.items() if set(value) != {plain[name]}}


_WRITE: dict[type[Step], Callable[..., Layer | None]] = {
    Activation: _written_activation,
    Softmax: _written_softmax,
    Pad: _written_pad,
    Upsample: _written_upsample,
    PixelShuffle: _written_shuffle,
    PixelUnshuffle: _written_shuffle,
    Unfold: _written_unfold,
    Fold: _written_fold,
    Identity: _written_identity,
}
"""What writes each kind of step."""
