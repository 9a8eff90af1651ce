"""How far apart rounding may bring the outputs of two layers that compute the same.

For an output element with the products' magnitudes summing up to A, each layer is within its own mode's
bound of the exact sum (:mod:`parity.verdict.bounds`), and so the two are within both bounds together of each
other. A itself would cost another convolution of the layer's size; by Cauchy and Schwarz it is at most the
norm of the filter times that of what it meets, of which the latter takes a convolution of one channel a
group. That can only widen the bound.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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

_WIDER = 1 + 2.0**-20
"""For the rounding of the norms themselves."""

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
    a, b = pair.y[window].astype(np.float64), other.astype(np.float64)
    tells = bool((np.isfinite(a) & np.isfinite(b) & ((a != 0) | (b != 0))).any())
    with np.errstate(invalid="ignore", over="ignore"):
        difference = np.where(equal(a, b), 0.0, np.abs(a - b))
    difference[np.isnan(difference)] = np.inf
    largest = float(difference.max(initial=0.0))
    if not largest:
        return Apart(agree=True, ratio=0.0, largest=0.0, tells=tells)
    met = np.sqrt(_energy(pair.mine, pair.x))[window]  # (N, groups, *sizes)
    allowed = _allowed(pair, met, a, frameworks, converted=converted)
    if allowed is None:
        dtype = _coarser(pair.mine.case.dtype, pair.other.case.dtype)
        return Apart(compare(b, a, dtype).allclose is True, None, largest, tells)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = float(np.where(difference == 0, 0.0, difference / allowed).max(initial=0.0))
    return Apart(ratio <= 1, ratio, largest, tells)


def _coarser(a: str, b: str) -> str:
    return max(a, b, key=lambda dtype: ROUNDOFF[dtype])


def _allowed(
    pair: OnePair, met: Array, y: Array, frameworks: tuple[str, str], *, converted: bool
) -> Array | None:
    """Return how far apart each element may be, broadcast over them; None where that cannot be said.

    Args:
        pair: the layers.
        met: the norm of what each output's taps meet, (N, groups, *sizes).
        y: what the first gave, (N, O, *sizes).
        frameworks: as of :func:`apart`.
        converted: as of :func:`apart`.
    """
    ours, theirs, x = pair.mine, pair.other, pair.x
    case, rank = ours.case, ours.case.rank
    norms, other_norms, changes = (_norms(ours, each) for each in _kernels(ours, theirs))
    met = np.repeat(met, case.filters // max(case.groups, 1), axis=1)
    terms = np.asarray(case.input[1] // case.groups * int(np.prod(case.kernel)) + 1)
    taps = np.asarray(int(np.prod(case.kernel)) + 1)
    total = changes * met if converted else np.zeros(())
    for use, norm, name in ((ours, norms, frameworks[0]), (theirs, other_norms, frameworks[1])):
        bias = 0.0 if use.bias is None else along_channels(np.abs(use.bias.astype(np.float64)), rank)
        mode = _mode(name, use, x)
        if float(terms * mode.accumulator + taps * mode.taps) > _MOST_ROUNDOFF:
            return None
        magnitude = (norm * met + bias) * _WIDER
        before = magnitude if mode.bias_apart else None
        sums = Sums(y, np.zeros(()), magnitude, terms, taps, use.case.dtype, before)
        total = total + sums.largest_errors(mode)
    if converted and ours.bias is not None and theirs.bias is not None:
        total = total + along_channels(np.abs(ours.bias.astype(np.float64) - theirs.bias), rank)
    return total


def _kernels(ours: Use, theirs: Use) -> tuple[Array, Array, Array]:
    """Return both kernels, and their difference."""
    a, b = ours.kernel.astype(np.float64), theirs.kernel.astype(np.float64)
    return a, b, a - b


def _mode(framework: str, use: Use, x: Array) -> Mode:
    """Return the precision of a layer; of one whose dtype is narrower than the input's, with that rounded."""
    mode = find_framework(framework).mode(use.case)
    own = ROUNDOFF[use.case.dtype]
    narrower = own > ROUNDOFF.get(x.dtype.name, 0.0)
    return replace(mode, operands=mode.operands + own, output=max(mode.output, own)) if narrower else mode


def _energy(use: Use, x: Array) -> Array:
    """Return the sum of the squares of what each output's taps meet, over a group: (N, groups, *sizes)."""
    groups = use.case.groups
    squares = np.square(x.astype(np.float64))
    by_group = squares.reshape(len(x), groups, -1, *x.shape[2:]).sum(axis=2)
    geometry = replace(use.case.geometry, fine_channels=groups, coarse_channels=groups, groups=groups)
    ones = np.ones((groups, 1, *use.case.kernel))
    return (plain.spread if use.case.transposed else plain.correlate)(by_group, ones, geometry)


def _norms(use: Use, kernel: Array) -> Array:
    """Return the norm of each filter, (O, 1, …)."""
    case = use.case
    squares = np.square(kernel)
    if case.transposed:
        by_group = squares.reshape(case.groups, -1, *kernel.shape[1:])
        found = by_group.sum(axis=(1, *range(3, by_group.ndim))).ravel()
    else:
        found = squares.sum(axis=tuple(range(1, kernel.ndim)))
    return along_channels(np.sqrt(found), case.rank)
