"""What of the machine findings depend on, found by trying: their cases, where libraries choose other code."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parity.frameworks.choice import Choice, Level
from parity.frameworks.known.machine import Machine, cpu_flags

if TYPE_CHECKING:
    from parity.fuzz.contest import Contest
    from parity.fuzz.finding import Finding

_TIMES = 3
"""How often a case is run before it is said not to show its cause: what was in memory before may be right."""


@dataclass(frozen=True)
class Tried:
    """Where a finding's case shows its cause, in processes of their own.

    Attributes:
        here: as libraries choose here.
        shows: by the variable, and by the level that it alone was set to.
    """

    here: bool
    shows: Mapping[Choice, Mapping[Level, bool]]

    @property
    def machine(self) -> Machine:
        """The least that it takes: the architecture, and where it shows of each variable that matters."""
        environment, flags = {}, []
        for choice, shows in self.shows.items() if self.here else ():
            if not all(shows.values()):
                levels = [level for level, seen in _everywhere(choice, shows) if seen]
                environment[choice.variable] = tuple(value for level in levels for value in level.values)
                flags += [levels[0].flag] if levels[0].flag in cpu_flags() else []
        return Machine(architecture=(platform.machine().lower(),), cpu=tuple(flags), environment=environment)

    @property
    def words(self) -> Sequence[str]:
        """What was tried and what it showed, in a line for each variable."""
        if not self.here:
            return ["In a process of its own it did not show, so that nothing of the machine could be tried."]
        lines = []
        for choice, shows in self.shows.items():
            seen = _named(level for level, shown in shows.items() if shown)
            unseen = _named(level for level, shown in shows.items() if not shown)
            lines.append(f"Tried with {choice.variable}: it shows at {seen}, and not at {unseen}.")
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it: an empty value stands for no such variable."""
        levels = {
            choice.variable: {level.values[0]: shown for level, shown in shows.items()}
            for choice, shows in self.shows.items()
        }
        return {"here": self.here, "shows": levels}


def try_out(
    findings: Sequence[Finding],
    contest: Contest,
    choices: Sequence[Choice],
    said: Callable[[str], None] = lambda _: None,
) -> list[Tried]:
    """Run the findings' cases again for each level of each variable that the processor makes a difference to.

    Args:
        findings: of one framework.
        contest: of that framework alone.
        choices: its variables; each is set in new processes, and in none of those that there are.
        said: called with what is tried, before it is.
    """
    hangs = any(finding.cause.status == "timeout" for finding in findings)

    def shown(environment: Mapping[str, str]) -> list[bool]:
        said(" ".join(f"{name}={value}" for name, value in environment.items()))
        with contest.apart(in_haste=hangs, environment=environment) as there:
            return [any(each.cause in there.causes(each.case) for _ in range(_TIMES)) for each in findings]

    here = shown({})
    by_level = {
        choice: {
            level: here if _is_set(choice, level) else shown({choice.variable: level.values[0]})
            for level in choice.levels
            if _matters(level)
        }
        for choice in choices
    }
    return [
        Tried(
            here[number],
            {
                choice: {level: seen[number] for level, seen in levels.items()}
                for choice, levels in by_level.items()
            },
        )
        for number in range(len(findings))
    ]


def _is_set(choice: Choice, level: Level) -> bool:
    return os.environ.get(choice.variable, "") in level.values


def _matters(level: Level) -> bool:
    """Return whether this processor has what the level is about; where the system does not say, it may."""
    return level.flag is None or not cpu_flags() or level.flag in cpu_flags()


def _everywhere(choice: Choice, shows: Mapping[Level, bool]) -> Iterator[tuple[Level, bool]]:
    """Yield all levels; one that the processor lacks is as the one below it, if there is one."""
    seen = next(iter(shows.values()))
    for level in choice.levels:
        seen = shows.get(level, seen)
        yield level, seen


def _named(levels: Iterator[Level]) -> str:
    return ", ".join(level.values[0] or "none set" for level in levels) or "none"
