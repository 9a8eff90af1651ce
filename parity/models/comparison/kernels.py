"""How the kernel and the bias of a layer differ from those of the layer that it was made from."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from parity.cases.arrays import Array, numpy_dtype
from parity.cases.case import Case
from parity.cases.notation import format_shape
from parity.frameworks.model import Use
from parity.frameworks.precision import ROUNDOFF

_ROUNDING = 8 * 2.0**-24
"""Of the largest weight of a filter, that weights may differ by and be the same: where one model computes
them, as of a weight norm, and the other holds them."""

_MOST_FILTERS = 4096
"""Of which an order is looked for."""


class Weights(NamedTuple):
    """A layer's kernel, in convmm's layout, and its bias or None, in float64."""

    kernel: Array
    bias: Array | None


def weights_of(use: Use) -> Weights:
    """Return a layer's weights, widened."""
    return Weights(use.kernel.astype(np.float64), None if use.bias is None else use.bias.astype(np.float64))


def folded(ours: Use, theirs: Use) -> Array | None:
    """Return the factors that a normalization folded into ``theirs`` has multiplied its filters by, (O,).

    None where the kernel is no multiple of the other, filter by filter, or is the same.
    """
    a, b = (_by_filter(use) for use in (ours, theirs))
    if a.shape != b.shape or not a.size:
        return None
    size = (a * a).sum(axis=1)
    if not size.all():
        return None
    factors: Array = (a * b).sum(axis=1) / size
    if not factors.all() or _same(np.ones(1), factors) or not _same(factors[:, None] * a, b):
        return None
    return factors


def _by_filter(use: Use) -> Array:
    """Return a kernel in float64, a row a filter."""
    kernel, case = use.kernel.astype(np.float64), use.case
    if not case.transposed:
        return kernel.reshape(len(kernel), -1)
    by_group = kernel.reshape(case.groups, -1, *kernel.shape[1:])  # (groups, C/groups, O/groups, *kernel)
    return np.moveaxis(by_group, 2, 1).reshape(case.filters, -1)


def _is_equal(ours: Use, theirs: Use) -> bool:
    """Return whether the weights are the same, to the bit, and both have a bias or none."""
    if (ours.bias is None) != (theirs.bias is None) or not np.array_equal(ours.kernel, theirs.kernel):
        return False
    return ours.bias is None or theirs.bias is None or np.array_equal(ours.bias, theirs.bias)


def _as(weights: Weights, dtype: str) -> Weights:
    """Round weights to a dtype."""
    with np.errstate(over="ignore"):
        rounded = [
            None if each is None else each.astype(numpy_dtype(dtype)).astype(np.float64) for each in weights
        ]
    kernel, bias = rounded
    assert kernel is not None  # noqa: S101 - tells the type checker that there always is one
    return Weights(kernel, bias)


def explain_weights(ours: Use, theirs: Use, others: Callable[[Array], str | None]) -> str | None:
    """Say how the weights of ``theirs`` differ from those of ``ours``, by more than rounding, or None.

    Args:
        ours: the layer that they were to be converted from.
        theirs: the layer that has them, of the same kernel shape.
        others: names another layer of ours that has a kernel.
    """
    if _is_equal(ours, theirs):
        return None
    a, b = weights_of(ours), weights_of(theirs)
    if theirs.case.dtype != ours.case.dtype:
        dtype = max(ours.case.dtype, theirs.case.dtype, key=lambda each: ROUNDOFF[each])
        a, b = _as(a, dtype), _as(b, dtype)  # a model in another dtype is not converted wrongly
    found = [_kernel(a.kernel, b.kernel, ours, others), _bias(a.bias, b.bias)]
    said = [each for each in found if each is not None]
    return "; ".join(said) or None


def _kernel(a: Array, b: Array, ours: Use, others: Callable[[Array], str | None]) -> str | None:
    if a.shape != b.shape:
        return f"its kernel is {format_shape(b.shape)} and not {format_shape(a.shape)}, in convmm's layout"
    if _same(a, b):
        return None
    for described, changed in _changes(a, ours.case):
        if changed.shape == b.shape and _same(changed, b):
            return f"its kernel {described}"
    other = others(b)
    if other not in {None, ours.name}:
        return f"its kernel is that of {other}"
    return _values(a, b, "kernel", _slices(ours.case))


def _slices(case: Case) -> tuple[str, str]:
    """Return what the first two axes of a kernel count, in convmm's layout."""
    return ("input channels", "filters") if case.transposed else ("filters", "input channels")


def _same(a: Array, b: Array) -> bool:
    return bool(np.abs(a - b).max(initial=0.0) <= _ROUNDING * np.abs(a).max(initial=0.0))


