"""The windows that frameworks state, and how many layers of a record have them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

from parity.cases.case import Case
from parity.frameworks.table import all_frameworks
from parity.frameworks.window_rule import Window, WindowRule, read_call, rule_of
from parity.records.result import Record, Result

MOST_EXCEPTIONS = 5
"""Commands of layers with another window than is stated, of each rule."""

_MOST_STATED = 10_000
"""Layers whose windows are kept, for the next case with one of them."""


@dataclass
class Kept:
    """How a rule fares in a record.

    Attributes:
        framework: whose layers these are, with its route and device.
        rule: as the framework states it.
        transposed: whether it is of transposed layers.
        agreeing: how many layers have the stated window on each axis.
        others: how many have another one. One whose values fit several windows, the stated one among them, is
            in neither number.
        exceptions: the commands of some of these.
    """

    framework: str
    rule: WindowRule
    transposed: bool
    agreeing: int = 0
    others: int = 0
    exceptions: list[str] = field(default_factory=list)


class Rules:
    """The rules of a record's frameworks, added up record by record."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int], Kept] = {}
        self._stated: dict[tuple[object, ...], tuple[WindowRule, tuple[Window, ...]] | None] = {}

    def add(self, record: Record, case: Case | None) -> None:
        """Hold the layers of a record to the rules; ``case`` as of :func:`parity.page.atlas.readable`."""
        if case is None:
            return
        for result in record.results:
            rules = _windows().get(result.framework.partition("@")[0].partition("+")[0], ())
            if rules and _tells(result):
                self._add(record, case, result, rules)

    @property
    def kept(self) -> list[Kept]:
        """Each rule of which there is a layer, by framework as they came first, in the framework's order."""
        order = list(dict.fromkeys(name for name, _ in self._kept))
        keys = sorted(self._kept, key=lambda key: (order.index(key[0]), key[1]))
        return [self._kept[key] for key in keys]

    def _add(self, record: Record, case: Case, result: Result, rules: tuple[WindowRule, ...]) -> None:
        about = (result.framework, result.layer, case.input[2:], case.kernel, case.stride, case.dilation)
        if about not in self._stated:
            if len(self._stated) == _MOST_STATED:
                self._stated.clear()
            self._stated[about] = _stated(rules, str(result.layer), case)
        stated = self._stated[about]
        if stated is None:
            return
        rule, windows = stated
        new = Kept(result.framework, rule, case.transposed)
        kept = self._kept.setdefault((result.framework, rules.index(rule)), new)
        if _begins(case, result) == [each.begin for each in windows] and _has_sizes(result, windows):
            kept.agreeing += 1
        elif not result.explained or result.divergence is not None or not _has_sizes(result, windows):
            kept.others += 1
            kept.exceptions += [record.command] if len(kept.exceptions) < MOST_EXCEPTIONS else []


@functools.cache
def _windows() -> Mapping[str, tuple[WindowRule, ...]]:
    """Return what each framework states, by its name."""
    return {framework.name: framework.windows for framework in all_frameworks()}


def _tells(result: Result) -> bool:
    """Return whether a result is of one layer, and its values tell where its window lies."""
    own = result.spelling in ("native", "lookalike") and result.output == "value" and result.layer is not None
    told = result.relation not in ("empty", "no verdict") and result.compared
    return own and told and result.status == "ok"


def _stated(
    rules: tuple[WindowRule, ...], layer: str, case: Case
) -> tuple[WindowRule, tuple[Window, ...]] | None:
    """Return the rule of a layer, and what it says of each axis; None where none is stated."""
    given = read_call(layer)
    rule = None if given is None else rule_of(rules, given)
    if given is None or rule is None:
        return None
    try:
        return rule, tuple(rule.window(given, axis, case) for axis in range(case.rank))
    except (TypeError, ValueError, LookupError, ArithmeticError):  # a record may hold any text
        return None


def _begins(case: Case, result: Result) -> list[int] | None:
    """Return where a result begins on each axis, as :class:`Window` has it; None where values do not say."""
    if result.offset is None:
        return None
    sign = 1 if case.transposed else -1
    return [axis.before + sign * by for axis, by in zip(case.geometry.axes, result.offset, strict=False)]


def _has_sizes(result: Result, windows: tuple[Window, ...]) -> bool:
    return (result.shape or ())[2:] == tuple(each.size for each in windows)
