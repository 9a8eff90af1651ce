"""What changed between two records of one case."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from parity.cases.notation import format_shape
from parity.records.result import Record, Result

Kind = Literal[
    "verdict",
    "new difference",
    "gone difference",
    "relation",
    "error",
    "explanation",
    "shape",
    "window",
    "precision",
    "layer",
    "result",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

PRECISION_FACTOR = 16
"""By how much an error has to grow or shrink before its precision counts as changed.

Two correct implementations differ too, and so does one implementation on two machines: sums are taken in
another order. Over a thousand layers with normal values, the largest error over its bound moved by a factor
of up to 5 with the switches of oneDNN and the threads, and of up to 14 from one framework to another. An
error of exactly zero says nothing: on small cases it comes and goes by chance. A sum kept in TF32 or
bfloat16 loses 13 bits or more, and shows, even where so many terms leave it within the bound.
"""

_ROUNDED = ("identical", "numeric", "no verdict")
"""Relations whose error is one of rounding; that of a window measures how unlike its elements are."""

Contestant = tuple[str, str]
"""A framework and an output of its: "value" or a gradient."""


class Change(NamedTuple):
    """One thing that changed of one case.

    Attributes:
        kind: what it is: "verdict", of the whole case; "new difference" and "gone difference", a result that
            was identical, or is; "relation", both differ, in other ways; "error", either was not computed,
            and the status or the exception's class changed; "explanation", what was explained is not, or
            the reverse; "shape"; "window", it begins elsewhere; "precision"; "layer", its code; "result",
            a spelling that only one record has.
        result: framework, spelling and, for a gradient, output; None for what concerns the case.
        how: in words that are the same for all cases that changed in the same way.
        old: what it was, as JSON has it; None without one.
        new: what it is.
    """

    kind: Kind
    result: str | None
    how: str
    old: Any
    new: Any


class ToldResult(msgspec.Struct, frozen=True, array_like=True):
    """What of a result can change, as :class:`parity.records.result.Result` has it."""

    label: str
    framework: str
    output: str
    status: str
    relation: str | None
    offset: tuple[int, ...] | None
    error_class: str | None
    explained: bool
    shape: tuple[int, ...] | None
    bound_ratio: float | None
    max_abs_error: float | None
    layer: str | None


class Told(msgspec.Struct, frozen=True, array_like=True):
    """What of a record can change, and what names it.

    Attributes:
        command: the record's.
        name: its case's in its suite; empty where it has none.
        verdict: its.
        expected: whether its suite expects a verdict.
        unmet: as :attr:`parity.records.result.Record.unmet`.
        shape: the reference's; None where that was not recorded.
        results: its.
    """

    command: str
    name: str
    verdict: str
    expected: bool
    unmet: str | None
    shape: tuple[int, ...] | None
    results: tuple[ToldResult, ...]


def told(record: Record) -> Told:
    """Return what of a record can change."""
    return Told(
        record.command,
        record.place[1],
        record.verdict,
        record.expected is not msgspec.UNSET,
        record.unmet,
        None if record.reference is None else record.reference.shape,
        tuple(map(_told, record.results)),
    )


def _told(result: Result) -> ToldResult:
    return ToldResult(
        result.label,
        result.framework,
        result.output,
        result.status,
        result.relation,
        result.offset,
        result.error_class,
        result.explained,
        result.shape,
        result.bound_ratio,
        result.max_abs_error,
        result.layer,
    )


def contestants(record: Told) -> set[Contestant]:
    """Return the frameworks of a record, each with every output that it has a result for."""
    return {(result.framework, result.output) for result in record.results}


def changes(old: Told, new: Told, apart: Container[Contestant] = ()) -> Iterator[Change]:
    """Yield everything that changed from one record of a case to another, per result as in :data:`KINDS`.

    Bits, times, the order of the results, warnings (many are given once a process, by whichever case comes
    first) and the wording of reasons are no change. A key that a record lacks, being from before there was
    one, is not compared.

    Args:
        old: a record.
        new: a record of the same case.
        apart: contestants to leave out; the verdicts, which say something of them too, are not compared
            where there are any.
    """
    everyone = contestants(old) | contestants(new)
    if not any(each in apart for each in everyone):
        both = old.expected and new.expected
        before, after = (_verdict(each, expected=both) for each in (old, new))
        if before != after:
            yield _moved("verdict", None, before, after)
    yield from _shape("reference", old.shape, new.shape)
    olds, news = _by_label(old, apart), _by_label(new, apart)
    for label in sorted({*olds, *news}):
        if label in olds and label in news:
            yield from _result_changes(label, olds[label], news[label])
        else:
            states = (_state(each[label]) if label in each else None for each in (olds, news))
            yield _moved("result", label, *states)


def _verdict(record: Told, *, expected: bool) -> str:
    return f"{record.verdict} ({record.unmet})" if expected and record.unmet else record.verdict


def _by_label(record: Told, apart: Container[Contestant]) -> dict[str, ToldResult]:
    return {each.label: each for each in record.results if (each.framework, each.output) not in apart}


def _result_changes(label: str, old: ToldResult, new: ToldResult) -> Iterator[Change]:
    yield from _outcome(label, old, new)
    if old.explained != new.explained:
        words = ("unexplained", "explained")
        yield _moved("explanation", label, words[old.explained], words[new.explained])
    yield from _shape(label, old.shape, new.shape)
    yield from _precision(label, old, new)
    yield from _layer(label, old, new)


def _outcome(label: str, old: ToldResult, new: ToldResult) -> Iterator[Change]:
    placed = _has_place(old) and _has_place(new)
    before, after = _state(old, placed=placed), _state(new, placed=placed)
    if before != after:
        yield _moved(_kind(old, new), label, before, after)


def _kind(old: ToldResult, new: ToldResult) -> Kind:
    if not old.status == new.status == "ok":
        return "error"
    if old.relation == new.relation:
        return "window"
    if old.relation == "identical":
        return "new difference"
    return "gone difference" if new.relation == "identical" else "relation"


def _state(result: ToldResult, *, placed: bool = True) -> str:
    """Say what became of a result, such as "window at 1,1" or "rejected (ValueError)"."""
    if result.status != "ok":
        named = result.error_class is not None and result.status != "invalid"
        return f"{result.status} ({result.error_class})" if named else result.status
    offset = result.offset if placed else None
    at = f" at {','.join(map(str, offset))}" if offset and any(offset) else ""
    return f"{result.relation}{at}"


def _shape(label: str, old: Sequence[int] | None, new: Sequence[int] | None) -> Iterator[Change]:
    if old is not None and new is not None and old != new:
        yield Change("shape", label, _growth(old, new), list(old), list(new))


def _growth(old: Sequence[int], new: Sequence[int]) -> str:
    """Say the same for layers of every size that lose or gain the same elements."""
    if len(old) != len(new):
        return f"{format_shape(old)} -> {format_shape(new)}"
    steps = [after - before for before, after in zip(old, new, strict=True)]
    return "by " + ",".join(f"{step:+}" if step else "0" for step in steps)


def _precision(label: str, old: ToldResult, new: ToldResult) -> Iterator[Change]:
    if old.relation != new.relation or old.relation not in _ROUNDED:
        return
    for measure in ("bound_ratio", "max_abs_error"):
        before, after = getattr(old, measure), getattr(new, measure)
        if before is not None and after is not None:
            if min(before, after) > 0 and max(before, after) > PRECISION_FACTOR * min(before, after):
                grew = "grew" if after > before else "shrank"
                yield Change(
                    "precision", label, f"{measure} {grew} more than {PRECISION_FACTOR}-fold", before, after
                )
            return


def _layer(label: str, old: ToldResult, new: ToldResult) -> Iterator[Change]:
    if _has_layer(old) and _has_layer(new) and old.layer != new.layer:
        yield Change("layer", label, _edit(old.layer, new.layer), old.layer, new.layer)


def _has_place(result: ToldResult) -> bool:
    """Return whether it says where it begins; records from before there were offsets do not."""
    return result.relation != "window" or result.offset is not None


def _has_layer(result: ToldResult) -> bool:
    """Return whether its layer is known, or that there is none; the oldest records know neither."""
    return result.layer is not None or result.status == "unsupported"


def _edit(old: str | None, new: str | None) -> str:
    """List the words of the code that went and came."""
    before, after = (Counter(re.findall(r"[^\s,()]+", text or "no layer")) for text in (old, new))
    edited = [
        *(f"-{word}" for word in sorted((before - after).elements())),
        *(f"+{word}" for word in sorted((after - before).elements())),
    ]
    return " ".join(edited) or "the same words in another order"


def _moved(kind: Kind, label: str | None, old: str | None, new: str | None) -> Change:
    return Change(kind, label, f"{old or 'no result'} -> {new or 'no result'}", old, new)
