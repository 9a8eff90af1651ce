"""A whole model in the hands of its framework: the convolutions that it calls, as they are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from convmm.geometry import shorten
from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.cases.errors import InputError
from parity.cases.notation import format_shape
from parity.frameworks.attempt import describe

Again = Callable[[Array], Array]
"""Computes the very layer on another input: (N, C, *spatial) to (N, O, *spatial), without its activation."""


class ModelError(InputError):
    """A model that cannot be opened or run as it is; the message says why, in one sentence."""


@dataclass(frozen=True, eq=False)
class Use:
    """One call of a convolution while its model runs.

    Attributes:
        name: of the layer in its model, such as "encoder.0.conv"; of a layer that is called twice the same.
        text: the layer as an expression that :func:`parity.translate` reads, without an activation.
        case: what it computes, on the sizes that it sees, in the dtype of its weights.
        kernel: convmm's, (O, C/groups, *kernel), or of transposed ops (C, O/groups, *kernel).
        bias: (O,), or None.
        state: where its arrays stand in the model's own state, each as code that reads ``state``, such as
            'state["conv.weight"]': the kernel's and then the bias's, in the layout of ``text``. Empty where
            they stand in none, as those that are computed when the model runs.
        kernel_shape: of the kernel's array in that layout, where ``text`` does not carry it, as for ONNX.
        again: computes the layer on another input.
    """

    name: str
    text: str
    case: Case
    kernel: Array = field(repr=False)
    bias: Array | None = field(repr=False)
    state: tuple[str, ...]
    again: Again = field(repr=False)
    kernel_shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Unread:
    """What looks like a convolution of a model and cannot be read.

    Attributes:
        name: where it stands in its model.
        reason: one sentence.
    """

    name: str
    reason: str

    def to_dict(self) -> dict[str, str]:
        """Return it as JSON has it."""
        return {"name": self.name, "reason": self.reason}


Seen = Callable[[Use, Array, Array], None]
"""Takes a call with its input, (N, C, *spatial), and its output before any activation, (N, O, *spatial).

The arrays may be written to when it has returned: who needs them longer copies them.
"""


@dataclass(frozen=True)
class Ran:
    """What came of running a model.

    Attributes:
        outputs: its arrays, in its own order; those of the layout (N, *spatial, C) as (N, C, *spatial).
        unread: what could not be read, each name once.
    """

    outputs: tuple[Array, ...]
    unread: tuple[Unread, ...] = ()


class Model:
    """A model that is open in this process.

    Attributes:
        framework: the name of whose it is; of a file, of who runs it.
        notes: what is to be said of it, in sentences, such as that it was in training mode.
        state_is: what ``state`` is in the code of :attr:`Use.state`, in words or code.
    """

    framework: str
    notes: tuple[str, ...] = ()
    state_is: str = "the model's arrays by their names"

    @property
    def declared(self) -> tuple[tuple[int | None, ...], ...] | None:
        """The shapes of its inputs, (N, C, *spatial), with None for what is free; None where it says none."""
        return None

    def run(self, inputs: Sequence[Array], seen: Seen) -> Ran:
        """Run it once, and tell of each call of a convolution as it comes.

        It is run as for use and not for training, and is left in the state that it was in.

        Args:
            inputs: its inputs in order, those with channels as (N, C, *spatial) whatever its own layout is.
            seen: is told of each call.

        Raises:
            ModelError: it takes other inputs, it raises, or its arrays are where they cannot be had.
        """
        raise NotImplementedError

    def calls(self, inputs: Sequence[Array]) -> tuple[list[Use], tuple[Unread, ...]]:
        """Return the calls of its convolutions in order, and what cannot be read.

        The arguments and errors are those of :meth:`run`. A model that knows the sizes of its layers' inputs
        without being run need not be run.
        """
        uses: list[Use] = []
        ran = self.run(inputs, lambda use, _x, _y: uses.append(use))
        return uses, ran.unread


def raised(what: str, error: BaseException, inputs: Sequence[Array]) -> ModelError:
    """Make the error of a model that raised while it ran; ``what`` names it."""
    shapes = " and ".join(format_shape(each.shape) for each in inputs)
    return ModelError(f"{what} raised on inputs of {shapes}: {describe(error)}")


def same_shape(declared: Sequence[int | None], given: Sequence[int]) -> bool:
    """Return whether an input's shape is one that a model declares."""
    return len(declared) == len(given) and all(
        due in {None, size} for due, size in zip(declared, given, strict=True)
    )


LEAST_RANK = 3
"""Axes of an array that has a batch, channels and space."""


def first_of_last(shape: Sequence[int | None]) -> tuple[int | None, ...]:
    """Return the shape (N, C, *spatial) of one of (N, *spatial, C)."""
    return (shape[0], shape[-1], *shape[1:-1])


def written_shape(shape: Sequence[int | None]) -> str:
    """Write a shape with a question mark for what is free."""
    return ",".join("?" if size is None else str(size) for size in shape)


def file_error(path: Path, why: str) -> ModelError:
    """Make the error of a file that holds no model that can be read."""
    return ModelError(f"model {shorten(str(path))}: {why}")
