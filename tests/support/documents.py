"""The project's documents, and the fenced blocks in them."""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from tests.support.project import ROOT

DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md")
    for path in ROOT.glob(pattern)
)

PAGES = (
    "README.md",
    "docs/atlas.md",
    "docs/explanation/bounds.md",
    "docs/explanation/exact-integers.md",
    "docs/explanation/windows.md",
    "docs/how-to/hypothesis.md",
    "docs/how-to/large-records.md",
    "docs/how-to/pytest.md",
    "docs/how-to/read-a-record.md",
    "docs/reference/known-differences.md",
    "docs/reference/python.md",
    "docs/reference/suites.md",
    "docs/tutorial/port-a-layer.md",
    "docs/tutorial/port-a-model.md",
)
"""Those that are run from their top, block by block; others have tests of their own."""


class Block(NamedTuple):
    """A fenced block: the document, what the fence says of its language, its text and its first line."""

    document: str
    language: str
    text: str
    line: int


def blocks(document: str, language: str | None = None) -> list[Block]:
    """List a document's fenced blocks, all or those in one language."""
    content = (ROOT / document).read_text(encoding="utf-8")
    found = re.finditer(r"^```([^\n`]*)\n(.*?)^```$", content, flags=re.DOTALL | re.MULTILINE)
    each = [
        Block(document, match[1], match[2], content.count("\n", 0, match.start(2)) + 1) for match in found
    ]
    return [block for block in each if language in {None, block.language}]


def check_sessions(sessions: Iterable[Block]) -> None:
    """Run sessions of Python's prompt in one namespace, one after another, by doctest."""
    names: dict[str, Any] = {}
    runner = doctest.DebugRunner(verbose=False)
    for session in sessions:
        parsed = doctest.DocTestParser().get_doctest(
            session.text, names, session.document, session.document, session.line - 1
        )
        assert parsed.examples
        runner.run(parsed, clear_globs=False)
        names = parsed.globs  # doctest works on a copy


def check_examples(module: object) -> int:
    """Run the examples in a module's docstrings, and return how many there are."""
    runner = doctest.DebugRunner(verbose=False)
    found = [each for each in doctest.DocTestFinder().find(module) if each.examples]
    for each in found:
        runner.run(each)
    return len(found)


def console(block: Block) -> list[tuple[str, str]]:
    """Return each command of a console, without its prompt, with what is shown to come of it."""
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]
    return [(command, shown) for command, _, shown in (part.partition("\n") for part in parts)]


def is_shown(shown: str, printed: str) -> bool:
    """Compare an output with a printed one: versions, and the columns' widths, are the machine's.

    As in a doctest, "..." stands for any text.
    """
    return doctest.OutputChecker().check_output(_plain(shown), _plain(printed), doctest.ELLIPSIS)


def commands(text: str) -> list[str]:
    """Return the lines of a block of shell, without comments."""
    found = (re.sub(r"(^|\s+)#.*", "", line) for line in text.splitlines())
    return [line for line in found if line]


def _plain(text: str) -> str:
    without_versions = re.sub(r"\d+\.\d+\.\d+[\w.+]*", "VERSION", text)
    return re.sub(r"-{3,}", "---", re.sub(r" +", " ", without_versions))
