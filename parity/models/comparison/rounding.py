"""How far apart rounding may bring the outputs of two layers that compute the same.

For an output element with the products' magnitudes summing up to A, each layer is within its own mode's
bound of the exact sum (:mod:`parity.verdict.bounds`), and so the two are within both bounds together of each
other. A itself would cost another convolution of the layer's size; by Cauchy and Schwarz it is at most the
norm of the filter times that of what it meets, of which the latter takes a convolution of one channel a
group. That can only widen the bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from convmm.reference import plain
from parity.cases.arrays import Array
from parity.frameworks.model import Use
from parity.frameworks.precision import ROUNDOFF, Mode
from parity.frameworks.table import find_framework
from parity.models.comparison.ranks import OnePair
from parity.verdict.bounds import Sums
from parity.verdict.compare import compare, equal
from parity.verdict.reference import along_channels

_WIDER = 1 + 2.0**-8
"""For the rounding of the norms themselves, in float32."""

_MOST_SQUARED = 1e15
"""The largest input whose squares are summed up in float32."""

_MOST_ROUNDOFF = 0.1
"""Of the terms' number times the accumulator's roundoff, beyond which a bound says nothing."""


@dataclass(frozen=True)
class Apart:
    """How far two outputs are apart.

    Attributes:
        agree: within the bound; where that says nothing, within the dtype's tolerances.
        ratio: of the largest difference to what rounding allows there; None where the bound says nothing.
        largest: difference; infinite beside undefined numbers.
        tells: some element is finite and not zero in either: else nothing was compared.
    """

    agree: bool
    ratio: float | None
    largest: float
    tells: bool


def apart(
    pair: OnePair, other: Array, cut: tuple[slice, ...], frameworks: tuple[str, str], *, converted: bool
) -> Apart:
    """Compare what two layers that mean the same give for the first one's input.

    Args:
        pair: the layers, with kernels of one shape, and what the first was given and gave.
        other: what the second gave, of the elements that both have.
        cut: which of the first one's these are.
        frameworks: the names of whose they are.
        converted: their weights differ by rounding at most, which the bound allows for then.
    """
    window = (slice(None), slice(None), *cut)
    y = pair.y[window]
    kind: type[np.floating[Any]] = np.float32 if y.dtype == other.dtype == np.float32 else np.float64
    a: Array = y.astype(kind, copy=False)
    b: Array = other.astype(kind, copy=False)
    with np.errstate(invalid="ignore", over="ignore"):
        difference = np.abs(a - b)
    largest = float(difference.max(initial=0.0))
    if not largest:
        return Apart(agree=True, ratio=0.0, largest=0.0, tells=bool(a.any()))
    tells = True
    if not math.isfinite(largest):
        difference = np.where(equal(a, b), 0.0, difference)
        difference[np.isnan(difference)] = np.inf
        largest = float(difference.max(initial=0.0))
        tells = bool((np.isfinite(a) & np.isfinite(b) & ((a != 0) | (b != 0))).any())
    allowed = _allowed(pair, a, window, frameworks, converted=converted)
    if allowed is None:
        dtype = _coarser(pair.mine.case.dtype, pair.other.case.dtype)
        return Apart(compare(b, a, dtype).allclose is True, None, largest, tells)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.divide(difference, allowed, out=difference)
    if not tells or not math.isfinite(largest):
        ratio[np.isnan(ratio)] = 0.0  # no difference beside no bound
    highest = float(ratio.max(initial=0.0))
    return Apart(highest <= 1, highest, largest, tells)


def _coarser(a: str, b: str) -> str:
    return max(a, b, key=lambda dtype: ROUNDOFF[dtype])


def _allowed(
    pair: OnePair, y: Array, window: tuple[slice, ...], frameworks: tuple[str, str], *, converted: bool
) -> Array | None:
    """Return how far apart each element may be; None where that cannot be said.

    It is a number for each filter times the norm of what the output's taps meet, and further ones.

    Args:
        pair: the layers.
        y: what the first gave, (N, O, *sizes), of the elements that both have.
        window: which these are.
        frameworks: as of :func:`apart`.
        converted: as of :func:`apart`.
    """
    ours, theirs, x = pair.mine, pair.other, pair.x
    case = ours.case
    slope, more, of_output = np.zeros(case.filters), np.zeros(case.filters), 0.0
    for use, name in ((ours, frameworks[0]), (theirs, frameworks[1])):
        found = _bound(use, _mode(name, use, x))
        if found is None:
            return None
        slope += found.of_magnitude * _norms(ours, use.kernel)
        more += found.least
        if use.bias is not None:
            more += found.of_magnitude * np.abs(use.bias.astype(np.float64))
        of_output += found.of_output
    if converted:  # the weights themselves may differ by rounding
        if not np.array_equal(ours.kernel, theirs.kernel):
            slope += _norms(ours, ours.kernel.astype(np.float64) - theirs.kernel)
        if ours.bias is not None and theirs.bias is not None:
            more += np.abs(ours.bias.astype(np.float64) - theirs.bias)
    met = np.sqrt(_energy(ours, x))[window]  # (N, groups, *sizes)
    by_filter = np.repeat(met, case.filters // case.groups, axis=1) if case.groups > 1 else met
    kind = y.dtype
    allowed = (by_filter * along_channels(slope * _WIDER, case.rank).astype(kind)).astype(kind, copy=False)
    allowed = allowed + along_channels(more * _WIDER, case.rank).astype(kind)
    if of_output:
        allowed += np.abs(y) * kind.type(of_output * _WIDER)
    return np.asarray(allowed)


@dataclass(frozen=True)
class _Bound:
    """The bound of one layer's errors, which is linear.

    Attributes:
        of_magnitude: times the sum of the products' magnitudes and the bias's.
        of_output: times the output.
        least: of what is lost below the smallest numbers.
    """

    of_magnitude: float
    of_output: float
    least: float


def _bound(use: Use, mode: Mode) -> _Bound | None:
    """Return the bound of a layer in this mode; None where it says nothing."""
    case = use.case
    taps = math.prod(case.kernel)
    terms = case.input[1] // case.groups * taps + 1
    if terms * mode.accumulator + (taps + 1) * mode.taps > _MOST_ROUNDOFF:
        return None

    def of(y: float, magnitude: float) -> float:
        before = np.array(magnitude) if mode.bias_apart else None
        counts = np.array(terms), np.array(taps + 1)
        sums = Sums(np.array(y), np.zeros(()), np.array(magnitude), *counts, case.dtype, before)
        return float(sums.largest_errors(mode))

    least = of(0.0, 0.0)
    return _Bound(of(0.0, 1.0) - least, of(1.0, 0.0) - least, least)


def _mode(framework: str, use: Use, x: Array) -> Mode:
    """Return the precision of a layer; of one whose dtype is narrower than the input's, with that rounded."""
    mode = find_framework(framework).mode(use.case)
    own = ROUNDOFF[use.case.dtype]
    narrower = own > ROUNDOFF.get(x.dtype.name, 0.0)
    return replace(mode, operands=mode.operands + own, output=max(mode.output, own)) if narrower else mode


def _energy(use: Use, x: Array) -> Array:
    """Return the sum of the squares of what each output's taps meet, over a group: (N, groups, *sizes)."""
    groups = use.case.groups
    wide = x if x.dtype == np.float32 and np.abs(x).max(initial=0.0) < _MOST_SQUARED else x.astype(np.float64)
    by_group = wide.reshape(len(x), groups, -1, *x.shape[2:])
    energy = np.einsum("ngc...,ngc...->ng...", by_group, by_group)
    geometry = replace(use.case.geometry, fine_channels=groups, coarse_channels=groups, groups=groups)
    ones = np.ones((groups, 1, *use.case.kernel), energy.dtype)
    return (plain.spread if use.case.transposed else plain.correlate)(energy, ones, geometry)


def _norms(use: Use, kernel: Array) -> Array:
    """Return the norm of each filter, (O,)."""
    case = use.case
    squares = np.square(kernel, dtype=np.float64)
    if case.transposed:
        by_group = squares.reshape(case.groups, -1, *kernel.shape[1:])
        found = by_group.sum(axis=(1, *range(3, by_group.ndim))).ravel()
    else:
        found = squares.sum(axis=tuple(range(1, kernel.ndim)))
    return np.asarray(np.sqrt(found))
