"""Arguments ignored, or in each other's place."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from parity.cases.arrays import Array
from parity.cases.case import Case
from tests.support.mistaken.computing import Sizes, mistaken


def ignored(case: Case, sizes: Sizes) -> Iterator[Array]:
    for name in ("stride", "dilation"):
        given = case.explicit[name]
        for kept in itertools.product((False, True), repeat=case.rank):
            numbers: Any = tuple(number if keep else 1 for number, keep in zip(given, kept, strict=True))
            yield from mistaken(case, sizes, **{name: numbers})


def stride_for_dilation(case: Case, sizes: Sizes) -> Iterator[Array]:
    yield from mistaken(case, sizes, stride=case.dilation, dilation=case.stride)


def exchanged(case: Case, sizes: Sizes) -> Iterator[Array]:
    """The stride or the dilation for the padding, or for the output padding."""
    name: Any
    for name in ("stride", "dilation"):
        numbers = case.explicit[name]
        pads: Any = tuple(before for before, _ in case.explicit["padding"])
        if min(pads) > 0:
            yield from mistaken(case, sizes, **{name: pads, "padding": tuple((n, n) for n in numbers)})
        added = case.explicit.get("output_padding", (0,))
        if min(added) > 0:
            yield from mistaken(case, sizes, **{name: added, "output_padding": numbers})
