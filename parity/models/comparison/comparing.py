"""Two models run once on the same input, and compared layer by layer."""

from __future__ import annotations

import tempfile
from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from parity.cases.arrays import Array
from parity.frameworks.precision import ROUNDOFF
from parity.models.comparison.distance import distance
from parity.models.comparison.judging import Trail, blamed, judge
from parity.models.comparison.mapping import pairs_of, read_map
from parity.models.comparison.pairing import Pairing, numbers_in, pair
from parity.models.comparison.recording import MEMORY, Recording, Room, record
from parity.models.comparison.result import Cause, Comparison, Finding, Side
from parity.models.given import name_of, open_model
from parity.models.inputs import Input, arrays_of

_AMBIGUOUS = (
    "one model has more layers of some shape than the other, and they are paired in order: "
    "a map says it better"
)


def compare(
    a: object,
    b: object,
    inputs: Sequence[Input] | None = None,
    map: str | Path | None = None,  # noqa: A002 - its public name
) -> Comparison:
    """Compare two models of any two frameworks, layer by layer, and find where they part.

    Both run once on the same input, in this process. Their convolutions are paired, and each pair is judged
    alone: the second model's layer, with its own weights, is given the first one's input of that layer, and
    gives what the first one gave, within what rounding allows, or does not.

    Args:
        a: the model that is taken for right: an object, "module:attribute", or a file, as of
            :func:`parity.models.given.open_model`.
        b: the other.
        inputs: of both, in order: shapes (N, C, *spatial), arrays, or .npy files; None for the shapes that
            one of the models declares.
        map: a file that says which layer is which, as :func:`parity.models.comparison.mapping.write_map`
            writes it; None to find out.

    Raises:
        ModelError: a model that cannot be opened or run, or a map that cannot be read or does not fit.
    """
    wanted = None if map is None else read_map(Path(map))
    models = open_model(a), open_model(b)
    declaring = next((each for each in models if each.declared), models[0])
    arrays = arrays_of(declaring, inputs)
    with tempfile.TemporaryDirectory(prefix="parity-models-") as name:
        room = Room(Path(name), MEMORY)
        ours = record(models[0], arrays, room, outputs=True)
        theirs = record(models[1], arrays, room, outputs=False)
        calls = ours.calls, theirs.calls
        pairing = pair(*calls) if wanted is None else pairs_of(wanted, *calls)
        trail = Trail()
        findings = _findings(ours, theirs, pairing, trail)
    outputs_apart = _outputs_apart(ours.outputs, theirs.outputs)
    agree = _agree(trail, outputs_apart, ours, theirs)
    parts = outputs_apart is not None and not agree and not trail.parted
    after = None
    if parts and outputs_apart is not None and not _blame(findings, trail, outputs_apart):
        after = _after(trail, outputs_apart)
    return Comparison(
        _side(a, ours, {i for i, _ in pairing.pairs}),
        _side(b, theirs, {j for _, j in pairing.pairs}),
        tuple(findings),
        outputs_apart,
        agree,
        after,
        notes=_notes((a, ours), (b, theirs), pairing),
        mapped=wanted is not None,
    )


def _findings(ours: Recording, theirs: Recording, pairing: Pairing, trail: Trail) -> list[Finding]:
    named: dict[Hashable, str] = {}

    def others(kernel: Array) -> str | None:
        if not named:
            named.update({numbers_in(call.use.kernel): call.use.name for call in reversed(ours.calls)})
        return named.get(numbers_in(kernel.astype(np.float32)))

    frameworks = ours.framework, theirs.framework
    findings: list[Finding] = []
    for number, (i, j) in enumerate(pairing.pairs):
        found = judge(ours.calls[i], theirs.calls[j], trail, frameworks, others, number)
        findings.append(found)
        if found.before is not None and _blame(findings, trail, found.inputs_apart):
            cause: Cause = "same" if found.cause == "between" else found.cause
            findings[number] = replace(found, before=None, cause=cause)
    return findings


def _blame(findings: list[Finding], trail: Trail, by: float) -> bool:
    """Blame the last pair that waits to be made up for, where that explains a distance; say if so."""
    waiting = next((each for each in reversed(trail.waiting) if each.is_to_blame(by)), None)
    if waiting is not None:
        findings[waiting.number] = blamed(findings[waiting.number], waiting)
    return waiting is not None


def _side(given: object, found: Recording, paired: set[int]) -> Side:
    alone = [call.label for number, call in enumerate(found.calls) if number not in paired]
    return Side(name_of(given), found.framework, tuple(alone), found.unread)


def _notes(
    ours: tuple[object, Recording], theirs: tuple[object, Recording], pairing: Pairing
) -> tuple[str, ...]:
    said = [f"{name_of(given)}: {note}" for given, found in (ours, theirs) for note in found.notes]
    return (*said, *([_AMBIGUOUS] if pairing.ambiguous else []))


def _after(trail: Trail, outputs_apart: float) -> str:
    """Say that what runs after the last pair differs, or all of it where there is no pair."""
    last = "the inputs" if trail.last is None else " and ".join(dict.fromkeys(trail.last))
    by = f"the models' outputs are {outputs_apart:.1e} apart, relative to their size"
    return f"what runs after {last} differs: {by}"


def _agree(trail: Trail, outputs_apart: float | None, ours: Recording, theirs: Recording) -> bool:
    """Return whether the models' outputs differ by no more than rounding makes."""
    dtypes = {call.use.case.dtype for found in (ours, theirs) for call in found.calls} or {"float32"}
    roundoff = max(ROUNDOFF[dtype] for dtype in dtypes)
    return outputs_apart is not None and not trail.differ(outputs_apart, roundoff)


def _outputs_apart(ours: Sequence[Array], theirs: Sequence[Array]) -> float | None:
    """Return the largest distance of two models' outputs; None where they have not as many, or none."""
    if len(ours) != len(theirs) or not ours:
        return None
    return max(_apart_in_any_layout(a, b) for a, b in zip(ours, theirs, strict=True))


def _apart_in_any_layout(a: Array, b: Array) -> float:
    """Return the distance of two outputs, channels first or last: nothing says where they are."""
    layouts = [b]
    if b.ndim > len(("batch", "channels")):
        layouts += [np.moveaxis(b, 1, -1), np.moveaxis(b, -1, 1)]
    return min(distance(a, each) for each in layouts)
