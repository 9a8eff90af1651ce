"""Which arguments of each framework give a wanted output size, and where each of its outputs begins."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from convmm.geometry import Axis, GeometryError, Ints, check_ints
from parity.cases.case import Case
from parity.frameworks.interface import Framework
from parity.frameworks.known.registry import layers_of
from parity.frameworks.spelling import Spelling, Unsupported
from parity.frameworks.table import usual_frameworks

MOST_WINDOWS = 64
"""Windows that the frameworks are asked for, the most even ones first: nobody reads more."""


class Window(NamedTuple):
    """Where an output of the wanted size lies on one axis.

    Attributes:
        before: elements of the full response before a transposed convolution's output, of the padding before
            a convolution's input.
        after: the same behind it; negative where an output padding goes on after the full response.
    """

    before: int
    after: int

    @property
    def unevenness(self) -> int:
        """How much the two ends differ."""
        return abs(self.before - self.after)


@dataclass(frozen=True)
class Answer:
    """A layer that gives the wanted size.

    Attributes:
        layer: as code.
        begins: on each axis, ``before`` of its window.
        variant: what tells it from the framework's other layers of the same window; mostly empty.
        call: code that calls a layer with the output's size in place of an output padding, for the same
            output; None where the framework has no such argument, or there is none to replace.
        doubt: why the framework may refuse it on some machines; None where it does not.
    """

    layer: str
    begins: tuple[int, ...]
    variant: str
    call: str | None
    doubt: str | None


@dataclass(frozen=True)
class Answers:
    """What one framework has.

    Attributes:
        framework: its name.
        layers: all that give the size, the most even window first.
        reason: where there are none, why.
    """

    framework: str
    layers: tuple[Answer, ...]
    reason: str | None


@dataclass(frozen=True)
class Wanted:
    """A wanted size, and what every framework has for it.

    Attributes:
        case: the layer and its input; its padding is not part of the question.
        sizes: the wanted ones, on each axis.
        windows: how many windows there are of that size.
        asked: for how many of them the frameworks were asked, at most :data:`MOST_WINDOWS`.
        answers: of each framework.
    """

    case: Case
    sizes: tuple[int, ...]
    windows: int
    asked: int
    answers: tuple[Answers, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        counts = {"windows": self.windows, "asked": self.asked}
        question = {"op": self.case.op, "input": self.case.input, "want": self.sizes}
        return {**question, **counts, "answers": [asdict(each) for each in self.answers]}


def find_wanted(case: Case, want: Ints) -> Wanted:
    """Ask every usual framework for the layers that give a size.

    Args:
        case: the layer, with any padding and none for its output: both are looked for.
        want: the output's spatial sizes, one int or one an axis.

    Raises:
        GeometryError: sizes that are none.
    """
    sizes = check_ints("want", want, case.rank, minimum=1)
    spans = [_span(axis, size, transposed=case.transposed) for axis, size in _axes(case, sizes)]
    cases = list(_cases(case, sizes, spans))
    why = _why_no_window(case, sizes, spans)
    frameworks = sorted(usual_frameworks(), key=lambda each: each.is_oracle)
    return Wanted(
        case,
        sizes,
        windows=_count(case, sizes, spans),
        asked=len({each.geometry.before for each in cases}),
        answers=tuple(_answers(each, cases, why) for each in frameworks),
    )


def _axes(case: Case, sizes: Sequence[int]) -> Iterator[tuple[Axis, int]]:
    return zip(case.geometry.axes, sizes, strict=True)


def _span(axis: Axis, size: int, *, transposed: bool) -> range:
    """Return where an output of a size can begin on an axis: the possible numbers of elements before it."""
    if transposed:
        return range(axis.full - size + max(axis.stride, axis.dilation))
    return range(_most_zeros(axis, size) + 1)


def _most_zeros(axis: Axis, size: int) -> int:
    """Return the most zeros, of both ends, that give a convolution's size; up to stride - 1 fewer do, too."""
    return size * axis.stride - 1 + axis.extent - axis.fine


def _window(axis: Axis, size: int, before: int, *, transposed: bool) -> Window:
    if transposed:
        return Window(before, axis.full - size - before)
    most = _most_zeros(axis, size) - before
    return Window(before, min(max(before, most - axis.stride + 1), most))


def _cases(case: Case, sizes: tuple[int, ...], spans: Sequence[range]) -> Iterator[Case]:
    """Yield the cases of the wanted size, the most even window first, in numbers and then by name."""
    found = [*_in_numbers(case, sizes, spans), *_by_name(case, sizes)] if all(map(len, spans)) else []
    yield from sorted(found, key=lambda each: _unevenness(each, sizes))


