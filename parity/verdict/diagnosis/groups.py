"""Mistakes in the groups: which channels belong to each, and whether there are any."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from parity.cases.arrays import Array, Arrays
from parity.verdict.diagnosis.choices import other_orders
from parity.verdict.diagnosis.geometries import geometries
from parity.verdict.diagnosis.suspect import Output
from parity.verdict.reference import Reference, along_channels

_MOST_GROUPS = 4
"""Groups of which every order is tried; of more, only turns and the reverse."""


def ignored(_result: Array, reference: Reference) -> Iterator[Output]:
    """Try one group: with the kernel repeated for each that there is, or with a kernel of one."""
    case, (x, w, bias) = reference.case, reference.arrays
    own, groups = case.geometry, case.groups
    if groups == 1:
        return
    tiled = np.tile(w, (1, groups, *(1,) * case.rank))
    text = f"the {groups} groups are ignored, and the kernel is repeated for each"
    yield Output(text, reference.compute(Arrays(x, tiled, bias), replace(own, groups=1)))
    count = own.fine_channels // groups
    one = replace(own, groups=1, fine_channels=count)
    if not case.transposed:
        text = f"the {groups} groups are ignored, and every filter reads the first {count} channels"
        yield Output(text, reference.compute(Arrays(x[:, :count], w, bias), one))
    elif bias is None:
        text = f"the {groups} groups are ignored, and their outputs are added up"
        yield Output(text, reference.compute(geometry=one))


def and_dilation(result: Array, reference: Reference) -> Iterator[Output]:
    """Try the groups taken for the dilation, with as many of the channels as such groups have."""
    case, (x, w, bias) = reference.case, reference.arrays
    own, dilation = case.geometry, case.dilation[0]
    if set(case.dilation) != {dilation} or dilation == case.groups or own.coarse_channels % dilation:
        return
    count = w.shape[1] if case.transposed else min(w.shape[1], own.fine_channels // dilation)
    channels = count * dilation
    if not count or (case.transposed and bias is not None and channels > bias.size):
        return
    arrays = Arrays(x, w, None if bias is None else bias[:channels])
    if not case.transposed:
        arrays = Arrays(x[:, :channels], w[:, :count], bias)
    text = f"the groups are {dilation} and the dilation {case.groups}, for {case.groups} and {dilation}"
    for geometry in geometries(result, reference, dilation=(case.groups,) * case.rank):
        divided = replace(geometry, groups=dilation, fine_channels=channels)
        yield Output(text, reference.compute(arrays, divided))


def permuted(_result: Array, reference: Reference) -> Iterator[Output]:
    """Try channels of the input, the kernel or the output in another order of groups."""
    groups = reference.case.groups
    singles = [("input",), ("kernel",), ("output",), ("output", "bias")]
    several = [
        parts for count in (2, 3) for parts in itertools.combinations(("input", "kernel", "output"), count)
    ]
    for what, rows in (
        (f"belong to group channel % {groups}", lambda count: np.arange(count).reshape(-1, groups).T),
        ("are dealt out to the groups", lambda count: np.arange(count).reshape(groups, -1).T),
    ):
        for parts in singles + several:
            yield from _rearranged(reference, parts, what, rows)
    for order in _orders(groups):
        what = f"are in the order {order} of their {groups} groups"
        for parts in singles:
            yield from _rearranged(reference, parts, what, _in_order(order))


def _in_order(order: tuple[int, ...]) -> Callable[[int], Array]:
    return lambda count: np.arange(count).reshape(len(order), -1)[[*order]]


def _orders(groups: int) -> Iterable[tuple[int, ...]]:
    own = tuple(range(groups))
    if groups <= _MOST_GROUPS:
        return other_orders(groups)
    return own[::-1], own[1:] + own[:1], own[-1:] + own[:-1]


def _rearranged(
    reference: Reference, parts: tuple[str, ...], what: str, rows: Callable[[int], Array]
) -> Iterator[Output]:
    """Try the channels of some arrays in another order; the output's go back to their places."""
    x, w, bias = reference.arrays
    counts = {"input": x.shape[1], "kernel": len(w), "output": reference.case.filters}
    orders = {part: rows(counts[part]).ravel() for part in parts if part in counts}
    if any(np.array_equal(order, np.arange(order.size)) for order in orders.values()):
        return  # the channels of one part have no other order
    if "bias" in parts and bias is None:
        return
    arrays = Arrays(
        x[:, orders["input"]] if "input" in parts else x,
        w[orders["kernel"]] if "kernel" in parts else w,
        bias if "bias" in parts else None,
    )
    y = reference.compute(arrays)
    if "output" in parts:
        y = y[:, np.argsort(orders["output"])]
    if bias is not None and "bias" not in parts:
        y = y + along_channels(bias, reference.case.rank)
    yield Output(f"the channels of {_listed(parts)} {what}", y)


def _listed(parts: tuple[str, ...]) -> str:
    return " and ".join(f"the {part}" for part in parts)
