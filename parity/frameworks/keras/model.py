"""Models of Keras, in memory and in files, in either layout."""

from __future__ import annotations

import contextlib
import inspect
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from parity.cases.arrays import Array
from parity.frameworks.attempt import describe
from parity.frameworks.interface import Framework
from parity.frameworks.keras.installation import load
from parity.frameworks.keras.tensors import has_channels_first, to_keras
from parity.frameworks.keras.watching import Watch
from parity.frameworks.model import (
    LEAST_RANK,
    Model,
    ModelError,
    Ran,
    Seen,
    file_error,
    first_of_last,
    raised,
    same_shape,
    written_shape,
)

SUFFIXES = (".keras", ".h5", ".hdf5")
"""How the names of files end that Keras saves models in."""


class KerasModel(Model):
    """A model, or any layer, of Keras.

    Args:
        keras: the framework.
        model: the model.
    """

    framework = "keras"
    state_is = "{name: layer.get_weights()} by the layers' names, within others as 'block/conv'"

    def __init__(self, keras: Framework, model: Any) -> None:
        self._keras, self._model = keras, model
        if not model.built:
            self.notes = ("the model was not built: this run builds it, and draws its weights",)

    @property
    def declared(self) -> tuple[tuple[int | None, ...], ...] | None:
        """The shapes of its inputs, channels first, where it was built by them."""
        shapes = self._own_shapes
        if shapes is None:
            return None
        first = has_channels_first(self._model)
        return tuple(each if first or len(each) < LEAST_RANK else first_of_last(each) for each in shapes)

    @property
    def _own_shapes(self) -> tuple[tuple[int | None, ...], ...] | None:
        """The shapes of its inputs in its own layout."""
        try:
            inputs = self._model.inputs
        except (AttributeError, ValueError):
            return None
        return tuple(tuple(each.shape) for each in inputs) if inputs else None

    def run(self, inputs: Sequence[Array], seen: Seen) -> Ran:
        """Call the model in inference mode, eagerly."""
        self._check_count(inputs)
        first = [self._is_first(each, number) for number, each in enumerate(inputs)]
        given = [_tensor(each, channels_first=order) for each, order in zip(inputs, first, strict=True)]
        watch = Watch(self._keras, self._model, seen)
        with watch.watching(), _eagerly(), _kept(self._model):
            try:
                found = self._model(*self._arguments(given), training=False)
            except ModelError:
                raise
            except (Exception, SystemExit) as error:
                raise raised(f"the Keras model {self._model.name}", error, inputs) from error
        orders = [order for order, each in zip(first, inputs, strict=True) if each.ndim >= LEAST_RANK]
        ordered = all(orders) if orders else has_channels_first(self._model)
        outputs = [load().ops.convert_to_numpy(each) for each in load().tree.flatten(found)]
        if not ordered:
            outputs = [each if each.ndim < LEAST_RANK else np.moveaxis(each, -1, 1) for each in outputs]
        return Ran(tuple(outputs), tuple(watch.unread.values()))

    def _check_count(self, inputs: Sequence[Array]) -> None:
        shapes = self._own_shapes
        if (shapes is None and inputs) or (shapes is not None and len(shapes) == len(inputs)):
            return
        due = "inputs" if self.declared is None else " and ".join(map(written_shape, self.declared))
        given = " and ".join(written_shape(each.shape) for each in inputs) or "nothing"
        raise ModelError(f"the Keras model {self._model.name} takes {due}, channels first; given is {given}")

    def _arguments(self, given: list[Any]) -> list[Any]:
        """Return what the model is called with: arrays one by one, where it is a call of several."""
        struct = getattr(self._model, "_inputs_struct", None)
        if struct is not None:
            return [load().tree.pack_sequence_as(struct, given)]
        if len(given) == 1:
            return given
        parameters = inspect.signature(self._model.call).parameters.values()
        due = [
            each
            for each in parameters
            if each.default is each.empty and "POSITIONAL" in each.kind.name and "VAR" not in each.kind.name
        ]
        return given if len(due) == len(given) else [given]

    def _is_first(self, array: Array, number: int) -> bool:
        """Return whether an input is to be given channels first, by the declared shape or by the layers.

        Raises:
            ModelError: it is neither way what was declared.
        """
        by_layers = has_channels_first(self._model)
        shapes = self._own_shapes
        if shapes is None or number >= len(shapes):
            return by_layers
        if array.ndim < LEAST_RANK:
            return True
        fits = {
            order: same_shape(shapes[number], array.shape if order else (*_last(array.shape),))
            for order in (True, False)
        }
        if not any(fits.values()):
            declared = self.declared or shapes
            due, name = written_shape(declared[number]), self._model.name
            given = written_shape(array.shape)
            raise ModelError(f"input {given}: the Keras model {name} takes {due}, channels first")
        return by_layers if all(fits.values()) else fits[True]


def open_model(keras: Framework, thing: Any) -> KerasModel:
    """Open a model, or the file of one.

    Raises:
        ModelError: a file that holds no model, or one with code that is not to be run.
    """
    if not isinstance(thing, Path):
        return KerasModel(keras, thing)
    try:
        model = load().saving.load_model(str(thing), compile=False, safe_mode=True)
    except Exception as error:
        raise file_error(thing, f"Keras cannot load it: {_why_not(thing, error)}") from error
    return KerasModel(keras, model)


_FOREIGN = re.compile(r"(?:Could not locate (?:class|function)|Unknown \w+:) '(\w+)'")


def _why_not(path: Path, error: Exception) -> str:
    """Return why a file is not loaded, in fewer words than Keras where its own would be cut off."""
    foreign = _FOREIGN.search(str(error))
    if foreign is not None:
        return (
            f"it has a {foreign[1]}, which is none of Keras's own: "
            "give module:attribute of a function that loads it, where that is defined"
        )
    if path.suffix == SUFFIXES[0] and not zipfile.is_zipfile(path):
        return "it is no .keras archive, or is cut off"
    return describe(error)


def _tensor(array: Array, *, channels_first: bool) -> Any:
    if array.ndim < LEAST_RANK:
        return load().ops.convert_to_tensor(array)
    return to_keras(array, channels_first=channels_first)


def _last(shape: Sequence[int]) -> tuple[int, ...]:
    return (shape[0], *shape[2:], shape[1])


@contextlib.contextmanager
def _kept(model: Any) -> Iterator[None]:
    """Give variables that are not trained, which a call may update, their values again."""
    array = load().ops.convert_to_numpy
    before = [(each, np.array(array(each))) for each in model.variables if not each.trainable]
    try:
        yield
    finally:
        for variable, value in before:
            if not np.array_equal(array(variable), value):
                variable.assign(value)


@contextlib.contextmanager
def _eagerly() -> Iterator[None]:
    """Have functions that TensorFlow would trace run as they stand."""
    if load().backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf  # noqa: PLC0415 - imported when first used

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)  # noqa: FBT003 - as TensorFlow has it
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)
