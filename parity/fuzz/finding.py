"""A cause that was found, and the smallest case that shows it."""

from __future__ import annotations

from dataclasses import dataclass, field

from parity.cases.case import Case
from parity.fuzz.causes import Cause
from parity.fuzz.trying import Tried
from parity.records.result import Result


@dataclass
class Finding:
    """A cause, or several that differ in the dtype alone and have the same smallest case but for it.

    Attributes:
        cause: the one that was met first.
        case: the smallest known that shows it.
        result: of the case, with the cause.
        count: cases drawn that show it.
        dtypes: in which it was met.
        chased: shrinking it was tried, or a case that was shrunk before was at hand.
        shrunk: shrinking came to its end, and the case showed the cause again when it was run again.
        tried: where else the case shows the cause; None where the framework names nothing to try, or the
            search was ended before.
        seen_on: the kind of machine that it was met on first, where a cluster ran the cases. Shrunk and tried
            it is on the machine of who asked: what does not show there stays as it was met.
    """

    cause: Cause
    case: Case
    result: Result
    count: int = 0
    dtypes: list[str] = field(default_factory=list)
    chased: bool = False
    shrunk: bool = False
    tried: Tried | None = None
    seen_on: str | None = None

    def take(self, other: Finding, case: Case, result: Result) -> None:
        """Count another finding's causes as this one's.

        Args:
            other: of another dtype.
            case: this finding's, in that dtype.
            result: of that case, with the other's cause.
        """
        self.count += other.count
        self.dtypes += other.dtypes
        if len(case.command) < len(self.case.command):
            self.cause, self.case, self.result = other.cause, case, result
