"""Mistakes in which elements meet: of place, order, layout and padding.

Each function computes, from the reference's own arrays, the outputs that one kind of mistake would have
given, one at a time.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from convmm.geometry import Geometry
from parity.cases.arrays import Array, Arrays
from parity.verdict.diagnosis.suspect import Mistake, Offset, Suspect
from parity.verdict.diagnosis.windows import find_windows
from parity.verdict.reference import Reference, along_channels

_MOST_GROUPS = 4
"""Groups of which every order is tried; of more, only turns and the reverse."""


def other_window(result: Array, reference: Reference) -> Iterator[Suspect]:
    """Try another window of the full response, another read of the input."""
    for offset in find_windows(result, reference):
        yield Suspect("window", f"it is another window: {_begins(offset, reference)}", result, offset)


def flipped(_result: Array, reference: Reference) -> Iterator[Suspect]:
    """Try a kernel that is flipped, on some axes or all."""
    for text, w in _flips(reference):
        yield Suspect("flipped", text, reference.compute(reference.arrays._replace(w=w)))


def _flips(reference: Reference) -> Iterator[tuple[str, Array]]:
    """Try the kernel flipped on all axes, on one, on two; an axis with one tap has no other way round."""
    rank = reference.case.rank
    axes = [axis for axis, taps in enumerate(reference.case.kernel) if taps > 1]
    for count in filter(None, dict.fromkeys([len(axes), *range(1, len(axes))])):
        for chosen in itertools.combinations(axes, count):
            named = " and ".join(map(str, chosen))
            text = f"the kernel is flipped on {len(chosen)} of {rank} axes: {_axes(chosen)} {named}"
            yield text, np.flip(reference.arrays.w, tuple(2 + axis for axis in chosen))


def axes_swapped(_result: Array, reference: Reference) -> Iterator[Suspect]:
    """Try a kernel with its spatial axes in another order."""
    own = tuple(range(reference.case.rank))
    for order in itertools.permutations(own):
        if order == own:
            continue
        w = reference.arrays.w.transpose(0, 1, *(2 + axis for axis in order))
        for geometry in _geometries(reference, kernel=w.shape[2:]):
            text = f"the kernel's axes {own} are in the order {order}"
            yield Suspect("axes swapped", text, reference.compute(reference.arrays._replace(w=w), geometry))


def channels_swapped(_result: Array, reference: Reference) -> Iterator[Suspect]:
    """Try a kernel whose channels axes are swapped, or read as if they were."""
    w, groups = reference.arrays.w, reference.case.groups
    first, second, *kernel = w.shape
    readings = {
        "the kernel's input and output channels are swapped": w.swapaxes(0, 1).reshape(w.shape),
        f"the kernel is read as ({second}, {first}) channels, for ({first}, {second})": (
            w.reshape(second, first, *kernel).swapaxes(0, 1)
        ),
    }
    if first == second * groups:
        swapped = w.reshape(groups, second, second, *kernel).swapaxes(1, 2).reshape(w.shape)
        readings["the kernel's input and output channels are swapped in each group"] = swapped
    seen = [w]
    for text, other in readings.items():
        if not any(np.array_equal(other, each) for each in seen):
            seen.append(other)
            yield Suspect("channels swapped", text, reference.compute(reference.arrays._replace(w=other)))


def groups_permuted(_result: Array, reference: Reference) -> Iterator[Suspect]:
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
        return itertools.islice(itertools.permutations(own), 1, None)
    return own[::-1], own[1:] + own[:1], own[-1:] + own[:-1]


def _rearranged(
    reference: Reference, parts: tuple[str, ...], what: str, rows: Callable[[int], Array]
) -> Iterator[Suspect]:
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
    yield Suspect("groups permuted", f"the channels of {_listed(parts)} {what}", y)


def other_layout(_result: Array, reference: Reference) -> Iterator[Suspect]:
    """Try an array in the memory order of another layout."""
    arrays = reference.arrays
    x, w, _ = arrays
    spatial = tuple(range(2, x.ndim))
    last = (0, *spatial, 1)
    for text, array in _readings(x, last):
        yield Suspect("layout", f"the input {text}", reference.compute(arrays._replace(x=array)))
    for axes in ((*spatial, 1, 0), last):
        for text, array in _readings(w, axes):
            yield Suspect("layout", f"the kernel {text}", reference.compute(arrays._replace(w=array)))
    for text, array in _readings(reference.y, last):
        yield Suspect("layout", f"the output {text}", array)
    yield Suspect("layout", "the output is channels last", reference.y.transpose(last))


def _readings(array: Array, axes: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    """Try the array's memory in the other order of axes, read as this one, and the other way round."""
    stored = array.transpose(axes)
    shape = f"{stored.shape} (axes {axes})"
    yield f"is stored as {shape} and read as {array.shape}", stored.reshape(array.shape)
    read = array.reshape(stored.shape).transpose(np.argsort(axes))
    yield f"is stored as {array.shape} and read as {shape}", read


