"""Text of anybody's, as it may be printed: nothing in it moves the cursor, or hides or turns other text."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Write what is no character to see as an escape of Python's, but for spaces, tabs and ends of lines.

    These are control characters, C1's too, marks of direction, what has no width, and halves of characters.

    >>> print(printable("a\x1b[31m\u202eb"))
    a\x1b[31m\u202eb
    """
    return text if text.isprintable() else text.translate(_ESCAPES)


class _Escapes(dict[int, str]):
    """What stands for each character, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        seen = character.isprintable() or character in "\n\t"
        self[code] = character if seen else ascii(character)[1:-1]
        return self[code]


_ESCAPES = _Escapes()