def _changes(a: Array, case: Case) -> Iterator[tuple[str, Array]]:
    """Yield what conversions do to a kernel by mistake, most common first."""
    yield from _moved(a)
    if a.shape[0] == a.shape[1] > 1:
        swapped = a.swapaxes(0, 1)
        yield "is transposed: input and output channels are exchanged", swapped
        for described, changed in _moved(swapped):
            yield f"is transposed, input and output channels are exchanged, and {described}", changed
    if case.groups > 1:
        for factor in _divisors(len(a)):
            order = np.arange(len(a)).reshape(factor, -1).T.ravel()
            what = f"in the order {_as_order(order)}: groups and multiplier are exchanged"
            yield f"has its {_slices(case)[0]} {what}", a[order]


def _moved(a: Array) -> Iterator[tuple[str, Array]]:
    """Yield the kernel flipped, or with its spatial axes exchanged."""
    axes = range(2, a.ndim)
    long = [axis for axis in axes if a.shape[axis] > 1]
    flips = [chosen for count in range(1, len(long) + 1) for chosen in itertools.combinations(long, count)]
    for chosen in reversed(flips):  # all of them first
        where = "every axis" if len(chosen) == len(long) else _axes(chosen)
        yield f"is flipped on {where}", np.flip(a, chosen)
    for order in itertools.permutations(axes):
        if order == tuple(axes):
            continue
        exchanged = a.transpose(0, 1, *order)
        moved = [axis for axis, other in zip(axes, order, strict=True) if axis != other]
        what = f"has its spatial {_axes(moved)} exchanged"
        yield what, exchanged
        yield f"{what} and is flipped on every axis", np.flip(exchanged, tuple(long))


def _axes(chosen: tuple[int, ...] | list[int]) -> str:
    return f"axis {chosen[0] - 2}" if len(chosen) == 1 else f"axes {' and '.join(str(a - 2) for a in chosen)}"


def _divisors(count: int) -> list[int]:
    return [each for each in range(2, count) if count % each == 0]


def _as_order(order: Array) -> str:
    shown = ", ".join(map(str, order[:8]))
    return shown + (", …" if len(order) > 8 else "")  # noqa: PLR2004 - as above


def _values(a: Array, b: Array, what: str, slices: tuple[str, ...]) -> str:
    """Say how the values of a kernel or a bias of the same shape differ."""
    said = _constant(b) or _order(a, b, slices) or _rounded(a, b) or _scaled(a, b) or _apart(a, b)
    return f"its {what} {said}"


def _constant(b: Array) -> str | None:
    if not b.any():
        return "is all zeros"
    return f"is {b.flat[0]:g} everywhere" if b.size > 1 and (b == b.flat[0]).all() else None


def _apart(a: Array, b: Array) -> str:
    if np.array_equal(np.sort(a, axis=None), np.sort(b, axis=None)):
        return "has the same numbers in another order: reshaped in place of transposed?"
    apart = np.abs(a - b)
    share, largest = np.count_nonzero(apart) / apart.size, np.abs(a).max(initial=0.0)
    return (
        f"has other numbers: {share:.0%} of them, the largest difference is {apart.max():.3g} where the "
        f"largest number is {largest:.3g}"
    )


def _order(a: Array, b: Array, slices: tuple[str, ...]) -> str | None:
    """Say in which order the slices of ``a`` stand in ``b``, along an axis."""
    for axis, name in enumerate(slices):
        if not 1 < a.shape[axis] <= _MOST_FILTERS:
            continue
        rows = {each.tobytes(): number for number, each in enumerate(np.moveaxis(a, axis, 0))}
        order = [rows.get(each.tobytes()) for each in np.moveaxis(b, axis, 0)]
        known = [each for each in order if each is not None]
        if len(known) == len(order) == len(set(known)):
            return f"has its {name} in another order: {_as_order(np.array(known))}"
    return None


def _rounded(a: Array, b: Array) -> str | None:
    with np.errstate(over="ignore"):
        halves = {half: a.astype(numpy_dtype(half)).astype(np.float64) for half in ("float16", "bfloat16")}
    found = (half for half, rounded in halves.items() if np.array_equal(rounded, b))
    return next((f"is rounded to {half}" for half in found), None)


def _scaled(a: Array, b: Array) -> str | None:
    """Say that all of it, or each filter, is multiplied by a factor."""
    rows_a, rows_b = a.reshape(len(a), -1), b.reshape(len(b), -1)
    size = (rows_a * rows_a).sum(axis=1)
    if not size.all():
        return None
    factors = (rows_a * rows_b).sum(axis=1) / size
    if not _same(rows_a * factors[:, None], rows_b):
        return None
    if np.ptp(factors) <= _ROUNDING * np.abs(factors).max():
        return f"is multiplied by {factors.mean():.6g}"
    if a.ndim == 1:
        return None
    return "is multiplied by a factor of its own in each filter: is a normalization folded into it?"


def _bias(a: Array | None, b: Array | None) -> str | None:
    if a is None and b is None:
        return None
    if a is None or b is None:
        given = a if b is None else b
        if given is not None and not given.any():
            return None  # a bias of zeros is none
        return "its bias is lost" if b is None else "it has a bias, and the other has none"
    if a.shape == b.shape and _same(a, b):
        return None
    if a.shape != b.shape:
        return f"its bias has {b.size} elements and not {a.size}"
    return _values(a, b, "bias", ("filters",))
