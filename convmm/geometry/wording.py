"""How a value is written in a message: a value of any length in a few words."""

from __future__ import annotations

_MOST = 100
"""Characters of a value that a message shows."""

_END = 20
"""Of these, the last ones."""


def shown(value: object) -> str:
    """Write a value as code, and what is longer than a line with its middle left out."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an int of thousands of digits, and what holds one, or itself
        return f"({type(value).__name__} of too many digits or levels to write)"
    return shorten(text)


def shorten(text: str, most: int = _MOST) -> str:
    """Leave the middle out of a text of more than ``most`` characters, and say how many it has."""
    if len(text) <= most:
        return text
    return f"{text[: most - _END]}…{text[-_END:]} ({len(text)} characters)"
