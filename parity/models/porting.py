"""Every convolution of a model in another framework, with the weights' conversions, proved one by one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convmm.geometry import GeometryError, shorten
from parity.cases.errors import InputError
from parity.frameworks.code.format import comment
from parity.frameworks.interface import Framework
from parity.frameworks.model import ModelError, Unread, Use
from parity.frameworks.table import find_framework
from parity.frameworks.task import Submit
from parity.models.files import write_all_new
from parity.models.given import name_of, open_model
from parity.models.inputs import Input, arrays_of
from parity.models.page import counted, table
from parity.models.writing import Piece, layers_file, test_file
from parity.records.counts import Outcome, worst
from parity.translation.result import Translation, remarks
from parity.translation.translator import Draft, draft
from parity.workers.shared import shared

LAYERS_FILE, TEST_FILE = "layers.py", "test_layers.py"

COLUMNS = ("layer", "source", "target", "proof")


@dataclass(frozen=True)
class Ported:
    """A layer of the source, and what came of it.

    Attributes:
        name: of the layer in its model.
        source: it as code.
        sizes: shapes of the inputs that it sees, (N, C, *spatial), each once.
        state: where its arrays stand in the model's state, as code that reads ``state``; empty if they do
            not.
        translation: what :func:`parity.translate` gives; None where there is none.
        piece: the target's code; None as above.
        why_not: why there is none, in a sentence.
    """

    name: str
    source: str
    sizes: tuple[tuple[int, ...], ...]
    state: tuple[str, ...]
    translation: Translation | None
    piece: Piece | None
    why_not: str | None = None

    @property
    def outcome(self) -> Outcome:
        """Of the proof; WRONG_INPUT where the target has no such layer."""
        return Outcome.WRONG_INPUT if self.translation is None else self.translation.outcome

    @property
    def traps(self) -> tuple[str, ...]:
        """What whoever writes the layer has to know, in sentences."""
        if self.translation is None:
            return ()
        found = [each for each in remarks(self.translation) if "verified on inputs" not in each]
        return (*found, *([] if self.state else [_NO_STATE]))

    @property
    def cells(self) -> tuple[str, ...]:
        """A row of the table, of :data:`COLUMNS`."""
        if self.translation is None or self.piece is None:
            return self.name, self.source, "", str(self.why_not)
        return self.name, self.source, self.piece.layer, _PROOFS[self.translation.outcome]

    def to_dict(self) -> dict[str, Any]:
        """Return the layer as JSON has it."""
        return {
            "name": self.name,
            "source": self.source,
            "sizes": [list(shape) for shape in self.sizes],
            "state": list(self.state),
            "layer": None if self.piece is None else self.piece.layer,
            "translation": None if self.translation is None else self.translation.to_dict(),
            "traps": list(self.traps),
            "why_not": self.why_not,
        }


_NO_STATE = (
    "its arrays are computed while the model runs, as by a weight norm, and stand in no state: remove that "
    "from the model first (torch.nn.utils.parametrize.remove_parametrizations, or remove_weight_norm)"
)

_PROOFS = {
    Outcome.EXPLAINED: "identical",
    Outcome.UNEXPLAINED: "different",
    Outcome.CRASHED: "not compared",
    Outcome.NOTHING_COMPARED: "nothing was compared",
}


@dataclass(frozen=True)
class Port:
    """A model's layers in another framework.

    Attributes:
        model: what the source was given as.
        framework: whose it is.
        target: the framework that they are written in.
        layers: of the source, each once.
        unread: what could not be read.
        notes: what is to be said of the model.
        state_is: what ``convert`` takes, in words or code.
    """

    model: str
    framework: str
    target: str
    layers: tuple[Ported, ...]
    unread: tuple[Unread, ...]
    notes: tuple[str, ...]
    state_is: str

    @property
    def outcome(self) -> Outcome:
        """Of all the proofs; NOTHING_COMPARED of a model without convolutions."""
        return worst(each.outcome for each in self.layers) if self.layers else Outcome.NOTHING_COMPARED

    @property
    def code(self) -> str:
        """The file that makes ``layers`` and has ``convert(state)`` and ``converters``."""
        lines = [*self._head(), *self._left_out()]
        head = "\n".join(comment(line) for line in lines)
        pieces = [each.piece for each in self.layers if each.piece is not None]
        return layers_file(head, pieces, self.state_is)

    @property
    def test(self) -> str:
        """The file that proves each layer against the source's, on the sizes that it sees."""
        pieces = [each.piece for each in self.layers if each.piece is not None]
        source = find_framework(pieces[0].reader if pieces else self.framework)
        target = find_framework(self.target)
        return test_file(f"Each layer of {self.model}, beside its source.", source, target, pieces)

    def write(self, folder: str | Path) -> tuple[Path, ...]:
        """Write both files into a folder, which is made if it is not there.

        Raises:
            ModelError: there is no layer, or one of the files is there already, or cannot be written.
        """
        if not any(each.piece is not None for each in self.layers):
            raise ModelError(f"{self.model} has no convolution that {self.target} has a layer for")
        where = Path(folder)
        return write_all_new({where / LAYERS_FILE: self.code, where / TEST_FILE: self.test})

    @property
    def sentences(self) -> list[str]:
        """What there is to say beside the table."""
        said = list(self.notes)
        said += [f"{name}: {trap}" for trap, name in self._traps()]
        said += [f"{each.name} cannot be read: {each.reason}" for each in self.unread]
        proved = sum(each.outcome is Outcome.EXPLAINED for each in self.layers)
        return [*said, f"{counted(len(self.layers), 'convolution')}, {proved} proved in {self.target}"]

    def _traps(self) -> Iterator[tuple[str, str]]:
        """Yield each trap once, with the names of the layers that have it."""
        found: dict[str, list[str]] = {}
        for each in self.layers:
            for trap in each.traps:
                found.setdefault(trap, []).append(each.name)
        for trap, names in found.items():
            yield trap, ", ".join(names)

    def _head(self) -> list[str]:
        return [f"The convolutions of {self.model} ({self.framework}) in {self.target}."]

    def _left_out(self) -> list[str]:
        missing = [each for each in self.layers if each.why_not is not None]
        said = [f"Not here: {each.name}, {each.source}: {each.why_not}" for each in missing]
        return [*said, *(f"Not read: {each.name}: {each.reason}" for each in self.unread)]

    def to_dict(self) -> dict[str, Any]:
        """Return the port as JSON has it."""
        return {
            "schema": 1,
            "model": self.model,
            "framework": self.framework,
            "target": self.target,
            "layers": [each.to_dict() for each in self.layers],
            "code": self.code,
            "test": self.test,
            "unread": [each.to_dict() for each in self.unread],
            "notes": list(self.notes),
        }

    def _repr_html_(self) -> str:
        """Show the table in a notebook."""
        return table(COLUMNS, (each.cells for each in self.layers), self.sentences)

    def __str__(self) -> str:
        """Return a line a layer, and the sentences."""
        rows = (" | ".join(cell for cell in each.cells if cell) for each in self.layers)
        return "\n".join([*rows, *self.sentences])