def _unevenness(case: Case, sizes: Sequence[int]) -> int:
    each = zip(_axes(case, sizes), case.geometry.before, strict=True)
    return sum(_window(axis, size, b, transposed=case.transposed).unevenness for (axis, size), b in each)


def _in_numbers(case: Case, sizes: Sequence[int], spans: Sequence[range]) -> Iterator[Case]:
    """Yield them with explicit padding: axes that are alike have the same window."""
    alike = _alike(case, sizes)
    most = int(MOST_WINDOWS ** (1 / len(alike)) + 1e-9)
    choices = []
    for (axis, size), (number, *_) in alike.items():
        span = spans[number]
        middle = max(axis.full - size if case.transposed else _most_zeros(axis, size), 0) // 2
        near = range(max(middle - most, 0), min(middle + most + 1, len(span)))
        around = [_window(axis, size, before, transposed=case.transposed) for before in near]
        choices.append(sorted(around, key=lambda window: window.unevenness)[:most])
    for chosen in itertools.product(*choices):
        each = zip(chosen, alike.values(), strict=True)
        of_axis = {number: window for window, axes in each for number in axes}
        windows = [of_axis[number] for number in range(case.rank)]
        added = [max(-window.after, 0) for window in windows] if case.transposed else None
        yield case.padded([(window.before, max(window.after, 0)) for window in windows], added)


def _alike(case: Case, sizes: Sequence[int]) -> dict[tuple[Axis, int], list[int]]:
    alike: dict[tuple[Axis, int], list[int]] = {}
    for number, each in enumerate(_axes(case, sizes)):
        alike.setdefault(each, []).append(number)
    return alike


def _by_name(case: Case, sizes: tuple[int, ...]) -> Iterator[Case]:
    """Yield those whose padding has a name, with and without an output padding beside it."""
    for name in ("same", "valid"):
        plain = _padded(case, name, None)
        none = _padded(case, name, (0,) * case.rank) if case.transposed else None
        added = [size - now for size, now in zip(sizes, _sizes(none), strict=True)] if none else [-1]
        explicit = _padded(case, name, added) if min(added) >= 0 else None
        yield from (each for each in (plain, explicit) if each and _sizes(each) == sizes)


def _padded(case: Case, padding: str, output_padding: Ints | None) -> Case | None:
    try:
        return case.padded(padding, output_padding)
    except GeometryError:
        return None


def _sizes(case: Case) -> tuple[int, ...]:
    return case.output_shape[2:]


def _count(case: Case, sizes: Sequence[int], spans: Sequence[range]) -> int:
    """Count the windows, those of axes that are alike once."""
    count = 1
    for number, *_ in _alike(case, sizes).values():
        count *= len(spans[number])
    return count


def _why_no_window(case: Case, sizes: Sequence[int], spans: Sequence[range]) -> str | None:
    """Say why no padding at all gives the sizes, in one sentence; None where some does."""
    for number, ((axis, size), span) in enumerate(zip(_axes(case, sizes), spans, strict=True)):
        if len(span):
            continue
        if case.transposed:
            most = axis.full + max(axis.stride, axis.dilation) - 1
            return (
                f"{size} elements on axis {number}: at most {most} can be had of an input of {axis.coarse}, "
                f"whose full response has {axis.full}: output_padding is less than the larger of "
                f"stride={axis.stride} and dilation={axis.dilation}"
            )
        least = (axis.fine - axis.extent) // axis.stride + 1
        return (
            f"{size} elements on axis {number}: without padding an input of {axis.fine} gives {least}, "
            "and padding only adds to them"
        )
    return None


def _answers(framework: Framework, cases: Sequence[Case], why: str | None) -> Answers:
    """Return the framework's native layers for the cases, or the reason that it gives for the first."""
    found: dict[str, Answer] = {}
    reasons: list[str] = [why] if why else []
    for case in cases:
        for each in layers_of(framework, case):
            if isinstance(each, Unsupported):
                reasons.append(each.reason)
            elif each.kind != "native":
                continue
            elif each.refusal is not None and each.refusal.certain:
                reasons.append(each.refusal.reason)
            else:
                answer = _answer(framework, each)
                found.setdefault(answer.layer, answer)
    return Answers(framework.name, tuple(found.values()), None if found else _first(reasons))


def _first(reasons: Sequence[str]) -> str:
    """Return the first of the reasons, with the number of the others."""
    others = len(set(reasons)) - 1
    return f"{reasons[0]} (and {others} more, for other windows)" if others else reasons[0]


def _answer(framework: Framework, spelling: Spelling) -> Answer:
    meaning = spelling.meaning
    doubt = spelling.refusal.reason if spelling.refusal else None
    call = framework.sized_call(meaning)
    return Answer(repr(spelling.layer), meaning.geometry.before, spelling.variant, call, doubt)
