"""Where a cause shows, as a diagnosis that shrinking is to keep."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from parity.records.result import Result


def places_of(result: Result) -> set[str]:
    """Return what a result's differences are confined to, without an axis' number: axes may go."""
    return {re.sub(r"axis \d+", "an axis", place) for place in result.places}


def common_place(results: Sequence[Result]) -> str | None:
    """Return what the differences of most of these are confined to, or None.

    One or two may be so by coincidence. It has to be half of those whose output has more than one element:
    in a single element there is no place to tell.
    """
    telling = [result for result in results if math.prod(result.shape or ()) > 1]
    counts = Counter(place for result in telling for place in places_of(result))
    place, count = max(counts.items(), key=lambda item: item[1], default=("", 0))
    return place if count and 2 * count >= len(telling) else None
