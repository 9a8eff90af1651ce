"""Print JSON and remarks, for a terminal, a file or a pipe."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from parity.cli.streams import say
from parity.cli.styled import tell
from parity.records.counts import Report

Json = Mapping[str, Any]


NOTHING_COMPARED = "nothing was compared: no framework beside the NumPy core gave values that tell"


def json_document(value: object) -> None:
    """Print one JSON value, indented; what is on the disk is read as it is printed."""
    _say_json(value, "\n", "  ")


def json_line(value: msgspec.Struct | Json) -> None:
    """Print one JSON value on one line, likewise."""
    if isinstance(value, msgspec.Struct):
        say(_ascii(msgspec.json.encode(value).decode()))
    else:
        _say_json(value, "", "")


def _say_json(value: object, margin: str, indent: str) -> None:
    waiting, size = list[str](), 0
    for piece in _pieces(value, margin, indent):
        waiting.append(piece)
        size += len(piece)
        if size > _PRINTED:
            say(_ascii("".join(waiting)), end="")
            waiting, size = [], 0
    say(_ascii("".join(waiting)))


_PRINTED = 2**16
"""Characters that are printed at once."""


def _pieces(value: object, margin: str, indent: str) -> Iterator[str]:
    """Yield a value as JSON, as json.dumps writes it, without taking a list into the memory.

    Args:
        value: a value.
        margin: what every line of it begins with, the end of the one before first; empty for one line.
        indent: of what is within it.
    """
    before, between = margin + indent, f",{margin + indent or ' '}"
    if isinstance(value, Mapping) and value:
        start = "{" + before
        for name, each in value.items():
            yield f"{start}{json.dumps(str(name))}: "
            yield from _pieces(each, before, indent)
            start = between
        yield margin + "}"
    elif isinstance(value, Sequence) and not isinstance(value, str):
        start = "[" + before
        for each in value:
            yield start
            yield from _pieces(each, before, indent)
            start = between
        yield f"{margin}]" if value else "[]"
    else:
        yield json.dumps(value, allow_nan=False)


def _ascii(document: str) -> str:
    """Escape what is not ASCII, which JSON has in its texts alone, and DEL."""
    return _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1].replace("\x7f", "\\u007f"), document)


_NOT_ASCII = re.compile("[^\n\x20-\x7e]+")


def note(message: str) -> None:
    """Print one line on stderr."""
    say(message, err=True)


def spelling_text(spelling: str, output: str, variant: str = "") -> str:
    """Name a spelling, what tells it from others of its kind, and its gradient where it is one of those."""
    named = f"{spelling} ({variant})" if variant else spelling
    return named if output == "value" else f"{named} {output}"


def count_of(cases: int) -> str:
    """Say how many cases."""
    return "1 case" if cases == 1 else f"{cases} cases"


def note_nothing_compared(counted: Report) -> None:
    """Say on stderr that nothing was compared, if so."""
    if not counted.comparisons:
        note(NOTHING_COMPARED)


_MOST_REASONS = 5


def show_declined(counted: Report) -> None:
    """Print what functions said that they cannot do, the most frequent reasons first."""
    for label in dict.fromkeys(label for label, _ in counted.declined):
        reasons = [(why, count) for (name, why), count in counted.declined.most_common() if name == label]
        shown = [f"{why} ({count})" for why, count in reasons[:_MOST_REASONS]]
        more = [f"and {len(reasons) - _MOST_REASONS} more reasons"] if len(reasons) > _MOST_REASONS else []
        total = sum(count for _, count in reasons)
        tell(f"unsupported, as it says: {label}, {total} results: {', '.join([*shown, *more])}")


def show_stale(counted: Report) -> None:
    """Print the known differences that are gone."""
    for name, count in counted.stale.items():
        tell(f"stale: known difference {name}: due in {count} results, and seen in none")


def note_if_torn(file: Path, torn: str | None) -> None:
    """Say on stderr what of a record that was read had no end, if anything."""
    if torn is not None:
        note(f"{file}: {torn}; the sweep was interrupted")


def text(value: object) -> str:
    """Write a cell of a table: yes or no for a flag, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
