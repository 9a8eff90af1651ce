"""By what a result is explained: the kind of reason, in the same words for layers of every size."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from parity.records.result import Result


@dataclass(frozen=True)
class Explanation:
    """One kind of reason, and what it explains.

    Attributes:
        reason: as :func:`reason_of` names it.
        count: cases that have it; a case may have several.
        command: the shortest of theirs.
    """

    reason: str
    count: int
    command: str


def reason_of(result: Result) -> str | None:
    """Return the kind of reason that explains a difference; None where there is none, or none explains it.

    Such as "window by (1, 1)", "refused: Keras takes no stride together with a dilation", "no such layer:
    Keras's transposed layers have no groups" or "known difference NAME"; of another spelling than the native
    one with that behind it, in brackets.
    """
    if not result.explained:
        return None
    kind = _kind(result)
    return kind if kind is None or result.spelling == "native" else f"{kind} ({result.spelling})"


def _kind(result: Result) -> str | None:
    if result.divergence is not None:
        return f"known difference {result.divergence}"
    if result.status != "ok":
        named = {"rejected": "refused", "unsupported": "no such layer"}.get(result.status, result.status)
        return f"{named}: {_sizeless(result.reason or result.error or 'no reason is given')}"
    if result.relation == "identical":
        return None
    if result.relation == "window":
        offset = result.offset or ()
        return f"window by ({', '.join(map(str, offset))})" if any(offset) else "window of another size"
    return "nothing to compare: no element" if result.is_nothing else str(result.relation)


@functools.lru_cache(2**10)
def _sizeless(reason: str) -> str:
    """Cut a reason before the first number in it, and before the clause that is about the number alone."""
    number = _NUMBER.search(reason)
    if number is None:
        return reason
    before = reason[: number.start()]
    clause = before.rfind(", and ")
    return before[:clause] if clause > 0 else f"{before.rstrip()} …"


_NUMBER = re.compile(r"(?<![\w.])[(\[]*-?\d")
