"""Who runs the cases of a search, and what is known already."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType

from parity.cases.case import Case
from parity.frameworks.interface import Framework
from parity.frameworks.known.divergences import Divergence
from parity.frameworks.task import Submit
from parity.fuzz.causes import Causes, Ran, causes_of
from parity.running import run_all, run_with
from parity.workers.workers import Workers

_HASTE = 2.0
"""Seconds that a layer may take while one that hangs is shrunk; the smallest is run again at leisure."""


@dataclass(frozen=True)
class Contest:
    """The frameworks, and what hands them their tasks.

    Attributes:
        adapters: whose layers are run.
        submit: hands an adapter its task.
        ahead: how many cases to ask for before the first of them has answered.
        divergences: known differences beside the built-in ones.
        timeout: seconds that a task may take; None for any.
        grad: run the backward passes too.
        elsewhere: runs many cases, in order, in the place of these processes; None where these do.
    """

    adapters: Sequence[Framework]
    submit: Submit
    ahead: int = 0
    divergences: Sequence[Divergence] = ()
    timeout: float | None = None
    grad: bool = False
    elsewhere: Callable[[Iterable[Case]], Iterator[Ran]] | None = None

    def run_all(self, cases: Iterable[Case]) -> Iterator[Ran]:
        """Run cases through all of them."""
        if self.elsewhere is not None:
            return self.elsewhere(cases)
        return run_all(
            cases,
            self.adapters,
            self.submit,
            ahead=self.ahead,
            grad=self.grad,
            divergences=self.divergences,
        )

    def causes(self, case: Case) -> Causes:
        """Run a case, and say what of it is unexplained."""
        return causes_of(
            run_with(case, self.adapters, grad=self.grad, submit=self.submit, divergences=self.divergences)
        )

    def alone(self, framework: str) -> Contest:
        """Return the contest with one of them, on this machine."""
        chosen = [each for each in self.adapters if each.name == framework]
        return replace(self, adapters=chosen, elsewhere=None)

    @contextmanager
    def apart(
        self, *, in_haste: bool = False, environment: Mapping[str, str] = MappingProxyType({})
    ) -> Iterator[Contest]:
        """Yield the contest with new processes, which end with the ``with``.

        Args:
            in_haste: they are given little time for a task.
            environment: variables that they set; an empty one is removed.
        """
        timeout = self.timeout
        if in_haste:
            timeout = _HASTE if self.timeout is None else min(self.timeout, _HASTE)
        with Workers(self.adapters, timeout=timeout, environment=environment) as workers:
            workers.switches()
            yield replace(self, submit=workers.submit, timeout=timeout)
