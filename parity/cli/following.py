"""What one would do next after a case: a line to copy, which works as it stands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import NamedTuple

from convmm.geometry import GeometryError
from parity.cases.errors import InputError
from parity.frameworks.table import FrameworkError, find_framework
from parity.records.command import case_command
from parity.records.result import ENDED_BADLY, ORACLE, Record, Result

_OF_A_CASE = ("--repeat", "--divergences")
"""Options of a run that say nothing of who computes."""

_PATIENCE = 600
"""Seconds for a layer that did not end in time."""


class Following(NamedTuple):
    """A step.

    Attributes:
        why: what it is for, as a clause.
        command: the line.
    """

    why: str
    command: str


def following(record: Record, *, compared: bool) -> Following:
    """Return the next step after a case, of which something was compared or nothing was."""
    wrong = [each for each in record.results if not each.explained]
    if wrong:
        return _after_unexplained(record, wrong)
    if not compared:
        return Following("to see what is installed to compare with", "parity frameworks")
    translated = _translation(record) if record.verdict == "explained" else None
    return translated or Following(
        "to compare more cases", " ".join(["parity sweep article", *_contestants(record)])
    )


def _after_unexplained(record: Record, wrong: Sequence[Result]) -> Following:
    if all(each.status == "timeout" for each in wrong):
        return Following("to give it more time", f"{record.command} --timeout {_PATIENCE}")
    mine = next((words[1] for words in _asked(record) if words[0] == "--impl"), None)
    if mine is not None and any(each.framework == mine for each in wrong) and not record.own_arrays:
        case = case_command(record.command).replace("parity run ", "parity check ", 1)
        return Following("to see which law your function breaks", f"{case} --impl {shlex.quote(mine)}")
    names = dict.fromkeys(each.framework for each in wrong)
    alive = not any(each.status in ENDED_BADLY for each in wrong)
    if alive and find_spec("hypothesis") is not None and all(map(_is_framework, names)):
        line = f"parity fuzz --ops {record.op} --frameworks {','.join(names)}"
        return Following("to search for the smallest such case", line)
    return Following("to see the numbers", f"{record.command} --show-arrays")


def _is_framework(name: str) -> bool:
    try:
        find_framework(name)
    except FrameworkError:
        return False
    return True


def _translation(record: Record) -> Following | None:
    """Return how a layer that computes the case is written where a layer of another framework does not."""
    from parity.translation.translator import draft  # noqa: PLC0415 - it reads every framework's code

    natives = [each for each in record.results if each.spelling == "native" and each.output == "value"]
    right = [each for each in natives if each.relation == "identical" and each.framework != ORACLE]
    others = [each for each in natives if each.relation != "identical" and not each.is_nothing]
    shape = record.case["input"]
    for source, target in ((a, b) for a in right for b in others if a.framework != b.framework):
        plain = re.split("[+@]", source.framework)[0]
        try:
            draft(str(source.layer), target.framework, shape, among=[find_framework(plain)])
        except (InputError, GeometryError):
            continue
        line = f"parity translate {_quoted(str(source.layer))} --to {target.framework}"
        return Following(
            f"to have {source.framework}'s layer in {target.framework}",
            f"{line} --input {','.join(map(str, shape))}",
        )
    return None


def _quoted(code: str) -> str:
    """Quote code for a shell as people would, where nothing in it means more within double quotes."""
    return shlex.quote(code) if set('"$`\\!') & set(code) else f'"{code}"'


def _contestants(record: Record) -> list[str]:
    return [shlex.join(words) for words in _asked(record) if words[0] not in _OF_A_CASE]


def _asked(record: Record) -> Iterator[tuple[str, ...]]:
    """Yield the options of the command that are no part of the case, each with its value."""
    case, words = shlex.split(case_command(record.command)), shlex.split(record.command)
    rest = iter(words[len(case) :])
    for option in rest:
        yield (option,) if option == "--grad" else (option, next(rest))
