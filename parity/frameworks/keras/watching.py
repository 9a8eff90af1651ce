"""A run of a Keras model, watched: its convolutions by the layers, and else by the backend's functions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from parity.cases.arrays import Array
from parity.frameworks.code.expression import ExpressionError
from parity.frameworks.interface import Framework
from parity.frameworks.keras.backend_functions import OPERATIONS, BackendFunction, beneath, bound
from parity.frameworks.keras.installation import load
from parity.frameworks.keras.live import call_of
from parity.frameworks.keras.rules import CHANNELS_FIRST
from parity.frameworks.keras.tensors import to_keras, to_numpy
from parity.frameworks.model import Seen, Unread, Use
from parity.frameworks.spelling import Spelling
from parity.frameworks.uses import use_of


@dataclass
class _Running:
    """A layer that is being called.

    Attributes:
        layer: the layer.
        name: in its model.
        known: whether its class says what it computes.
        ended: takes the output before the activation; None until something waits for that.
        alone: tells of the function alone that ``ended`` waits with, where the activation is never called.
    """

    layer: Any
    name: str
    known: bool
    ended: Callable[[Any], None] | None = None
    alone: Callable[[], None] | None = None

    def leave(self) -> None:
        """Tell of what still waits for the activation."""
        if self.ended is not None and self.alone is not None:
            self.alone()
        self.ended = self.alone = None


class Watch:
    """Watches a run.

    Attributes:
        unread: what cannot be read, by its name.
    """

    def __init__(self, keras: Framework, model: Any, seen: Seen) -> None:
        self._keras, self._model, self._seen = keras, model, seen
        self._stack: list[_Running] = []
        self._names: dict[str, Any] = {}
        self._kernels: dict[str, Any] = {}
        self._is_silent = False
        self.unread: dict[str, Unread] = {}

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the calls of layers, and of the backend's functions, within."""
        from keras.src import backend  # noqa: PLC0415 - Keras has no other name for its backend's functions

        kind, functions = load().layers.Layer, backend.nn
        call = kind.__call__
        originals = {name: getattr(functions, name) for name in (*OPERATIONS, "separable_conv")}
        watch = self

        def watched(layer: Any, *args: Any, **kwargs: Any) -> Any:
            return watch.layer(partial(call, layer), layer, args, kwargs)

        home, paths = beneath()
        originally = {name: getattr(home, name) for name in paths}
        kind.__call__ = watched
        for name in OPERATIONS:
            setattr(functions, name, partial(self._operation, name, originals[name]))
        functions.separable_conv = partial(self._separable, originals)
        for name, original in originally.items():
            setattr(home, name, partial(self._beneath, paths[name], original))
        try:
            yield
        finally:
            kind.__call__ = call
            for name, original in originals.items():
                setattr(functions, name, original)
            for name, original in originally.items():
                setattr(home, name, original)

    @property
    def _is_left_alone(self) -> bool:
        """Whether what is called is none of the model's run: this tool's own, or on symbols, for a shape."""
        from keras.src.backend.common.symbolic_scope import in_symbolic_scope  # noqa: PLC0415 - as above

        return self._is_silent or in_symbolic_scope()

    @contextlib.contextmanager
    def _silently(self) -> Iterator[None]:
        """Tell of nothing that is called within."""
        before, self._is_silent = self._is_silent, True
        try:
            yield
        finally:
            self._is_silent = before

    def layer(self, call: Callable[..., Any], layer: Any, args: Any, kwargs: Any) -> Any:
        """Call a layer, and tell of it where it is a convolution that is known."""
        if self._is_left_alone:
            return call(*args, **kwargs)
        known = not self._within and _has_activation(layer) and _text(layer) is not None
        running = _Running(layer, self._name(layer), known)
        if known:
            running.ended = partial(self._known, running, args[0] if args else kwargs.get("inputs"))
        self._stack.append(running)
        try:
            with _before_activation(running, hooked=_has_activation(layer)), _by_call(layer):
                found = call(*args, **kwargs)
            running.leave()
            return found
        finally:
            self._stack.pop()

    def _name(self, layer: Any) -> str:
        """Return the layer's name where it is called first; a number tells it from another of that name."""
        known = next((name for name, each in self._names.items() if each is layer), None)
        if known is not None:
            return known
        above = self._stack[-1].name if self._stack and self._stack[-1].layer is not self._model else ""
        return _unique(self._names, f"{above}/{layer.name}" if above else layer.name, layer)

    @property
    def _within(self) -> bool:
        """Whether a known layer is being called, which has told of what it calls."""
        return any(each.known for each in self._stack)

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
        text = _text(layer)  # which has its channels, now that it is built
        assert text is not None  # noqa: S101 - it is known by its text
        self._hand_over(
            use_of(self._keras, running.name, text, weights, given.shape, state=state, again=again),
            given,
            output,
        )

    def _hand_over(self, found: Use | Unread, x: Array, y: Array) -> None:
        if isinstance(found, Unread):
            self._leave_out(found.name, found.reason)
            return
        with self._silently():
            self._seen(found, x, y)

    def _leave_out(self, name: str, reason: str) -> None:
        self.unread.setdefault(name, Unread(name, reason))

    def _operation(
        self, name: str, original: Any, inputs: Any, kernel: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Call a function of the backend, and tell of it where no known layer does."""
        if self._is_left_alone:
            return original(inputs, kernel, *args, **kwargs)
        with self._silently():
            output = original(inputs, kernel, *args, **kwargs)
        if not self._within:
            self._tell(BackendFunction(name, original, bound(name, args, kwargs)), inputs, kernel, output)
        return output

    def _separable(
        self, originals: Any, inputs: Any, depthwise: Any, pointwise: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Call a separable convolution, and tell of the two that it is."""
        original = originals["separable_conv"]
        if self._is_left_alone:
            return original(inputs, depthwise, pointwise, *args, **kwargs)
        with self._silently():
            output = original(inputs, depthwise, pointwise, *args, **kwargs)
        if not self._within:
            given = bound("separable_conv", args, kwargs)
            first = BackendFunction("depthwise_conv", originals["depthwise_conv"], given, "depthwise")
            with self._silently():
                between = first.compute(inputs, depthwise, **given)
            self._tell(first, inputs, depthwise, between)
            one_tap = bound("conv", (), {"data_format": given["data_format"]})
            second = BackendFunction("conv", originals["conv"], one_tap, "pointwise")
            self._tell(second, between, pointwise, output)
        return output

    def _beneath(self, path: str, original: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a function of what Keras runs on, and name it where no function of Keras calls it."""
        if not self._is_left_alone and not self._within:
            inside = self._stack[-1].name if self._stack else "the model"
            reason = f"it calls {path}: what is read are layers of Keras and functions of keras.ops"
            self._leave_out(f"{inside}:{path.rpartition('.')[2]}", reason)
        return original(*args, **kwargs)

    def _tell(self, function: BackendFunction, inputs: Any, kernel: Any, output: Any) -> None:
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
        name = _unique(self._kernels, name, held)
        weights = load().ops.convert_to_numpy(kernel)
        x, y = arrays
        alone = partial(self._function, name, function, [weights], held, x, y)
        if running is None or not is_layer or not _adds_bias(running.layer, function):
            alone()
            return

        def ended(outputs: Any) -> None:
            bias = load().ops.convert_to_numpy(running.layer.bias)
            whole = to_numpy(outputs, channels_first=function.is_first)
            if not _is_sum(whole, y, bias):
                alone()
                return
            places = [*held, *_held(running, running.layer.bias)]
            self._function(name, function, [weights, bias], places, x, whole)

        running.leave()
        running.ended, running.alone = ended, alone

    def _function(
        self,
        name: str,
        function: BackendFunction,
        weights: list[Array],
        places: list[str],
        x: Array,
        y: Array,
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
        text = str(layers[0].layer)
        self._hand_over(use_of(self._keras, name, text, weights, x.shape, state=state, again=again), x, y)


def _unique(names: dict[str, Any], name: str, thing: Any) -> str:
    """Return the name of a thing, with a number where another thing has that name."""
    found, number = name, 0
    while names.setdefault(found, thing) != thing:
        number += 1
        found = f"{name}_{number}"
    return found


_TRACED = "it is called on symbols, as in a function that is traced, and has no values"


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


@contextlib.contextmanager
def _by_call(layer: Any) -> Iterator[None]:
    """Have the layer in a TimeDistributed, whose ``call`` that calls, called as layers are."""
    if not isinstance(layer, load().layers.TimeDistributed):
        yield
        return
    inner = layer.layer
    held = vars(inner)

    def routed(*args: Any, **kwargs: Any) -> Any:
        del held["call"]
        try:
            return inner(*args, **kwargs)
        finally:
            held["call"] = routed

    if "call" in held:  # its user's own
        yield
        return
    held["call"] = routed
    try:
        yield
    finally:
        del held["call"]


def _has_activation(layer: Any) -> bool:
    return _is_convolution(layer) and callable(vars(layer).get("activation"))


def _adds_bias(layer: Any, function: BackendFunction) -> bool:
    """Return whether a layer adds its bias to what a function gives, before its activation."""
    return bool(layer.use_bias) and function.part != "depthwise" and _has_activation(layer)


def _is_sum(whole: Array, output: Array, bias: Array) -> bool:
    """Return whether what an activation is given is a function's output and the bias, but for rounding."""
    if whole.shape != output.shape or bias.shape != output.shape[1:2]:
        return False
    due = output.astype(np.float64) + bias.astype(np.float64).reshape(-1, *(1,) * (output.ndim - 2))
    digits = 2.0**-7 if output.dtype.itemsize == _HALF else 1e-6
    within = digits * np.abs(due).max(initial=0)
    return bool(np.allclose(whole.astype(np.float64), due, rtol=digits, atol=within, equal_nan=True))


_HALF = 2
"""Bytes of a number of 16 bits."""


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


def _again_by_function(function: BackendFunction, weights: Sequence[Array], x: Array) -> Array:
    kernel, *bias = weights
    given = to_keras(x, channels_first=function.is_first)
    found = to_numpy(function.compute(given, kernel, **function.given), channels_first=function.is_first)
    return found + bias[0].reshape(-1, *(1,) * (x.ndim - 2)) if bias else found
