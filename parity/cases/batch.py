"""Inputs without a batch, (C, *spatial), as people write them for a layer that takes such ones."""

from __future__ import annotations

from collections.abc import Sequence

from parity.cases.notation import format_shape


def batched(shape: Sequence[int], rank: int) -> tuple[tuple[int, ...], str | None]:
    """Return a shape with a batch of 1 where it has none, and what there is to say about it.

    Args:
        shape: (N, C, *spatial), or (C, *spatial); of any other length it stays as it is.
        rank: how many spatial sizes there are.
    """
    if len(shape) != rank + 1:
        return tuple(shape), None
    whole = (1, *shape)
    return whole, f"input={','.join(map(str, shape))} has no batch: it is read as {format_shape(whole)}"
