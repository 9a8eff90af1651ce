"""Print JSON and remarks, for a terminal, a file or a pipe."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from parity.cli.streams import say
from parity.cli.styled import tell
from parity.records.counts import Report
from parity.records.reader import is_torn

Json = Mapping[str, Any]


NOTHING_COMPARED = "nothing was compared: no framework beside the NumPy core gave values that tell"


def json_document(value: object) -> None:
    """Print one JSON value, indented."""
    say(_ascii(json.dumps(value, indent=2, allow_nan=False)))


def json_line(value: msgspec.Struct) -> None:
    """Print one JSON value on one line."""
    say(_ascii(msgspec.json.encode(value).decode()))


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


def note_if_torn(file: Path) -> None:
    """Say on stderr that a record that was read has no end."""
    if is_torn(file):
        note(f"{file}: the last line is torn and was dropped; the sweep was interrupted")


def text(value: object) -> str:
    """Write a cell of a table: yes or no for a flag, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