def port(model: object, to: str, inputs: Sequence[Input] | None = None) -> Port:
    """Write each convolution of a model in another framework, and prove each.

    The model is opened in this process; the proofs run in processes of the frameworks' own.

    Args:
        model: an object, "module:attribute" or a file, as of :func:`parity.models.given.open_model`.
        to: the framework, such as "keras".
        inputs: of the model, in order: shapes (N, C, *spatial), arrays, or .npy files; None for the shapes
            that it declares.

    Raises:
        ModelError: the model cannot be opened or run.
        FrameworkError: an unknown framework, or one that is not installed.
    """
    target = find_framework(to)
    opened = open_model(model)
    uses, unread = opened.calls(arrays_of(opened, inputs))
    layers = _by_name(uses)
    proofs: dict[object, tuple[Draft, Translation] | str] = {}
    found = tuple(_ported(name, calls, target, proofs, shared().submit) for name, calls in layers.items())
    return Port(name_of(model), opened.framework, to, found, unread, opened.notes, opened.state_is)


def _by_name(uses: Sequence[Use]) -> dict[str, list[Use]]:
    """Return the calls of each layer; of a name that stands for several layers, the others are numbered.

    So it is where a function takes one kernel twice, or a transposed layer an ``output_size``.
    """
    layers: dict[tuple[object, ...], list[Use]] = {}
    for use in uses:
        layers.setdefault((use.name, use.text, use.state, use.kernel_shape), []).append(use)
    taken = {use.name for use in uses}
    found: dict[str, list[Use]] = {}
    for calls in layers.values():
        name = calls[0].name
        numbered = (f"{name} ({number})" for number in itertools.count(2))
        free = (each for each in numbered if each not in taken and each not in found)
        found[name if name not in found else next(free)] = calls
    return found


def _ported(
    name: str,
    calls: Sequence[Use],
    target: Framework,
    proofs: dict[object, tuple[Draft, Translation] | str],
    submit: Submit,
) -> Ported:
    """Translate a layer, and prove it, where none like it has been."""
    use = calls[0]
    sizes = tuple(dict.fromkeys(each.case.input for each in calls))
    key = use.text, use.kernel_shape, use.case.input[1], sizes
    if key not in proofs:
        proofs[key] = _proved(use, sizes, target, submit)
    found = proofs[key]
    if isinstance(found, str):
        return Ported(name, use.text, sizes, use.state, None, None, found)
    written, translation = found
    traps = Ported(name, use.text, sizes, use.state, translation, None).traps
    piece = Piece.of(name, use, written, sizes, traps)
    return Ported(name, use.text, sizes, use.state, translation, piece)


def _proved(
    use: Use, sizes: Sequence[tuple[int, ...]], target: Framework, submit: Submit
) -> tuple[Draft, Translation] | str:
    """Return a layer's translation, for the one size that it sees, or else for any; or why there is none."""
    reasons = []
    for shape in (sizes[0], None) if len(sizes) == 1 else (None,):
        try:
            written = draft(use.text, target.name, shape, use.case.input[1], use.kernel_shape)
        except (InputError, GeometryError) as error:
            reasons.append(shorten(str(error), 500))
            continue
        if not isinstance(written, Draft):
            return "it is a chain of layers, and only single ones are ported"
        return written, written.prove(submit)
    return reasons[0]
