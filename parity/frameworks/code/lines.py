"""The line of a file or a session that a layer stands in: what is around the layer's own call is left out."""

from __future__ import annotations

import ast
import re

_STRING_OR_COMMENT = re.compile(r"""("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|#[^\n]*""")
"""A text is kept as it is: what follows a "#" in it is no comment."""

_PROMPT = re.compile(r"^[ \t]*(?:>>>|\.\.\.)(?:[ \t]|$)", re.MULTILINE)

_ADDING = frozenset({"add", "append"})
"""The methods by which a layer is put into a model or a list."""


def one_line(text: str) -> str:
    """Return code as one line: without comments, prompts, line ends and what is around a statement."""
    text = text.replace("\\\n", " ")
    if text.lstrip().startswith(">>>"):
        text = _PROMPT.sub("", text)
    text = _STRING_OR_COMMENT.sub(lambda found: found[1] or "", text) if "#" in text else text
    return " ".join(text.split())


def layer_call(statements: list[ast.stmt]) -> ast.expr | None:
    """Return the expression of the layer in a line: what is assigned, returned, added to a model or called.

    Of a function, "lambda x, w: F.conv2d(x, w)", it is what that returns.

    Args:
        statements: of the line.

    Returns:
        An expression, a call or not; None for lines that are no one statement with a value.
    """
    match statements:
        case [ast.Expr(value=value) | ast.Assign(value=value) | ast.Return(value=value)]:
            pass
        case [ast.AnnAssign(value=value)]:
            pass
        case _:
            return None
    value = _inner(value)
    match value:
        case ast.Call(func=ast.Call() as layer):  # which is called at once, as layers.Conv2D(8, 3)(x)
            return layer
        case ast.Call(func=ast.Attribute(attr=name), args=[ast.Call() as layer], keywords=[]):
            return layer if name in _ADDING else value
    return value


def _inner(value: ast.expr | None) -> ast.expr | None:
    """Return what is inside a named expression, a tuple of one, as a comma behind makes it, or a lambda."""
    while True:
        match value:
            case ast.NamedExpr(value=inner) | ast.Tuple(elts=[inner]) | ast.Lambda(body=inner):
                value = inner
            case _:
                return value
