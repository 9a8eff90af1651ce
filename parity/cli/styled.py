"""Lines as a terminal shows them: verdicts coloured beside their words, addresses linked, code lit up."""

from __future__ import annotations

import re
import sys

from rich.console import Console
from rich.style import Style
from rich.text import Text

from parity.cases.printable import printable
from parity.cli.streams import fitted, say

_GOOD = r"agree|agrees|identical|ok|verified|explained"
_NOTABLE = r"window|flipped|refused|rejected|empty|stale|numeric|unsupported|differ|differs|no verdict"
_BAD = r"unexplained|crashed|timeout|failed|broken|unrelated|invalid"
_STYLES = {r"\b(?:un)?explained by\b": "bold"} | {
    rf"(?<![\w.:/-])(?:{words})(?![\w:/.-]*\w)": style
    for words, style in ((_GOOD, "green"), (_NOTABLE, "yellow"), (_BAD, "bold red"))
}

_ADDRESS = re.compile(r"https?://[!#-;=?-Z_a-z~]+(?<![.,;:!?)])")
"""Of printable ASCII alone, without what ends the sentence around it, or opens or closes it."""


def terminal() -> Console | None:
    """Return standard output where it is a terminal that shows styles, None where it is a file or a pipe."""
    console = Console(markup=False, emoji=False, highlight=False)
    return console if console.is_terminal else None


def styled(text: str) -> Text:
    """Colour a text's words of judgment, and link its addresses; the text itself stays as it is."""
    shown = Text(fitted(printable(text), sys.stdout))
    for pattern, style in _STYLES.items():
        shown.highlight_regex(pattern, style)
    for address in _ADDRESS.finditer(shown.plain):
        shown.stylize(Style(link=address[0]), *address.span())
    return shown


def tell(text: str) -> None:
    """Print lines on standard output, styled where it is a terminal; no line is broken or cut."""
    console = terminal()
    if console is None:
        say(text)
    else:
        console.print(styled(text), soft_wrap=True)


def tell_code(code: str, language: str = "python", *, label: str = "") -> None:
    """Print code, highlighted where standard output is a terminal; copied, it is the same text.

    Args:
        code: the text.
        language: as Pygments names it.
        label: what stands before it on the first line.
    """
    console = terminal()
    if console is None:
        say(label + code)
        return
    from rich.syntax import Syntax  # noqa: PLC0415 - it takes Pygments, and a file or a pipe none

    shown = fitted(printable(code), sys.stdout)
    lit = Syntax(shown, language, theme="ansi_dark", background_color="default").highlight(shown)
    lit.rstrip()
    console.print(Text.assemble(styled(label), lit), soft_wrap=True)
    for _ in range(len(shown) - len(shown.rstrip("\n"))):
        console.print()
