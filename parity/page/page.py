"""A record as one page of HTML: read twice, a record at a time, and written whole."""

from __future__ import annotations

import shlex
from importlib import resources
from pathlib import Path

from markupsafe import Markup

from parity.cases.errors import InputError
from parity.cases.files import replacing
from parity.cases.selection import words_of
from parity.markup.templates import render, theme
from parity.page.atlas import readable
from parity.page.cases import Cases
from parity.page.counted import Counted
from parity.page.grid import make_grids
from parity.page.outcome import OUTCOMES
from parity.records.counts import COLUMNS, Outcome
from parity.records.diff import diff
from parity.records.environment import environment
from parity.records.header import Header
from parity.records.reader import read_records

MOST_CASES = 20_000
"""Cases that a page lists, so that it stays within some MB; its counts are of all cases of the record."""

MOST_UNEXPLAINED = 200
"""Unexplained results that stand above the list of cases, which has them all."""

MOST_REASONS = 20
"""Reasons of explained cases that stand on a page."""

MOST_CHANGES = 200
"""Groups of changes that stand on a page."""

_SENTENCES = {
    Outcome.EXPLAINED: "Everything that was compared agrees or is explained.",
    Outcome.UNEXPLAINED: "Something is unexplained.",
    Outcome.CRASHED: "Frameworks crashed or ran out of time; all else is explained.",
    Outcome.NOTHING_COMPARED: "Nothing was compared.",
}

_COLOURS = {Outcome.EXPLAINED: "agree", Outcome.UNEXPLAINED: "wrong"}


class PageError(InputError):
    """A page that cannot be written; the message names its file."""


def write_page(path: Path, file: Path, against: Path | None = None) -> None:
    """Write the page of a record, whole or not at all; a file that is there is replaced.

    Args:
        path: of the page.
        file: of the record.
        against: of an older record, whose grids stand beside it, with what changed.

    Raises:
        PageError: it cannot be written there.
        RecordError: a record cannot be read, or is none.
    """
    text = make_page(file, against)
    try:
        with replacing(path, file, *([] if against is None else [against])) as page:
            page.write(text.encode())
    except OSError as error:
        raise PageError(f"{path} cannot be written: {error.strerror}") from error


def make_page(file: Path, against: Path | None = None, *, most: int = MOST_CASES) -> str:
    """Return the page of a record as HTML.

    Args:
        file: as of :func:`write_page`.
        against: the same.
        most: cases that are listed; of more the page says how many it leaves out.

    Raises:
        RecordError: a record cannot be read, or is none.
    """
    header, records = read_records(file)
    counted = Counted(header, records)
    before = None if against is None else read_records(against)
    old = None if before is None else Counted(*before)
    cases, chosen = Cases(), counted.sample.chosen(most)
    for number, record in enumerate(records):
        if number in chosen:
            cases.add(record, readable(record))
    order = list(dict.fromkeys([*counted.contestants, *([] if old is None else old.contestants)]))
    other = None if old is None else old.atlas
    grids = make_grids(counted.atlas, order, other=other, name=cases.cell)
    index, chunks = cases.packed()
    report = counted.report
    return render(
        "parity.page",
        "page.html",
        {
            "swept": _swept(header),
            "sentence": _SENTENCES[report.outcome],
            "outcome": _COLOURS.get(report.outcome, "crashed"),
            "report": report,
            "count_columns": COLUMNS,
            "header": header,
            "environment": environment(header),
            "most_unexplained": MOST_UNEXPLAINED,
            "most_reasons": MOST_REASONS,
            "diff": None if against is None else diff(against, file),
            "most_changes": MOST_CHANGES,
            "outcomes": OUTCOMES,
            "grids": grids,
            "opened": [op for op, grid in grids.items() if grid.asks_for_attention] or list(grids)[:1],
            "old_grids": {} if old is None else make_grids(old.atlas, order, other=counted.atlas),
            "old_header": None if old is None else old.header,
            "rules": counted.rules.kept,
            "torn": [
                (each.path.name, each.torn)
                for each in (records, *([] if before is None else before[1:]))
                if each.torn is not None
            ],
            "listed": len(cases),
            "total": sum(report.verdicts.values()),
            "theme": theme(),
            "style": _own("page.css"),
            "script": _own("page.js"),
            "index": Markup(index),  # noqa: S704 - base64
            "chunks": list(map(Markup, chunks)),
        },
    )


def _swept(header: Header) -> str:
    within = f" within {shlex.join(words_of(header.selection))}" if header.selection else ""
    return f"{', '.join(header.suites)}{within}"


def _own(name: str) -> Markup:
    return Markup(resources.files("parity.page").joinpath("templates", name).read_text(encoding="utf-8"))  # noqa: S704 - ours
