"""Cases of every kind that there is, and those of them in which no framework is known to break its rules."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from hypothesis import settings

from parity import strategies
from parity.cases.case import VALUES, Case
from parity.cases.condition import meets
from parity.cases.op import OPS
from parity.frameworks.known.registry import built_in, layers_of
from parity.frameworks.spelling import Spelling
from parity.frameworks.table import find_framework
from parity.laws.opposite import opposite

CONVS = OPS[:3]
TRANSPOSES = OPS[3:]

EVERY_DTYPE = ("float32", "float64", "float16", "bfloat16")


TIMES = settings().max_examples / 100
"""How many times as many examples the profile asks for as Hypothesis does by itself."""


def share(count: int) -> int:
    """The step through cases of which one in so many is taken by day, and at night every one."""
    return count if TIMES < 1 else 1


def examples(count: int) -> settings:
    """So many examples times the profile's, and no time limit for one: a first call takes seconds."""
    return settings(max_examples=max(round(count * TIMES), 1), deadline=None)


def cases(
    ops: tuple[str, ...] = OPS, dtypes: tuple[str, ...] = EVERY_DTYPE, values: tuple[str, ...] = VALUES
) -> st.SearchStrategy[Case]:
    """Cases of these ops, dtypes and values, those without an output among them."""
    return strategies.cases(ops, dtypes, values, allow_empty=True)


def agreeing_cases(
    ops: tuple[str, ...] = OPS, dtypes: tuple[str, ...] = EVERY_DTYPE, values: tuple[str, ...] = VALUES
) -> st.SearchStrategy[Case]:
    """As :func:`cases`, without those in which a framework is known to break its rules."""
    return cases(ops, dtypes, values).filter(agrees)


def agreeing_both_ways(
    ops: tuple[str, ...] = OPS, dtypes: tuple[str, ...] = EVERY_DTYPE
) -> st.SearchStrategy[Case]:
    """As :func:`agreeing_cases`, of integers, and so are their opposites."""
    return agreeing_cases(ops, dtypes, ("integers",)).filter(_has_an_agreeing_opposite)


def _has_an_agreeing_opposite(case: Case) -> bool:
    other = opposite(case)
    return other is None or agrees(other)


def agrees(case: Case) -> bool:
    """Whether no known difference of these versions, on this machine, concerns a layer of this case."""
    return not any(
        entry.concerns(framework.name, framework.version(), framework.backend())
        and spelling.kind in entry.spelling
        and meets(spelling.meaning, entry.case)
        for framework in map(find_framework, ("torch", "keras"))
        for spelling in layers_of(framework, case)
        if isinstance(spelling, Spelling)
        for entry in built_in()
    )


def exact_cases_with_an_output(ops: tuple[str, ...] = OPS) -> st.SearchStrategy[Case]:
    """Cases of integers in float64 whose outputs have an element; shrinks as :func:`cases` does."""
    return strategies.cases(ops, ("float64",))


@st.composite
def other_windows(draw: st.DrawFn, case: Case) -> Case:
    """The case with another explicit padding, its output not empty; shrinks towards none."""
    if case.transposed:
        length = (axis.full for axis in case.geometry.axes)
        pads = [draw(_pairs(0, full - 1)) for full in length]
        return changed(case, padding=pads, output_padding=None)
    lacking = (max(axis.extent - axis.fine, 0) for axis in case.geometry.axes)
    return changed(case, padding=[draw(_pairs(least, least + 6)) for least in lacking])


@st.composite
def _pairs(draw: st.DrawFn, least: int, most: int) -> tuple[int, int]:
    total = draw(st.integers(least, most))
    before = draw(st.integers(0, total))
    return before, total - before


@st.composite
def written_forms(draw: st.DrawFn, case: Case) -> Case:
    """The same case, some of its arguments written in another of their allowed forms."""
    arguments: dict[str, Any] = {
        name: draw(st.sampled_from(_forms(getattr(case, name))))
        for name in ("kernel", "stride", "dilation", "output_padding", "padding")
    }
    return changed(case, **arguments)


def changed(case: Case, **arguments: object) -> Case:
    """The case with these arguments, written in any of their forms."""
    return Case.from_dict({**case.to_dict(), **arguments})


def _forms(value: Any) -> list[Any]:  # noqa: ANN401 - any of a case's fields
    """Ways to write this field: as it is, as lists, and the shorter ones that mean the same."""
    if not isinstance(value, tuple):
        return [value]
    forms: list[Any] = [value, [list(item) if isinstance(item, tuple) else item for item in value]]
    if isinstance(value[0], tuple) and all(before == after for before, after in value):
        forms.append(tuple(before for before, _ in value))
    if isinstance(forms[-1][0], int) and len(set(forms[-1])) == 1:
        forms.append(forms[-1][0])
    return forms
