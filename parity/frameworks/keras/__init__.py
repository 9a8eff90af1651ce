"""Keras 3, on whichever backend ``KERAS_BACKEND`` names: channels last, kernels (*kernel, C/groups, O).

What its "valid" and "same" mean is what convmm means by them. Its transposed layers' kernels are
(*kernel, O, C), and they know no groups. Sources: keras/src/layers/convolutional and
keras/src/backend/common/backend_utils.py (Keras 3.15), and runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from parity.cases.arrays import Array
from parity.cases.case import PADDING_MODES, ZEROS, Case
from parity.frameworks import tf_nn
from parity.frameworks.code.chain import Written
from parity.frameworks.code.expression import Call
from parity.frameworks.code.layer import Layer
from parity.frameworks.code.live import Live
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.script import Conversion, Script
from parity.frameworks.code.steps import Step
from parity.frameworks.interface import Framework, Refuses, refuses_nothing
from parity.frameworks.keras import installation
from parity.frameworks.keras.chain import LINK_PREFIXES, LINKS, part_of, read_chain, sequence
from parity.frameworks.keras.depthwise import depthwise, multiplier_of, to_depthwise
from parity.frameworks.keras.differentiate import backward, differentiating, why_no_gradients
from parity.frameworks.keras.exact import exact
from parity.frameworks.keras.live import text_of
from parity.frameworks.keras.model import SUFFIXES, KerasModel, open_model
from parity.frameworks.keras.operations.read import CLASSES as FUNCTIONS
from parity.frameworks.keras.operations.read import PREFIXES as FUNCTION_PREFIXES
from parity.frameworks.keras.operations.read import read as read_function
from parity.frameworks.keras.pinning import pin
from parity.frameworks.keras.precision import mode, mode_of_gradients
from parity.frameworks.keras.read import CLASSES, PREFIXES, read
from parity.frameworks.keras.routes import IN_ANY_FORMAT, WAYS
from parity.frameworks.keras.rules import (
    CHANNELS_FIRST,
    CHANNELS_LAST,
    MOVE_BACK,
    TO_KERAS,
    find_native,
    meanings,
    same_instead,
    spelling,
    unfolds,
    why_not,
)
from parity.frameworks.keras.steps import write_step
from parity.frameworks.keras.tensors import build, has_channels_first, to_keras, to_numpy
from parity.frameworks.keras.window_rules import WINDOWS
from parity.frameworks.keras.written import is_depthwise_layer, owns, written
from parity.frameworks.precision import Mode
from parity.frameworks.routes.way import EXTRA, Way, routes_left, way_of
from parity.frameworks.spelling import Spelling, Unsupported, first_lookalike


def _read(call: Call) -> Reading:
    if call.name in tf_nn.CLASSES:
        reading = tf_nn.read(call, "keras+ops")
        return tf_nn.adding_bias(reading) if reading.arguments.get("bias") else reading
    return (read_function if call.name in FUNCTIONS else read)(call)


_READ = (
    (CLASSES, PREFIXES),
    (FUNCTIONS, FUNCTION_PREFIXES),
    (tf_nn.CLASSES, tf_nn.PREFIXES),
)
"""The names that are read, and the modules that they are of."""


@dataclass(frozen=True)
class Keras(Framework):
    """Keras's layers, channels last.

    Attributes:
        on: the routes that it runs them on, in the order of its name: "channels_first", their data format,
            and then the form that they are brought into.
    """

    on: tuple[str, ...] = ()

    classes: ClassVar = {name: op for classes, _ in _READ for name, op in classes.items()}
    prefixes = tuple(prefix for _, prefixes in _READ for prefix in prefixes)
    to_convmm = (MOVE_BACK,)
    from_convmm = TO_KERAS
    version = staticmethod(installation.version)
    unfolds = staticmethod(unfolds)
    choices = staticmethod(installation.choices)
    read = staticmethod(_read)
    links = LINKS
    link_prefixes = LINK_PREFIXES
    read_chain = staticmethod(read_chain)
    sequence = staticmethod(sequence)
    owns = staticmethod(owns)
    owns_model = owns
    model_files = SUFFIXES
    written = staticmethod(written)
    padding_modes = PADDING_MODES
    windows = WINDOWS
    keeps = True

    def reads(self, call: Call) -> bool:
        """Return whether a call is of a layer or a function, by the whole path; TensorFlow's on it alone."""
        if call.prefix in tf_nn.PREFIXES and not installation.runs_tensorflow():
            return False
        return any(call.name in classes and call.prefix in prefixes for classes, prefixes in _READ)

    @property
    def name(self) -> str:
        """The name, with its routes."""
        return "+".join(("keras", *self.on))

    @property
    def extra(self) -> str:
        """The extra that installs it, or what it is run by."""
        return EXTRA if self._way.needs else installation.EXTRA

    @property
    def routes(self) -> Mapping[str, Keras]:
        """The other data format, and what layers of it are brought into, where that is not chosen yet."""
        from parity.frameworks.keras.operations.framework import NAME, Operations  # noqa: PLC0415 - a Keras

        left = routes_left(self.on, CHANNELS_FIRST, WAYS, IN_ANY_FORMAT)
        routes = {route: replace(self, on=(*self.on, route)) for route in left}
        return routes if self.on else {**routes, NAME: Operations()}

    @property
    def seconds_per_case(self) -> float | None:
        """The seconds that the route takes."""
        return self._way.seconds

    @property
    def _way(self) -> Way:
        return way_of(self.on, WAYS)

    def why_unavailable(self) -> str | None:
        """Return that Keras, its backend or what its route needs is not installed, or None."""
        return installation.why_unavailable() or self._way.why_unavailable()

    def backend(self) -> str | None:
        """Return what computes, with its version: Keras's backend, or what it is run by."""
        return self._way.backend(installation.backend())

    def mode(self, case: Case) -> Mode:
        """Return the precision of the backend, or of the route."""
        return self._way.mode(case, mode(case))

    def mode_of_gradients(self, case: Case) -> Mode:
        """Return the precision of the backend; a route that has gradients leaves them to it."""
        return mode_of_gradients(case)

    def load(self) -> Any:
        """Import Keras on its backend, and what its route needs."""
        keras = installation.load()
        self._way.load()
        return keras

    def pin(self, threads: int) -> dict[str, Any]:
        """Set Keras's defaults, its backend's precision, and the route's switches."""
        return {**pin(threads), **self._way.pin(threads)}

    def why_no_gradients(self) -> str | None:
        """Return that the route or the backend has none, or None."""
        return self._way.says_no_gradients or why_no_gradients()

    def backward(
        self, layer: Any, weights: Sequence[Array], x: Array, dy: Array
    ) -> tuple[Array, list[Array]]:
        """Return the gradients by the input and the layer's weights, of the layer on its route."""
        return backward(layer, weights, x, dy, self._way.run)

    def differentiating(self, dtype: str) -> Script:
        """Return what :meth:`backward` does, as code."""
        return differentiating(dtype, self._way.code())

    @property
    def _data_format(self) -> str:
        return CHANNELS_FIRST if CHANNELS_FIRST in self.on else CHANNELS_LAST

    def open_model(self, thing: Any) -> KerasModel:
        """Open a model, or the file of one."""
        self.load()
        return open_model(self, thing)

    def why_no_chains(self) -> str | None:
        """Return None: a Sequential applies layers in turn."""
        return None

    def write_step(self, step: Step, shape: tuple[int, ...], dtype: str) -> Written | Unsupported:
        """Return a layer without weights as Keras's, which has a dtype of its own."""
        return write_step(step, shape, dtype, self._data_format)

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        """Return the layers of :meth:`layers_for`, by the rules alone."""
        return self.layers_for(case)

    def layers_for(self, case: Case, refuses: Refuses = refuses_nothing) -> list[Spelling | Unsupported]:
        """Return the layer whose "valid" or "same" means the case, what people take for it, an exact one."""
        layers = [self._on_its_way(each) for each in self._eager(case, refuses)]
        return self._way.spelled(layers)

    def _on_its_way(self, layer: Spelling | Unsupported) -> Spelling | Unsupported:
        """Return the layer with the precision of the route in the place of its own."""
        if isinstance(layer, Unsupported) or layer.mode is None:
            return layer
        return replace(layer, mode=self._way.mode(layer.computes, layer.mode))

    def _eager(self, case: Case, refuses: Refuses) -> list[Spelling | Unsupported]:
        ordered = self._data_format
        if case.filled_with != ZEROS:
            reason = f"Keras's layers pad with zeros alone, and this case pads by {case.padding_mode!r}"
            return [Unsupported(reason), *exact(case, ordered)]
        if case.transposed and case.groups > 1:
            reason = f"Keras's transposed layers have no groups, and this case has {case.groups}"
            return [Unsupported(reason), *exact(case, ordered)]
        candidates = list(meanings(case))
        native = find_native(case, candidates, refuses, ordered)
        if native is None:
            taken = first_lookalike(case, candidates)
            return [
                Unsupported(why_not(case)),
                *([spelling("lookalike", taken, refuses, ordered)] if taken else []),
                *exact(case, ordered),
            ]
        by_channel = depthwise(candidates, case, refuses, ordered)
        same = same_instead(native.meaning, refuses, ordered)
        return [native, *by_channel, *same, *(exact(case, ordered) if native.refusal else [])]

    def exact(self, case: Case, *, any_size: bool = False) -> list[Spelling]:  # noqa: ARG002 - all do
        """Return layers that compute the case: zeros or crops around one, a stuffed kernel, one per group."""
        layers = self._way.spelled(exact(case, self._data_format))
        return [each for each in layers if isinstance(each, Spelling)]

    def part(self, layer: Layer | Script) -> Layer | Script:
        """Return the convolution, or the groups of it, of a Sequential whose other layers have no weights."""
        return part_of(layer)

    def detach(self, part: Any) -> None:
        """Have a layer forget the Sequential, which Keras keeps with it as the graph that it is in."""
        part._inbound_nodes.clear()  # noqa: SLF001 - nothing else ends what is kept of models that are gone

    def call(self, layer: Any, weights: Sequence[Array], x: Array) -> Array:
        """Build the layer for the input (N, C, *spatial), set its weights, and call it."""
        first = has_channels_first(layer)
        given = to_keras(x, channels_first=first)
        build(layer, given.shape, weights)
        return to_numpy(self._way.run(layer, given), channels_first=first)

    def conversion_to(self, layer: Any, case: Case) -> Conversion:
        """Return the conversion to the arrays of this layer, or of the depthwise one in it."""
        return to_depthwise(multiplier_of(case)) if is_depthwise_layer(layer) else TO_KERAS

    def live(self, layer: Any) -> Live:
        """Return the expression that makes such a layer, and its arrays where it is built."""
        text = text_of(layer)
        if not layer.built:
            return Live(text, None)
        array = self.load().ops.convert_to_numpy
        return Live(text, tuple(np.array(array(each)) for each in layer.weights))

    def filled(self, layer: Any, weights: Sequence[Array], shape: Sequence[int]) -> Any:
        """Return the layer, built for any sizes, with these weights."""
        free = (None,) * (len(shape) - 2)
        first = has_channels_first(layer)
        build(layer, (None, shape[1], *free) if first else (None, *free, shape[1]), weights)
        return layer

    def calling(self, dtype: str) -> Script:
        """Build the layer, set its weights, and call it."""
        first = self._data_format == CHANNELS_FIRST
        code = self._way.code()
        given, y = "x", "y"
        if not first:
            given, y = f"np.moveaxis({given}, 1, -1)", f"np.moveaxis({y}, -1, 1)"
        return Script(
            ("keras", *code.imports),
            f"""\
given = keras.ops.convert_to_tensor({given}, dtype={dtype!r})
if not layer.built:
    layer.build(given.shape)
layer.set_weights(converted)
{code.statements}y = keras.ops.convert_to_numpy({code.call})
assert y.dtype.name == {dtype!r}, f"it returned dtype {{y.dtype}}"
y = {y}.astype("float64")""",
        )
