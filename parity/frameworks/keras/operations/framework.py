"""Keras's operations as a framework: the route "ops" of Keras, on any of its backends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.frameworks.code.script import Script
from parity.frameworks.interface import Refuses, refuses_nothing
from parity.frameworks.keras import Keras
from parity.frameworks.keras.installation import load
from parity.frameworks.keras.operations.write import as_function
from parity.frameworks.spelling import Spelling, Unsupported

NAME = "ops"


class Holding:
    """A function with its arrays as variables, which is called, and differentiated, as a layer is.

    Args:
        function: of the input and the arrays.
        weights: the arrays; a function has no shapes of its own that they might not fit.
    """

    built = False

    def __init__(self, function: Callable[..., Any], weights: Sequence[Array]) -> None:
        self._function = function
        self.weights = weights
        self.trainable_weights: list[Any] = []

    def build(self, shape: Sequence[int]) -> None:
        """Refuse no shape: a function does when it is called."""

    def set_weights(self, weights: Sequence[Array]) -> None:
        """Make variables of the arrays."""
        self.trainable_weights = [load().Variable(each, dtype=each.dtype.name) for each in weights]

    def __call__(self, given: Any) -> Any:
        """Call the function on the input and the variables."""
        return self._function(given, *(each.value for each in self.trainable_weights))

    def stateless_call(self, weights: Sequence[Any], _others: Sequence[Any], given: Any) -> tuple[Any, None]:
        """Call the function on the input and these arrays, as JAX differentiates it."""
        return self._function(given, *weights), None


@dataclass(frozen=True)
class Operations(Keras):
    """Keras's functions of the input, the kernel and the bias, channels last."""

    keeps = False

    @property
    def name(self) -> str:
        """The name."""
        return f"keras+{NAME}"

    @property
    def routes(self) -> Mapping[str, Keras]:
        """None: they are called as they are."""
        return {}

    def activation(self, name: str) -> str | None:
        """Return a statement that puts the function of this name behind ``layer``."""
        return f"layer = (lambda layer: lambda *arrays: keras.activations.{name}(layer(*arrays)))(layer)"

    def layers_for(self, case: Case, refuses: Refuses = refuses_nothing) -> list[Spelling | Unsupported]:
        """Return the functions of the layers' spellings."""
        found = super().layers_for(case, refuses)
        routed = [as_function(each) if isinstance(each, Spelling) else each for each in found]
        return [each for each in routed if each is not None]

    def exact(self, case: Case, *, any_size: bool = False) -> list[Spelling]:
        """Return a function that computes the case, with pads or crops around it, or one for each group."""
        routed = map(as_function, super().exact(case, any_size=any_size))
        return [each for each in routed if each is not None]

    def owns(self, thing: object) -> bool:  # noqa: ARG002 - part of the role
        """Return False: a function has no class."""
        return False

    def call(self, layer: Any, weights: Sequence[Array], x: Array) -> Array:
        """Call the function on (N, C, *spatial) and the arrays."""
        return super().call(Holding(layer, weights), weights, x)

    def backward(
        self, layer: Any, weights: Sequence[Array], x: Array, dy: Array
    ) -> tuple[Array, list[Array]]:
        """Return the gradients by the input and by the arrays, by the backend's own differentiation."""
        return super().backward(Holding(layer, weights), weights, x, dy)

    def calling(self, dtype: str) -> Script:
        """Call the function."""
        return Script(
            ("keras",),
            f"""\
arrays = [np.moveaxis(x, 1, -1), *converted]
arrays = [keras.ops.convert_to_tensor(each, dtype={dtype!r}) for each in arrays]
y = np.moveaxis(keras.ops.convert_to_numpy(layer(*arrays)).astype("float64"), -1, 1)""",
        )

    def differentiating(self, dtype: str) -> None:  # type: ignore[override]
        """Return None: each backend has its own way to gradients of functions."""
