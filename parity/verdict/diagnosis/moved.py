"""Mistakes of place: another window of the full response, another read of the input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from parity.cases.arrays import Array
from parity.verdict.diagnosis.choices import in_order, other_orders
from parity.verdict.diagnosis.kernels import flips
from parity.verdict.diagnosis.suspect import Offset, Output
from parity.verdict.diagnosis.windows import find_windows
from parity.verdict.reference import Reference


def another_window(result: Array, reference: Reference) -> Iterator[Output]:
    """Try another window, by the case's kernel."""
    for offset in find_windows(result, reference):
        yield Output(f"it is another window: {_begins(offset, result, reference)}", result, offset)


def window_flipped(result: Array, reference: Reference) -> Iterator[Output]:
    """Try another window, by a kernel that is flipped."""
    for text, w in flips(reference):
        other = replace(reference, arrays=reference.arrays._replace(w=w))
        for offset in find_windows(result, other):
            yield Output(f"{text}, and {_begins(offset, result, reference)}", result, offset)


def _begins(offset: Offset, result: Array, reference: Reference) -> str:
    what = "full response" if reference.case.transposed else "input"
    sizes = str(offset[0]) if len(offset) == 1 else str(offset)
    text = f"it begins {sizes} elements after the reference in the {what}"
    because = _because(offset, result, reference)
    return f"{text}, as if {because}" if because else text


def _because(offset: Offset, result: Array, reference: Reference) -> str | None:
    """Say which padding begins there, if a mistaken one does."""
    if not any(offset):
        return None
    before, after = zip(*reference.case.explicit["padding"], strict=True)
    begins: dict[str, Sequence[int]] = {}
    if result.shape == reference.y.shape:
        added = reference.case.explicit.get("output_padding", (0,) * len(before))
        begins["the output padding were added before it, not after"] = [
            b - q for b, q in zip(before, added, strict=True)
        ]
        begins["the padding's ends were exchanged"] = after
    begins["there were no padding"] = [0] * len(before)
    for order in other_orders(len(before)):
        begins[f"the padding's axes were in the order {order}"] = in_order(before, order)
    sign = 1 if reference.case.transposed else -1
    for text, places in begins.items():
        if offset == tuple(sign * (place - own) for place, own in zip(places, before, strict=True)):
            return text
    return None
