"""Code as people format it: 88 columns, one argument a line where a call does not fit, double quotes.

The form is Black's. It is made here and not by Black or Ruff, for what is printed is what is run, also where
neither is installed: a user of the command line need not have a formatter. The statements that this package
writes are assignments, calls and displays; of Black's rules these are the ones that such statements meet.
"""

from __future__ import annotations

import ast
import io
import itertools
import keyword
import textwrap
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

WIDTH = 88
"""Columns of a line of code."""

COMMENT_WIDTH = 100
"""Columns of a comment."""

_STEP = 4
_OPENING, _CLOSING = ("(", "[", "{"), (")", "]", "}")
_COMPREHENSION = ("async", "for", "if")


def comment(text: str) -> str:
    """Write a text as a comment of at most :data:`COMMENT_WIDTH` columns, on as many lines as it takes."""
    one = " ".join(text.split())
    lines = textwrap.wrap(one, COMMENT_WIDTH - len("# "), break_on_hyphens=False)
    return "\n".join(f"# {line}" for line in lines)


def formatted(script: str) -> str:
    """Return a script with its statements formatted, and only those imports that it uses.

    A comma before a closing bracket says that each item is to have a line. Without one, a statement that
    stands on several lines already keeps them, and so does one with a comment in it. The imports are
    statements ``import module`` or ``import module as name``, at the beginning of a line.

    Raises:
        SyntaxError: the text is no Python.
    """
    used = {node.id for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Name)}
    rows = script.removesuffix("\n").split("\n")
    places: dict[int, list[str]] = {}
    for line in _logical_lines(script):
        first, last = line[0].start[0], line[-1].end[0]
        if _is_unused(line, used):
            places[first] = []
        elif first == last or _has_items_on_lines(line):
            places.update({number: [] for number in range(first, last + 1)})
            places[first] = _Statement.of(line, rows).lines
    kept = (places.get(number, [row]) for number, row in enumerate(rows, 1))
    return "\n".join(row for found in kept for row in found) + "\n"


def _logical_lines(script: str) -> Iterator[list[tokenize.TokenInfo]]:
    """Yield the tokens of each statement's line that has no comment, without what is only layout."""
    line: list[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO(script).readline):
        if token.type == tokenize.NEWLINE:
            if line and not any(each.type == tokenize.COMMENT for each in line):
                yield line
            line = []
        elif token.type in _LAYOUT:
            continue
        elif token.type != tokenize.COMMENT or line:
            line.append(token)


