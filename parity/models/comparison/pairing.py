"""Which convolution of one model is which of the other: by order and shapes, and where that is not enough."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from parity.cases.arrays import Array
from parity.frameworks.model import Use
from parity.models.comparison.distance import distance
from parity.models.comparison.recording import Call

_NEARER = 0.5
"""Of the distance of inputs: how much nearer others have to be for calls to be those of another order."""


_ODD = 0x9E3779B1
"""By which bits are mixed: modulo 2**32 to multiply by it loses none of them."""


@dataclass(frozen=True)
class Pairing:
    """Pairs of calls, in the order of the first model.

    Attributes:
        pairs: indices of a call of each model.
        ambiguous: some of them might be others, as far as order, shapes and weights tell.
    """

    pairs: tuple[tuple[int, int], ...]
    ambiguous: bool = False


def pair(ours: Sequence[Call], theirs: Sequence[Call]) -> Pairing:
    """Pair the calls of two models.

    Calls of the same shapes are paired in order, where both models have as many of them. Where the kernels
    say another order, the inputs decide: branches may run in another order, and then kernels and inputs
    belong together; where kernels alone are exchanged, they do not. Where one model has more, equal kernels
    hold the pairs together, and what is left is aligned in order.
    """
    pairs: dict[int, int] = {}
    for signature in (_signature, _rough):
        left = _left(ours, theirs, pairs)
        mine, other = (_by(calls, each, signature) for calls, each in zip((ours, theirs), left, strict=True))
        for key, a in mine.items():
            b = other.get(key, [])
            find = _of_as_many if len(a) == len(b) else _of_equal_kernels
            pairs.update(find(ours, theirs, a, b))
    ambiguous = False
    for signature in (_signature, _rough, _roughest):
        a, b = _left(ours, theirs, pairs)
        if not a or not b:
            break
        found = _aligned([signature(ours[i].use) for i in a], [signature(theirs[j].use) for j in b])
        ambiguous = ambiguous or (len(a) != len(b) and _has_choice(ours, theirs, a, b))
        pairs.update({a[i]: b[j] for i, j in found})
    return Pairing(tuple(sorted(pairs.items())), ambiguous)


def _left(
    ours: Sequence[Call], theirs: Sequence[Call], pairs: Mapping[int, int]
) -> tuple[list[int], list[int]]:
    """Return the calls of each model that are in no pair."""
    taken = set(pairs.values())
    mine = [number for number in range(len(ours)) if number not in pairs]
    return mine, [number for number in range(len(theirs)) if number not in taken]


def _by(
    calls: Sequence[Call], numbers: Sequence[int], key: Callable[[Use], Hashable]
) -> dict[Hashable, list[int]]:
    found: dict[Hashable, list[int]] = defaultdict(list)
    for number in numbers:
        found[key(calls[number].use)].append(number)
    return found


def _signature(use: Use) -> Hashable:
    case = use.case
    return case.op, case.input[1], case.filters, case.kernel, case.groups


def _rough(use: Use) -> Hashable:
    """Return what a layer keeps whose rank, groups or kernel's axes are others by mistake."""
    case = use.case
    taps = tuple(sorted(each for each in case.kernel if each > 1))
    return case.transposed, case.input[1], case.filters, taps


def _roughest(use: Use) -> Hashable:
    return use.case.filters


def _of_as_many(ours: Sequence[Call], theirs: Sequence[Call], a: list[int], b: list[int]) -> dict[int, int]:
    in_order = dict(zip(a, b, strict=True))
    by_kernel = _of_equal_kernels(ours, theirs, a, b)
    if len(by_kernel) < len(a) or by_kernel == in_order:
        return in_order
    first = next(i for i in a if by_kernel[i] != in_order[i])
    x = ours[first].x.read()
    apart = distance(x, theirs[in_order[first]].x.read())
    otherwise = distance(x, theirs[by_kernel[first]].x.read())
    return in_order if apart < _NEARER * otherwise else by_kernel


def _of_equal_kernels(
    ours: Sequence[Call], theirs: Sequence[Call], a: list[int], b: list[int]
) -> dict[int, int]:
    """Pair calls whose kernels hold the same numbers, in any order.

    Where one model has more of such calls, those are paired that see inputs of one shape.
    """
    mine: dict[Hashable, list[int]] = defaultdict(list)
    other: dict[Hashable, list[int]] = defaultdict(list)
    for calls, numbers, found in ((ours, a, mine), (theirs, b, other)):
        for number in numbers:
            found[numbers_in(calls[number].use.kernel)].append(number)
    pairs: dict[int, int] = {}
    for key, group in mine.items():
        others = other.get(key, [])
        if len(group) == len(others):
            pairs.update(zip(group, others, strict=True))
        else:
            shapes = [[calls[n].x.shape for n in each] for calls, each in ((ours, group), (theirs, others))]
            pairs.update({group[i]: others[j] for i, j in _aligned(*shapes)})
    return pairs


def numbers_in(kernel: Array) -> Hashable:
    """Return what two kernels have in common that hold the same numbers, in any order, of any dtype."""
    bits = np.ascontiguousarray(kernel, dtype=np.float32).view(np.uint32).ravel()
    mixed = bits * np.uint32(_ODD)
    mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(_ODD)
    return kernel.size, int(bits.sum(dtype=np.uint64)), int(mixed.sum(dtype=np.uint64))


def _aligned(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Return the pairs of equal elements of two sequences, in order."""
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    blocks = matcher.get_matching_blocks()
    return [(block.a + step, block.b + step) for block in blocks for step in range(block.size)]


def _has_choice(ours: Sequence[Call], theirs: Sequence[Call], a: list[int], b: list[int]) -> bool:
    """Return whether a call that is left has several to be paired with."""
    mine = Counter(_rough(ours[i].use) for i in a)
    other = Counter(_rough(theirs[j].use) for j in b)
    return any(count != other[key] and other[key] for key, count in mine.items())
