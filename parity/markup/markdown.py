"""Text of anybody's in Markdown: nothing in it is markup, and nothing in it ends what it stands in."""

from __future__ import annotations

import re

from parity.cases.printable import printable


def plain(text: str) -> str:
    r"""Write a text as words, in one line: of a paragraph, a list or a table's cell.

    >>> print(plain("a|b <c>"))
    a\|b \<c\>
    """
    return re.sub(r"([\\`*_\[\]<>|~$&#])", r"\\\1", " ".join(printable(text).split()))


def code(text: str) -> str:
    """Write a text as code inside a line, which may be that of a table's cell."""
    line = " ".join(printable(text).split()).replace("|", r"\|")
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    return f"{fence} {line} {fence}" if "`" in line else f"{fence}{line}{fence}"


def fenced(text: str, language: str = "") -> str:
    """Write a text as a block of code, behind a fence longer than any in it."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{printable(text).rstrip()}\n{fence}"