_LAYOUT = (tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


def _is_unused(line: list[tokenize.TokenInfo], used: set[str]) -> bool:
    """Return whether a line imports a module that nothing has the name of."""
    words = [token.string for token in line]
    if words[0] != "import" or line[0].start[1]:
        return False
    return (words[-1] if "as" in words else words[1]) not in used


def _has_items_on_lines(line: list[tokenize.TokenInfo]) -> bool:
    """Return whether a comma stands before a closing bracket, and each token in one row."""
    commas = (one.string == "," and two.string in _CLOSING for one, two in itertools.pairwise(line))
    return any(commas) and all(token.start[0] == token.end[0] for token in line)


@dataclass(frozen=True)
class _Piece:
    """A token, with the white space before it.

    Attributes:
        text: of the token, in double quotes where it is a text.
        gap: the white space.
        end: of a bracket that opens, the place of the one that closes it.
    """

    text: str
    gap: str
    end: int | None = None


@dataclass(frozen=True)
class _Statement:
    """A statement on one line, as pieces."""

    pieces: tuple[_Piece, ...]
    indent: int

    @classmethod
    def of(cls, tokens: list[tokenize.TokenInfo], rows: list[str]) -> _Statement:
        """Make it of its tokens, and of the rows that they stand in."""
        pieces: list[_Piece] = []
        opened: list[int] = []
        for place, (text, gap) in enumerate(_joined(tokens, rows)):
            pieces.append(_Piece(text, gap))
            if text in _OPENING:
                opened.append(place)
            elif text in _CLOSING:
                opening = opened.pop()
                pieces[opening] = replace(pieces[opening], end=place)
        return cls(tuple(pieces), tokens[0].start[1])

    @property
    def lines(self) -> list[str]:
        """Its lines."""
        return list(self._split(0, len(self.pieces), self.indent))

    def _flat(self, first: int, last: int) -> str:
        """Return the pieces of a range on one line."""
        return "".join(each.gap + each.text for each in self.pieces[first:last]).lstrip()

    def _split(self, first: int, last: int, indent: int, *, behind: str = "") -> Iterator[str]:
        """Yield the lines of a range, with a comma behind where it is one of several.

        What does not fit is split at the last bracket before which the line fits: a call before a call of
        its result.
        """
        flat = " " * indent + self._flat(first, last) + behind
        brackets = [place for place in self._top(first, last) if self._holds(place)]
        if self._fits(first, last, indent + len(behind)) or not brackets:
            yield flat
            return
        terms = self._sum(first, last)
        if terms:
            yield " " * indent + self._flat(first, terms[0]) + " ("
            for before, after in itertools.pairwise([*terms, last]):
                yield from self._split(before, after, indent + _STEP)
            yield " " * indent + ")" + behind
            return
        fitting = (place for place in reversed(brackets) if self._fits(first, place + 1, indent))
        opening = next(fitting, brackets[0])
        closing = self.pieces[opening].end or last
        yield " " * indent + self._flat(first, opening + 1)
        yield from self._body(opening, closing, indent + _STEP)
        yield from self._split(closing, last, indent, behind=behind)

    def _body(self, opening: int, closing: int, indent: int) -> Iterator[str]:
        """Yield the lines between two brackets: one, or one for each item, or part of a comprehension."""
        fits = self._fits(opening + 1, closing, indent) and not self._has_items_on_lines(opening)
        clauses, commas = self._clauses(opening + 1, closing), self._commas(opening + 1, closing)
        if fits and (clauses or not commas or self._is_trailer(opening)):
            yield " " * indent + self._flat(opening + 1, closing)
        elif clauses or not commas:
            for first, last in itertools.pairwise([opening + 1, *clauses, closing]):
                yield from self._split(first, last, indent)
        else:
            for before, after in itertools.pairwise([opening, *commas, closing]):
                if after > before + 1:  # behind the comma of a tuple of one there is nothing
                    yield from self._split(before + 1, after, indent, behind=",")

    def _fits(self, first: int, last: int, taken: int) -> bool:
        """Return whether a range has room on a line with so much taken, and no items want their own."""
        items = any(map(self._has_items_on_lines, range(first, last)))
        return not items and taken + len(self._flat(first, last)) <= WIDTH

    def _has_items_on_lines(self, opening: int) -> bool:
        """Return whether a comma stands before the closing bracket, and not to make a tuple of one item."""
        closing = self.pieces[opening].end
        if closing is None or closing >= len(self.pieces) or self.pieces[closing - 1].text != ",":
            return False
        return self._is_trailer(opening) or len(self._commas(opening + 1, closing)) > 1

    def _sum(self, first: int, last: int) -> list[int]:
        """Return where a lambda's value begins, and its plus signs; nothing where it has none."""
        top = [(place, self.pieces[place].text) for place in self._top(first, last)]
        if not any(text == "lambda" for _, text in top):
            return []
        start = next(place + 1 for place, text in top if text == ":")
        signs = [place for place, text in top if text == "+" and place > start]
        return [start, *signs] if signs else []

    def _clauses(self, first: int, last: int) -> list[int]:
        """Return where the clauses of a range begin that is a comprehension; of another there are none."""
        words = [place for place in self._top(first, last) if self.pieces[place].text in _COMPREHENSION]
        return words if any(self.pieces[place].text == "for" for place in words) else []

    def _commas(self, first: int, last: int) -> list[int]:
        """Return the places of the commas between a range's items, those of a lambda's parameters not."""
        found, parameters = [], False
        for place in self._top(first, last):
            text = self.pieces[place].text
            parameters = text == "lambda" or (parameters and text != ":")
            if text == "," and not parameters:
                found.append(place)
        return found

    def _top(self, first: int, last: int) -> Iterator[int]:
        """Yield the places of a range that lie in none of its brackets, those of opening ones among them."""
        place = first
        while place < last:
            yield place
            place = (self.pieces[place].end or place) + 1

    def _holds(self, place: int) -> bool:
        """Return whether a place is that of a bracket with something in it."""
        end = self.pieces[place].end
        return end is not None and end > place + 1

    def _is_trailer(self, opening: int) -> bool:
        """Return whether a bracket makes a call or a subscript of what stands before it."""
        before = self.pieces[opening - 1].text if opening else ""
        return not keyword.iskeyword(before) and (before[-1:].isalnum() or before[-1:] in {"_", ")", "]"})


_Place = tuple[int, int]
"""A row, from 1 on, and a column."""


def _joined(tokens: Iterable[tokenize.TokenInfo], rows: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each token's text, and the white space before it, as if all stood on one line."""
    last: tuple[str, _Place] | None = None
    for text, start, end in _whole(tokens, rows):
        if last is None:
            gap = ""
        elif last[1][0] == start[0]:
            gap = rows[start[0] - 1][last[1][1] : start[1]]
        else:
            gap = "" if last[0] in _OPENING or text in _CLOSING else " "
        yield text, gap
        last = text, end


def _whole(tokens: Iterable[tokenize.TokenInfo], rows: list[str]) -> Iterator[tuple[str, _Place, _Place]]:
    """Yield each token's text, all of an f-string as one, and where it begins and ends."""
    depth, start = 0, (0, 0)
    for token in tokens:
        name = tokenize.tok_name[token.type]
        if name == "FSTRING_START":
            start = start if depth else token.start
            depth += 1
        elif name == "FSTRING_END":
            depth -= 1
            if not depth:
                yield rows[start[0] - 1][start[1] : token.end[1]], start, token.end
        elif not depth:
            text = _in_double_quotes(token.string) if name == "STRING" else token.string
            yield text, token.start, token.end


def _in_double_quotes(text: str) -> str:
    """Return a literal in double quotes, unless these take more backslashes."""
    prefix, quote, rest = text.partition("'")
    if prefix not in {"", "b"} or not quote or rest.startswith("''"):
        return text
    other = prefix + '"' + rest[:-1].replace("\\'", "'").replace('"', '\\"') + '"'
    try:
        same = ast.literal_eval(other) == ast.literal_eval(text)
    except SyntaxError:
        return text
    return other if same and other.count("\\") <= text.count("\\") else text
