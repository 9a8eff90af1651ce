"""The cases that a search is among."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from hypothesis.strategies import SearchStrategy

from parity.cases.case import DTYPES, VALUES, Case
from parity.cases.op import OPS
from parity.strategies import cases


@dataclass(frozen=True)
class Among:
    """Cases of these ops, dtypes and values: OPS, DTYPES and VALUES of :mod:`parity.cases.case`, or some.

    Raises:
        CaseError: an unknown op, dtype or kind of values.
    """

    ops: Sequence[str] = OPS
    dtypes: Sequence[str] = DTYPES
    values: Sequence[str] = VALUES

    def __post_init__(self) -> None:
        """Make the strategy, and so check what it is made from."""
        _ = self.strategy

    @cached_property
    def strategy(self) -> SearchStrategy[Case]:
        """What the cases are drawn from."""
        return cases(self.ops, self.dtypes, self.values)

    def __contains__(self, case: Case) -> bool:
        """Return whether a case is one of them."""
        return case.op in self.ops and case.dtype in self.dtypes and case.values in self.values
