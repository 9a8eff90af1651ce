"""What came of a translation: the code, the proof, and what there is to say of both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from convmm.geometry import shorten
from parity.cases.arrays import Array
from parity.cases.notation import format_shape
from parity.frameworks.code.script import Program
from parity.frameworks.table import find_framework
from parity.frameworks.weights import WeightsError, shapes_of
from parity.records.counts import Outcome
from parity.records.result import Result


@dataclass(frozen=True)
class Fault:
    """What is known of a framework, and kept the layers apart on some inputs.

    Attributes:
        name: of the known difference; None for a refusal that the framework's rules leave open.
        framework: whose it is.
        reason: one sentence.
        sizes: shapes of the inputs, channels first, on which it was seen.
    """

    name: str | None
    framework: str
    reason: str
    sizes: tuple[tuple[int, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the fault as JSON has it."""
        return {**asdict(self), "sizes": [list(shape) for shape in self.sizes]}


def faults(seen: Iterable[tuple[tuple[int, ...], Result]]) -> tuple[Fault, ...]:
    """Return each fault once, of the results that show it and the inputs that they are of."""
    sizes: dict[tuple[str | None, str, str], list[tuple[int, ...]]] = {}
    for shape, result in seen:
        about = (result.divergence, result.framework, str(result.reason))
        sizes.setdefault(about, []).append(shape)
    return tuple(Fault(*about, tuple(shapes)) for about, shapes in sizes.items())


@dataclass(frozen=True)
class Translation:
    """A layer's translation.

    Attributes:
        source: the expression.
        target: the framework.
        spelling: "native", a layer of the target alone, or "exact", layers put together.
        code: a complete script; executed, it leaves ``layer``, which takes the target's own input, and
            ``convert(weights)``, from the source layer's arrays to the list that the target's takes.
        outcome: of the proof, and the exit code. Both layers were run on every one of ``sizes`` with the
            same values. EXPLAINED: apart from ``known``, they were identical (with an activation: close).
            UNEXPLAINED: they were not. CRASHED: the only others crashed, or ran out of time.
            NOTHING_COMPARED: of every size something is known, or all outputs are zero.
        sizes: shapes of the inputs, channels first.
        lookalike: what a port by names would have been, and how it differs; None where it is right.
        notes: what was left out of the expression, and why.
        known: what is known of the frameworks, and keeps the layers from being compared on some of the sizes.
        exact: whether the outputs were compared to the bit, and not within the dtype's tolerances.
        weights: of the layer that was given itself; None of one that was typed, or has none yet.
    """

    source: str
    target: str
    spelling: str
    code: str
    outcome: Outcome
    sizes: tuple[tuple[int, ...], ...]
    lookalike: dict[str, Any] | None
    notes: tuple[str, ...]
    known: tuple[Fault, ...] = ()
    exact: bool = True
    weights: tuple[Array, ...] | None = field(default=None, compare=False, repr=False)

    def load(self, weights: Sequence[Array] | None = None) -> Any:  # noqa: ANN401 - any framework's
        """Make the target's layer in this process, with the weights in it; the framework is imported for it.

        Args:
            weights: of the source's layer, in its order and layout, in the place of its own.

        Returns:
            The target's layer; where its layers hold no weights, a function of the input, (N, C, *spatial).

        Raises:
            WeightsError: there are none, or they do not fit the layer.
            FrameworkError: the target cannot be used here.
        """
        found = self.weights if weights is None else weights
        if found is None:
            raise WeightsError(
                f"weights=None: {shorten(self.source)} was given without any: allowed is a list of its arrays"
            )
        arrays = [np.asarray(each) for each in found]
        target = find_framework(self.target)
        target.load()
        program = Program(self.code)
        try:
            converted = program.convert(arrays)
        except ValueError as error:  # of axes or sizes that there are not
            raise WeightsError(
                f"weights of the shapes {shapes_of(arrays)} do not fit {shorten(self.source)}: {error}"
            ) from None
        return target.filled(program.call(), converted, self.sizes[0])

    def _repr_html_(self) -> str:
        """Show the code and the proof in a notebook."""
        from parity.markup.templates import render  # noqa: PLC0415 - imported when it is looked at

        values = {"translation": self, "remarks": remarks(self)}
        return render("parity.translation", "translation.html", values)

    @property
    def verified(self) -> bool:
        """Whether both layers were proved to compute the same."""
        return self.outcome is Outcome.EXPLAINED

    @property
    def compared(self) -> tuple[tuple[int, ...], ...]:
        """The sizes on which no known fault stands between the layers."""
        excused = {shape for fault in self.known for shape in fault.sizes}
        return tuple(shape for shape in self.sizes if shape not in excused)

    def to_dict(self) -> dict[str, Any]:
        """Return the translation as JSON has it."""
        return {
            "source": self.source,
            "target": self.target,
            "spelling": self.spelling,
            "code": self.code,
            "verified": self.verified,
            "sizes": [list(shape) for shape in self.sizes],
            "lookalike": self.lookalike,
            "notes": list(self.notes),
            "known": [fault.to_dict() for fault in self.known],
        }


def remarks(translation: Translation) -> list[str]:
    """Return what there is to say about a translation, in sentences."""
    lines = list(translation.notes)
    wrong = translation.lookalike
    if wrong:
        lines.append(
            f"not {wrong['layer']}: on an input of {format_shape(wrong['input'])} it gives "
            f"{format_shape(wrong['shape'])} and {wrong['reason']}; the largest error on small integers is "
            f"{wrong['max_abs_error']}"
        )
    for fault in translation.known:
        what = "shows the" if fault.name else "may refuse this layer, and does:"
        lines.append(f"on inputs of sizes {_shapes(fault.sizes)} {fault.framework} {what} {fault.reason}")
    lines.append(
        f"{'verified' if translation.verified else 'NOT verified'} on inputs of sizes "
        f"{_shapes(translation.compared or translation.sizes)}: {_found(translation)}"
    )
    return lines


def _found(translation: Translation) -> str:
    if translation.verified and not translation.exact:
        return "equal within the tolerances of their dtype"
    return _FOUND[translation.outcome]


_FOUND = {
    Outcome.EXPLAINED: "identical",
    Outcome.UNEXPLAINED: "different",
    Outcome.CRASHED: "not compared",
    Outcome.NOTHING_COMPARED: "nothing was compared",
}


def _shapes(shapes: Iterable[tuple[int, ...]]) -> str:
    return ", ".join(map(format_shape, shapes))
