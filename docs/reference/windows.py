"""Write the page of the windows that frameworks state: `python docs/reference/windows.py`."""

from collections.abc import Iterator
from pathlib import Path

from parity.frameworks.table import BUILT_IN, all_frameworks
from parity.frameworks.window_rule import WindowRule

PAGE = Path(__file__).with_suffix(".md")

HEAD = """\
# The windows of the frameworks

Which window each framework's layers have, on one axis, by their own arguments: as its adapter states it,
and as the page of a record (`parity report FILE --html OUT`) counts the layers that have it.
[The theory of windows](../explanation/windows.md) says what a window is.

| name | what it is |
|---|---|
| n, k, s, d | elements of the input, taps of the kernel, stride, dilation |
| e | the kernel's extent, (k - 1)\\*d + 1 |
| L | of transposed layers the full response, (n - 1)\\*s + e |
| m | the size, in the formula of where it begins |
| any other | what the argument of that name says of the axis |

In a layer's name ? stands for one character, as in Conv1d, Conv2d and Conv3d.

Of a convolution, *begins at* is how many zeros it reads before the first element; of a transposed one,
where it begins in the full response. This page is written by `docs/reference/windows.py`.
"""


def page() -> str:
    """Return the page, in Markdown."""
    built_in = [each for each in all_frameworks() if each.name in BUILT_IN and each.windows]
    return "\n".join([HEAD, *(line for each in built_in for line in _section(each.name, each.windows))])


def _section(name: str, rules: tuple[WindowRule, ...]) -> Iterator[str]:
    yield f"## {name}\n"
    yield "| layer | arguments | begins at | size | source |"
    yield "|---|---|---|---|---|"
    for rule in rules:
        calls = ", ".join(f"`{call}`" for call in rule.calls)
        source = f"[documented]({rule.source})" if rule.source.startswith("https://") else rule.source
        yield f"| {calls} | {_code(rule.written)} | {_code(rule.begin)} | {_code(rule.size)} | {source} |"
    yield ""


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
