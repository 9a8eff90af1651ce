"""A run of a Keras model, watched: its convolutions by the layers, and else by the backend's functions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from parity.cases.arrays import Array
from parity.cases.case import DTYPES, Case
from parity.frameworks.code.expression import ExpressionError
from parity.frameworks.interface import Framework
from parity.frameworks.keras.installation import load
from parity.frameworks.keras.live import call_of
from parity.frameworks.keras.rules import CHANNELS_FIRST
from parity.frameworks.keras.tensors import to_keras, to_numpy
from parity.frameworks.model import Seen, Unread
from parity.frameworks.spelling import Spelling
from parity.frameworks.uses import use_of

_OPERATIONS = ("conv", "depthwise_conv", "conv_transpose")
"""The functions of Keras's backends that convolve, beside separable_conv."""


@dataclass
class _Running:
    """A layer that is being called.

    Attributes:
        layer: the layer.
        name: in its model.
        text: what makes it, without its activation; None of one that is not known.
        ended: takes the output before the activation; None until something waits for that.
    """

    layer: Any
    name: str
    text: str | None
    ended: Callable[[Any], None] | None = None


class Watch:
    """Watches a run.

    Attributes:
        unread: what cannot be read, by its name.
    """

    def __init__(self, keras: Framework, model: Any, seen: Seen) -> None:
        self._keras, self._model, self._seen = keras, model, seen
        self._stack: list[_Running] = []
        self.unread: dict[str, Unread] = {}

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the calls of layers, and of the backend's functions, within."""
        from keras.src import backend  # noqa: PLC0415 - Keras has no other name for its backend's functions

        kind, functions = load().layers.Layer, backend.nn
        call = kind.__call__
        originals = {name: getattr(functions, name) for name in (*_OPERATIONS, "separable_conv")}
        watch = self

        def watched(layer: Any, *args: Any, **kwargs: Any) -> Any:
            return watch.layer(partial(call, layer), layer, args, kwargs)

        kind.__call__ = watched
        for name in _OPERATIONS:
            setattr(functions, name, partial(self._operation, name, originals[name]))
        functions.separable_conv = partial(self._separable, originals)
        try:
            yield
        finally:
            kind.__call__ = call
            for name, original in originals.items():
                setattr(functions, name, original)

    def layer(self, call: Callable[..., Any], layer: Any, args: Any, kwargs: Any) -> Any:
        """Call a layer, and tell of it where it is a convolution that is known."""
        above = self._stack[-1].name if self._stack and self._stack[-1].layer is not self._model else ""
        name = f"{above}/{layer.name}" if above else layer.name
        known = not self._within and layer.built and _has_activation(layer)
        running = _Running(layer, name, _text(layer) if known else None)
        if running.text is not None:
            running.ended = partial(self._known, running, args[0] if args else kwargs.get("inputs"))
        self._stack.append(running)
        try:
            with _before_activation(running, hooked=_has_activation(layer)):
                return call(*args, **kwargs)
        finally:
            self._stack.pop()

    @property
    def _within(self) -> bool:
        """Whether a known layer is being called, which has told of what it calls."""
        return any(each.text is not None for each in self._stack)

    def _known(self, running: _Running, x: Any, y: Any) -> None:
        layer = running.layer
        first = layer.data_format == CHANNELS_FIRST
        arrays = _arrays(x, y, channels_first=first)
        if arrays is None:
            self._leave_out(running.name, _TRACED)
            return
        given, output = arrays
        weights = [np.asarray(each) for each in layer.get_weights()]
        state = [f"state[{running.name!r}][{number}]" for number in range(len(weights))]
        again = partial(_again, layer, first)
        assert running.text is not None  # noqa: S101 - it is known by its text
        found = use_of(
            self._keras, running.name, running.text, weights, given.shape, state=state, again=again
        )
        if isinstance(found, Unread):
            self._leave_out(found.name, found.reason)
        else:
            self._seen(found, given, output)

    def _leave_out(self, name: str, reason: str) -> None:
        self.unread.setdefault(name, Unread(name, reason))

    def _operation(
        self, name: str, original: Any, inputs: Any, kernel: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Call a function of the backend, and tell of it where no known layer does."""
        output = original(inputs, kernel, *args, **kwargs)
        if not self._within:
            self._tell(_Function(name, original, _bound(name, args, kwargs)), inputs, kernel, output)
        return output

    def _separable(
        self, originals: Any, inputs: Any, depthwise: Any, pointwise: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Call a separable convolution, and tell of the two that it is."""
        output = originals["separable_conv"](inputs, depthwise, pointwise, *args, **kwargs)
        if not self._within:
            given = _bound("separable_conv", args, kwargs)
            first = _Function("depthwise_conv", originals["depthwise_conv"], given, "depthwise")
            between = first.compute(inputs, depthwise, **given)
            self._tell(first, inputs, depthwise, between)
            one_tap = _bound("conv", (), {"data_format": given["data_format"]})
            second = _Function("conv", originals["conv"], one_tap, "pointwise")
            self._tell(second, between, pointwise, output)
        return output

    def _tell(self, function: _Function, inputs: Any, kernel: Any, output: Any) -> None:
        """Tell of a function's call; with the bias, where the layer that calls it adds one behind it."""
        running = self._stack[-1] if self._stack else None
        inside = "" if running is None else running.name
        name = "/".join(each for each in (inside, function.part) if each) or f"the model:{function.name}"
        arrays = _arrays(inputs, output, channels_first=function.is_first)
        if arrays is None:
            self._leave_out(name, _TRACED)
            return
        layer = None if running is None else running.layer
        is_layer = layer is not None and _is_convolution(layer)
        held = _held(running, kernel)
        if not held and not is_layer:
            reason = "its kernel is computed while the model runs, and is no array of a layer"
            self._leave_out(f"{name}:{function.name}" if not function.part else name, reason)
            return
        weights = load().ops.convert_to_numpy(kernel)
        x, y = arrays
        if running is not None and is_layer and _adds_bias(running.layer, function):

            def ended(outputs: Any) -> None:
                bias = load().ops.convert_to_numpy(running.layer.bias)
                places = [*held, *_held(running, running.layer.bias)]
                whole = to_numpy(outputs, channels_first=function.is_first)
                self._function(name, function, [weights, bias], places, x, whole)

            running.ended = ended
        else:
            self._function(name, function, [weights], held, x, y)

    def _function(
        self, name: str, function: _Function, weights: list[Array], places: list[str], x: Array, y: Array
    ) -> None:
        case = function.case(weights, x.shape)
        if isinstance(case, str):
            self._leave_out(name, case)
            return
        keras = self._keras.routes[CHANNELS_FIRST] if function.is_first else self._keras
        layers = [each for each in keras.spell(case) if isinstance(each, Spelling) and each.kind == "native"]
        if function.name == "depthwise_conv":
            layers = [each for each in layers if each.variant == "depthwise"]
        if not layers:
            self._leave_out(name, "no layer of Keras has its arguments")
            return
        state = places if len(places) == len(weights) else []
        again = partial(_again_by_function, function, weights)
        found = use_of(self._keras, name, str(layers[0].layer), weights, x.shape, state=state, again=again)
        if isinstance(found, Unread):
            self._leave_out(found.name, found.reason)
        else:
            self._seen(found, x, y)


@dataclass(frozen=True)
class _Function:
    """A call of a backend's function.

    Attributes:
        name: of the function.
        compute: the function.
        given: its arguments behind the arrays.
        part: what it is of a separable convolution; empty for all others.
    """

    name: str
    compute: Callable[..., Any]
    given: dict[str, Any]
    part: str = ""

    @property
    def is_first(self) -> bool:
        """Whether its channels stand before the spatial axes."""
        return bool(self.given["data_format"] == CHANNELS_FIRST)

    def case(self, weights: Sequence[Array], shape: Sequence[int]) -> Case | str:
        """Make the case that it computes; or say why there is none."""
        kernel, channels = weights[0], shape[1]
        rank, dtype = kernel.ndim - 2, kernel.dtype.name
        if dtype not in DTYPES:
            return f"its kernel is of dtype {dtype}: allowed are {', '.join(DTYPES)}"
        transposed = self.name == "conv_transpose"
        filters, groups = kernel.shape[-1], 1
        if transposed:
            filters = kernel.shape[-2]
        elif self.name == "depthwise_conv":
            filters, groups = channels * kernel.shape[-1], channels
        else:
            groups = channels // kernel.shape[-2]
        try:
            return Case(
                f"conv_transpose{rank}d" if transposed else f"conv{rank}d",
                tuple(shape),
                filters,
                kernel.shape[:-2],
                stride=self.given["strides"],
                padding=self.given["padding"],
                output_padding=self.given.get("output_padding"),
                dilation=self.given["dilation_rate"],
                groups=groups,
                bias=len(weights) > 1,
                dtype=dtype,
            )
        except ValueError as error:
            return str(error)


_TRACED = "it is called on symbols, as in a function that is traced, and has no values"

_DEFAULTS = {
    "strides": 1,
    "padding": "valid",
    "data_format": None,
    "dilation_rate": 1,
}


def _bound(operation: str, args: Any, kwargs: Any) -> dict[str, Any]:
    """Return the arguments of a backend's function behind the arrays, by name, each with its value."""
    names = list(_DEFAULTS)
    if operation == "conv_transpose":
        names.insert(2, "output_padding")
    given = {**_DEFAULTS, **dict(zip(names, args, strict=False)), **kwargs}
    given["data_format"] = given["data_format"] or load().config.image_data_format()
    return given


@contextlib.contextmanager
def _before_activation(running: _Running, *, hooked: bool) -> Iterator[None]:
    """Have a layer's activation hand over what it is given, where something waits for that."""
    if not hooked:
        yield
        return
    held = vars(running.layer)
    activation = held["activation"]

    def watched(outputs: Any, *args: Any, **kwargs: Any) -> Any:
        if running.ended is not None:
            ended, running.ended = running.ended, None
            ended(outputs)
        return activation(outputs, *args, **kwargs)

    held["activation"] = watched
    try:
        yield
    finally:
        held["activation"] = activation


def _has_activation(layer: Any) -> bool:
    return _is_convolution(layer) and callable(vars(layer).get("activation"))


def _adds_bias(layer: Any, function: _Function) -> bool:
    """Return whether a layer adds its bias to what a function gives, before its activation."""
    return bool(layer.use_bias) and function.part != "depthwise" and _has_activation(layer)


def _is_convolution(layer: Any) -> bool:
    """Return whether a layer is a convolution of Keras, or of a class derived from one."""
    return any(each.__module__.startswith(_BASES) for each in type(layer).__mro__)


_BASES = "keras.src.layers.convolutional.base"
"""Where the classes are defined that all convolutions of Keras are derived from."""


def _text(layer: Any) -> str | None:
    """Return the call that makes a layer, without its activation; None of one that is not known."""
    held = vars(layer)
    activation = held["activation"]
    held["activation"] = load().activations.linear
    try:
        return repr(call_of(layer))
    except ExpressionError:
        return None
    finally:
        held["activation"] = activation


def _held(running: _Running | None, array: Any) -> list[str]:
    """Return where a variable stands in the model's state, as code; nothing of what is no weight."""
    weights = [] if running is None else running.layer.weights
    places = (number for number, each in enumerate(weights) if each is array or each.value is array)
    return [f"state[{running.name!r}][{number}]" for number in places if running is not None][:1]


def _arrays(x: Any, y: Any, *, channels_first: bool) -> tuple[Array, Array] | None:
    """Return an input and an output channels first; None of symbols."""
    try:
        return to_numpy(x, channels_first=channels_first), to_numpy(y, channels_first=channels_first)
    except Exception:  # noqa: BLE001 - every backend raises its own
        return None


def _again(layer: Any, first: bool, x: Array) -> Array:  # noqa: FBT001 - bound by position
    held = vars(layer)
    activation = held["activation"]
    held["activation"] = load().activations.linear
    try:
        return to_numpy(layer(to_keras(x, channels_first=first)), channels_first=first)
    finally:
        held["activation"] = activation


def _again_by_function(function: _Function, weights: Sequence[Array], x: Array) -> Array:
    kernel, *bias = weights
    given = to_keras(x, channels_first=function.is_first)
    found = to_numpy(function.compute(given, kernel, **function.given), channels_first=function.is_first)
    return found + bias[0].reshape(-1, *(1,) * (x.ndim - 2)) if bias else found
