"""The command line that asks a recorded question again: a case, and what was asked of it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

ASKED = ("--grad", "--frameworks", "--impl", "--impl-grad", "--mode", "--divergences", "--repeat")
"""The options that say who computes a case, and how they are judged; no part of the case itself."""

_FLAGS = ("--grad",)

_PLAIN = re.compile(r"[\w@%+=:,./ -]*", re.ASCII)


def command(case: str, asked: Sequence[str]) -> str:
    """Write the command line of a case with options of :data:`ASKED` behind it."""
    return " ".join([case, shlex.join(asked)]) if asked else case


def case_command(line: str) -> str:
    """Return the command line without the options of :data:`ASKED`: what is the same of one case."""
    if _PLAIN.fullmatch(line):  # in which a shell sees what we do, and splitting it is slow
        return " ".join(_without_asked(line.split()))
    return shlex.join(_without_asked(shlex.split(line)))


def _without_asked(words: Sequence[str]) -> Iterator[str]:
    rest = iter(words)
    for word in rest:
        if word not in ASKED:
            yield word
        elif word not in _FLAGS:
            next(rest, None)
