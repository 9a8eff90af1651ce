"""The convolutions of a model, in the order in which it calls them, and the suite that they make."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parity.cases.case import Case
from parity.cases.notation import format_shape
from parity.frameworks.model import ModelError, Unread, Use
from parity.models.files import write_new
from parity.models.given import name_of, open_model
from parity.models.inputs import Input, arrays_of
from parity.models.page import counted, table

COLUMNS = ("layer", "input", "output", "code")


@dataclass(frozen=True)
class Listed:
    """A call of a convolution.

    Attributes:
        name: of the layer in its model.
        layer: it as code, without an activation.
        case: what it computes, on the sizes that it sees.
        state: where its arrays stand in the model's state, as code that reads ``state``; empty if they do
            not.
    """

    name: str
    layer: str
    case: Case
    state: tuple[str, ...]

    @classmethod
    def of(cls, use: Use) -> Listed:
        """Make it of a call, without its arrays."""
        return cls(use.name, use.text, use.case, use.state)

    @property
    def cells(self) -> tuple[str, ...]:
        """A row of the table, of :data:`COLUMNS`."""
        return self.name, format_shape(self.case.input), format_shape(self.case.output_shape), self.layer

    def to_dict(self) -> dict[str, Any]:
        """Return the call as JSON has it."""
        return {
            "name": self.name,
            "layer": self.layer,
            "case": self.case.to_dict(),
            "command": self.case.command,
            "output": list(self.case.output_shape),
            "state": list(self.state),
        }


@dataclass(frozen=True)
class Listing:
    """The convolutions of a model.

    Attributes:
        model: what it was given as.
        framework: whose it is.
        calls: of its convolutions, in order; a layer that is called twice is there twice.
        unread: what could not be read, and why.
        notes: what is to be said of the model.
    """

    model: str
    framework: str
    calls: tuple[Listed, ...]
    unread: tuple[Unread, ...]
    notes: tuple[str, ...]

    @property
    def shared(self) -> Mapping[str, int]:
        """How often each layer is called that is called more than once."""
        counts = Counter(call.name for call in self.calls)
        return {name: count for name, count in counts.items() if count > 1}

    @property
    def sentences(self) -> list[str]:
        """What there is to say beside the table."""
        said = list(self.notes)
        said += [f"{name} is called {count} times" for name, count in self.shared.items()]
        said += [f"{each.name} cannot be read: {each.reason}" for each in self.unread]
        counts = {
            "convolution": len({call.name for call in self.calls}),
            "call": len(self.calls),
            "different case": len(self._by_case),
        }
        return [*said, ", ".join(counted(number, what) for what, number in counts.items())]

    @property
    def _by_case(self) -> dict[Case, list[str]]:
        found: dict[Case, list[str]] = {}
        for call in self.calls:
            found.setdefault(call.case, []).append(call.name)
        return found

    def suite(self) -> str:
        """Write the suite of these cases as TOML: equal layers once, with all their names.

        Raises:
            ModelError: the model has no convolution.
        """
        if not self.calls:
            raise ModelError(f"{self.model} has no convolution: there is no suite without a case")
        lines = [f"description = {_toml(f'the convolutions of {self.model} ({self.framework})')}"]
        for case, names in self._by_case.items():
            lines += ["", "[[case]]", f"name = {_toml(names[0])}", f"note = {_toml(_note(names))}"]
            lines += [f"{key} = {_toml(value)}" for key, value in _fields(case)]
        return "\n".join(lines) + "\n"

    def write(self, path: str | Path) -> None:
        """Write the suite into a file that is not there yet.

        Raises:
            ModelError: there is no convolution, or the file is there already, or cannot be written.
        """
        write_new(Path(path), self.suite())

    def to_dict(self) -> dict[str, Any]:
        """Return the listing as JSON has it."""
        return {
            "schema": 1,
            "model": self.model,
            "framework": self.framework,
            "layers": [call.to_dict() for call in self.calls],
            "unread": [each.to_dict() for each in self.unread],
            "notes": list(self.notes),
        }

    def _repr_html_(self) -> str:
        """Show the table in a notebook."""
        return table(COLUMNS, (call.cells for call in self.calls), self.sentences)

    def __str__(self) -> str:
        """Return a line a call, and the sentences."""
        return "\n".join([*(" | ".join(call.cells) for call in self.calls), *self.sentences])


def layers(model: object, inputs: Sequence[Input] | None = None) -> Listing:
    """List the convolutions that a model calls, in order, on the sizes that they see.

    The model is opened, and where it has to be run once, in this process.

    Args:
        model: an object, "module:attribute" or a file, as of :func:`parity.models.given.open_model`.
        inputs: of it, in order: shapes (N, C, *spatial), arrays, or .npy files; None for the shapes that it
            declares.

    Raises:
        ModelError: it cannot be opened or run.
    """
    opened = open_model(model)
    uses, unread = opened.calls(arrays_of(opened, inputs))
    return Listing(name_of(model), opened.framework, tuple(map(Listed.of, uses)), unread, opened.notes)


def _note(names: Sequence[str]) -> str:
    counts = Counter(names)
    named = ", ".join(name if count == 1 else f"{name} ({count} times)" for name, count in counts.items())
    return f"{counted(len(names), 'call')}: {named}"


_USUAL = Case("conv1d", (1, 1, 1), 1, 1).to_dict()
_ALWAYS = ("op", "input", "filters", "kernel")


def _fields(case: Case) -> Iterator[tuple[str, object]]:
    """Yield the fields of a case that are not what they are by default."""
    for key, value in case.to_dict().items():
        usual = _USUAL.get(key)
        by_default = usual * case.rank if isinstance(usual, list) else usual
        if key in _ALWAYS or value not in (None, by_default):
            yield key, value


def _toml(value: object) -> str:
    """Write a value as TOML: of texts, flags and numbers as JSON does, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