def stride_and_dilation(_result: Array, reference: Reference) -> Iterator[Suspect]:
    """Try the stride taken for the dilation."""
    stride, dilation = reference.case.stride, reference.case.dilation
    text = f"the stride is {dilation} and the dilation {stride}, for {stride} and {dilation}"
    for geometry in _geometries(reference, stride=dilation, dilation=stride):
        yield Suspect("stride and dilation exchanged", text, reference.compute(geometry=geometry))


def _geometries(reference: Reference, **changes: object) -> Iterable[Geometry]:
    """Return those of the case with other arguments: its padding kept in numbers, and kept by name."""
    case, found = reference.case, []
    for numbers in (case.explicit, {}):
        with suppress(ValueError):  # arguments that do not fit each other: no such output
            arguments: dict[str, Any] = {**numbers, **changes}
            found.append(replace(case, **arguments).geometry)
    return dict.fromkeys(found)


def bias(_result: Array, reference: Reference) -> Iterator[Suspect]:
    """Try no bias, or twice the bias."""
    bias = reference.arrays.bias
    if bias is not None:
        yield Suspect("bias", "the bias is missing", reference.compute(reference.arrays._replace(bias=None)))
        yield Suspect(
            "bias", "the bias is added twice", reference.compute(reference.arrays._replace(bias=2 * bias))
        )


def window_flipped(result: Array, reference: Reference) -> Iterator[Suspect]:
    """Try another window, by a kernel that is flipped."""
    for text, w in _flips(reference):
        other = replace(reference, arrays=reference.arrays._replace(w=w))
        for offset in find_windows(result, other):
            yield Suspect("window flipped", f"{text}, and {_begins(offset, reference)}", result, offset)


def _begins(offset: Offset, reference: Reference) -> str:
    what = "full response" if reference.case.transposed else "input"
    text = f"it begins {_sizes(offset)} elements after the reference in the {what}"
    added = reference.case.explicit.get("output_padding", ())
    if any(added) and offset == tuple(-q for q in added):
        text += ", as if the output padding were added before it, not after"
    return text


def padding_values(_result: Array, reference: Reference) -> Iterator[Suspect]:
    """Try padding that holds values other than zeros, and output padding that holds zeros."""
    if reference.case.transposed:
        yield from _zeros_added(reference, "padding values", after=True)
        return
    axes = reference.case.geometry.axes
    pads = [(axis.before, max(axis.after, 0)) for axis in axes]
    inner = [replace(axis, before=0, fine=axis.fine + sum(pad)) for axis, pad in zip(axes, pads, strict=True)]
    geometry = replace(reference.case.geometry, axes=tuple(inner))
    room = min(axis.fine - max(pad) for axis, pad in zip(axes, pads, strict=True))
    least = {"edge": -math.inf, "reflect": 1, "symmetric": 0, "wrap": 0}
    for mode in (mode for mode, most in least.items() if room >= most):
        padded: Array = np.pad(reference.arrays.x, [(0, 0), (0, 0), *pads], mode=mode)  # type: ignore[call-overload] # each is one of its modes
        text = f"the padding {pads} holds {mode} values, not zeros"
        yield Suspect(
            "padding values", text, reference.compute(reference.arrays._replace(x=padded), geometry)
        )


def output_padding_side(_result: Array, reference: Reference) -> Iterator[Suspect]:
    """Try output padding of zeros, before the output."""
    yield from _zeros_added(reference, "output padding side", after=False)


def _zeros_added(reference: Reference, mistake: Mistake, *, after: bool) -> Iterator[Suspect]:
    """Try the output without its output padding, and zeros in place of it."""
    added = reference.case.explicit.get("output_padding", ())
    axes = reference.case.geometry.axes
    if not any(added) or any(q > axis.fine for axis, q in zip(axes, added, strict=True)):
        return
    short = [replace(axis, fine=axis.fine - q) for axis, q in zip(axes, added, strict=True)]
    geometry = replace(reference.case.geometry, axes=tuple(short))
    pads = [(0, 0), (0, 0), *((0, q) if after else (q, 0) for q in added)]
    text = f"the output padding {added} is zeros {'after' if after else 'before'} the output"
    yield Suspect(mistake, text, np.pad(reference.compute(geometry=geometry), pads))
    bias = reference.arrays.bias
    if bias is not None:
        y = np.pad(reference.compute(reference.arrays._replace(bias=None), geometry), pads) + along_channels(
            bias, len(axes)
        )
        yield Suspect(mistake, f"{text}, with the bias", y)


def _axes(chosen: tuple[int, ...]) -> str:
    return "axis" if len(chosen) == 1 else "axes"


def _listed(parts: tuple[str, ...]) -> str:
    return " and ".join(f"the {part}" for part in parts)


def _sizes(sizes: tuple[int, ...]) -> str:
    return str(sizes[0]) if len(sizes) == 1 else str(sizes)
