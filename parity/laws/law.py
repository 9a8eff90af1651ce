"""The laws of a convolution: what holds of every right implementation, with no other one beside it.

It gives the same bits twice, for each sample alone and in any batch, and with any number of threads. It is
linear in its input and in its kernel, adds its bias once, and has the opposite operation for its adjoint:
<f(x), y> = <x, f*(y)> for all x and y. These are tried on integers, so small that every sum is exact, and so
a law holds to the bit or does not hold. The laws of bits can be tried on any values; where sums are rounded,
what breaks one may be a right result all the same, of sums in another order.

Inner products are compared at random operands, as matrix products are in Freivalds, "Fast probabilistic
algorithms", MFCS 1979: a wrong adjoint may be missed by one pair, hardly by four.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from parity.cases.arrays import Array, Arrays
from parity.cases.notation import format_number, format_shape

FACTOR = -2
"""What one of two parts is multiplied by: so small that even the parts of an array of ones are ones."""

Status = Literal["holds", "broken", "not applicable"]
STATUSES: tuple[Status, ...] = get_args(Status)
Apply = Callable[[Arrays], Array]
Linear = Callable[[Array], Array]


class NoValueError(Exception):
    """A call that had to give a value gave none, or none of the shape it had to have: its law is broken.

    Attributes:
        crashed: its process ended, or it ran out of time.
    """

    def __init__(self, message: str, *, crashed: bool = False) -> None:
        super().__init__(message)
        self.crashed = crashed


class NotApplicableError(Exception):
    """There is nothing to try the law on; the message says why, in one sentence."""


@dataclass(frozen=True)
class Finding:
    """What came of one law.

    Attributes:
        status: "holds"; "broken"; "not applicable", where it could not be tried.
        message: one sentence, with both sides' numbers where they differ.
        max_difference: the largest difference between the sides; None where there is none to take.
        where: index of the output's element (sample, channel, *position) at which it is; None where it is
            in none or in no single one.
    """

    status: Status
    message: str
    max_difference: float | None = None
    where: tuple[int, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON has it."""
        place = self.where and {
            "sample": self.where[0],
            "channel": self.where[1],
            "position": list(self.where[2:]),
        }
        return {
            "status": self.status,
            "max_difference": self.max_difference,
            "where": place,
            "message": self.message,
        }


def find(law: Callable[[], Finding]) -> Finding:
    """Try a law; a call without a value breaks it."""
    try:
        return law()
    except NotApplicableError as error:
        return Finding("not applicable", str(error))
    except NoValueError as error:
        return Finding("broken", str(error))


def split(array: Array, generator: np.random.Generator) -> tuple[Array, Array]:
    """Split an array of integers: FACTOR * first + second == array, neither larger in magnitude anywhere.

    What is exact of the array's products is therefore exact of the parts'.
    """
    whole = array.astype(np.int64)
    magnitude = np.abs(whole)
    share = generator.integers(magnitude > 1, magnitude, endpoint=True)
    first = -np.sign(whole) * share
    return first.astype(array.dtype), (whole - FACTOR * first).astype(array.dtype)


def repeats(apply: Apply, arrays: Arrays) -> Finding:
    """Check that the same call gives the same bits."""
    return _compare_bits("call", "the first call", "the second call", apply(arrays), apply(arrays))


def is_independent_of_threads(apply: Apply, apply_on_two: Apply, arrays: Arrays) -> Finding:
    """Check that a call gives the same bits with one thread and, twice, with two."""
    once = apply(arrays)
    for _ in range(2):
        finding = _compare_bits(
            "number of threads", "f with one thread", "f with two", once, apply_on_two(arrays)
        )
        if finding.status == "broken":
            break
    return finding


def is_independent(apply: Apply, arrays: Arrays) -> Finding:
    """Check that each sample gives the same bits alone and in batches of several sizes, at several places.

    A single sample is joined by its negative.
    """
    x = arrays.x
    samples = x if len(x) > 1 else np.concatenate([x, -x])
    each = [apply(arrays._replace(x=sample[None])) for sample in samples]
    for one in each:
        _check_shapes(each[0], one)
    alone = np.concatenate(each)
    if len(alone) != len(samples):
        raise NoValueError(f"its output for one sample has shape {format_shape(each[0].shape)}")
    batches = _batches(len(samples), max(x[0].size, alone[0].size))
    for batch in map(list, batches):
        name = f"f of a batch of {len(batch)}"
        whole = apply(arrays._replace(x=samples[batch]))
        finding = _compare_bits("batch", name, "f of the sample alone", whole, alone[batch])
        if finding.where is not None:
            place, *element = finding.where
            number = batch[place]
            which = f"sample {number} of the case" if number < len(x) else "the negative of the case's sample"
            said = f"{finding.message}; at place {place} of the batch is {which}"
            return replace(finding, message=said, where=(number, *element))
    sizes = ", ".join(map(str, sorted({len(batch) for batch in batches})))
    return Finding(
        "holds",
        f"its bits do not change with the batch: f of each of {len(samples)} samples alone equals f of it in "
        f"{len(batches)} batches, of {sizes}",
        0.0,
    )


SIZES = (2, 3, 4, 8, 17, 33)
"""Of batches: kernels are chosen by the batch, and what is left over of a block is computed by others."""

_MOST_ELEMENTS = 2**22
"""Of the input or the output of a batch that is larger than the case's own."""


def _batches(count: int, elements: int) -> list[tuple[int, ...]]:
    """Return batches of so many samples, by their numbers: all of them, and others in turn.

    Args:
        count: of samples, two at least.
        elements: of a sample.
    """
    own = tuple(range(count))
    sizes = [size for size in SIZES if size <= count or size * elements <= _MOST_ELEMENTS]
    others = [tuple((first + place) % count for place in range(size)) for size in sizes for first in (0, 1)]
    return list(dict.fromkeys((own, own[::-1], *others)))


def is_linear(f: Linear, whole: Array, generator: np.random.Generator) -> Finding:
    """Check that f(a*u + v) == a*f(u) + f(v), and so f(0) == 0."""
    u, v = split(whole, generator)
    left, of_u, of_v = f(whole), f(u), f(v)
    _check_shapes(left, of_u)
    _check_shapes(left, of_v)
    with np.errstate(over="ignore", invalid="ignore"):  # infinities on one side are a difference like others
        right = FACTOR * of_u.astype(np.float64) + of_v.astype(np.float64)
    return _compare(f"f({FACTOR}*u + v)", f"{FACTOR}*f(u) + f(v)", left, right)


def adds_bias(apply: Apply, arrays: Arrays) -> Finding:
    """Check that the bias is added once, each of its elements to the whole of its own channel."""
    assert arrays.bias is not None  # noqa: S101 - the caller has chosen a case with a bias
    left, right = apply(arrays), apply(without_bias(arrays)).astype(np.float64)
    _check_shapes(left, right)
    bias = arrays.bias.astype(np.float64).reshape(-1, *(1,) * (left.ndim - 2))
    if left.shape[1] != len(bias):
        raise NoValueError(f"its output has {left.shape[1]} channels, and the bias has {len(bias)} elements")
    return _compare("f with the bias", "f without it + the bias", left, right + bias)


def without_bias(arrays: Arrays) -> Arrays:
    """Return the arrays with zeros for the bias, where there is one."""
    return arrays._replace(bias=None if arrays.bias is None else np.zeros_like(arrays.bias))


def is_adjoint(f: Linear, adjoint: Linear, x: Array, y: Array, generator: np.random.Generator) -> Finding:
    """Check that <f(x), y> == <x, f*(y)>, for two parts of each operand; name the element where it fails."""
    xs, ys = split(x, generator), split(y, generator)
    pairs = itertools.product([(u, f(u)) for u in xs], [(v, adjoint(v)) for v in ys])
    tried = [(u, v, _inner(fu, v, "f(x)", "y"), _inner(u, av, "x", "f*(y)")) for (u, fu), (v, av) in pairs]
    u, v, left, right = max(tried, key=lambda each: _difference(each[2], each[3]))
    if not _difference(left, right):
        return Finding("holds", f"<f(x), y> equals <x, f*(y)> for {len(tried)} pairs of x and y", 0.0)
    message = f"<f(x), y> is {format_number(left)}, and <x, f*(y)> is {format_number(right)}"
    element, where = _narrow(f, adjoint, u, v)
    return Finding("broken", f"{message}{element}", _finite(_difference(left, right)), where)


def _narrow(f: Linear, adjoint: Linear, x: Array, y: Array) -> tuple[str, tuple[int, ...] | None]:
    """Name one element of x and one of y between which f and its adjoint differ, in words, and that of y.

    Nothing where halving the operands ends before that, as it may when one of the two is not linear.
    """
    fx = f(x)
    y = _halve(lambda part: _difference(_inner(fx, part), _inner(x, adjoint(part))) > 0, y)
    back = adjoint(y)
    x = _halve(lambda part: _difference(_inner(f(part), y), _inner(part, back)) > 0, x)
    if np.count_nonzero(x) > 1 or np.count_nonzero(y) > 1:
        return "", None
    source, target = (tuple(int(each[0]) for each in np.nonzero(array)) for array in (x, y))
    unit = float(x[source]) * float(y[target])
    forth, through = (inner / unit + 0.0 for inner in (_inner(f(x), y), _inner(x, back)))  # 0.0: of no sign
    element = (
        f"; between element {source} of x and element {target} of y f has the factor {format_number(forth)} "
        f"and f* {format_number(through)}"
    )
    return element, target


def _halve(fails: Callable[[Array], bool], array: Array) -> Array:
    """Keep as few elements of an array as halving leaves that still fail, and zeros for the others."""
    places = np.flatnonzero(array)
    while len(places) > 1:
        halves = places[: len(places) // 2], places[len(places) // 2 :]
        failing = next((half for half in halves if fails(_only(array, half))), None)
        if failing is None:
            break
        places = failing
    return _only(array, places)


def _only(array: Array, places: Array) -> Array:
    """Return the array with zeros everywhere but at these places of its flat form."""
    kept = np.zeros_like(array)
    kept.flat[places] = array.flat[places]
    return kept


def _inner(a: Array, b: Array, *names: str) -> float:
    """Return the inner product, exact but for one rounding at its end; NaN where it has no value."""
    _check_shapes(a, b, *names)
    with np.errstate(over="ignore", invalid="ignore"):
        products = a.astype(np.float64) * b.astype(np.float64)
    try:
        return math.fsum(products.ravel())
    except (OverflowError, ValueError):  # infinities of both signs, or sums beyond the largest number
        return math.nan


def _compare_bits(cause: str, left: str, right: str, a: Array, b: Array) -> Finding:
    """Compare the bits of two outputs that are to be the same, and say whether the cause changes them."""
    _check_shapes(a, b)
    of_a, of_b = (np.ascontiguousarray(each).view(f"u{each.itemsize}") for each in (a, b))
    finding = _compare(left, right, a, b, of_a != of_b)
    changes = "do not change" if finding.status == "holds" else "change"
    return replace(finding, message=f"its bits {changes} with the {cause}: {finding.message}")


def _compare(left: str, right: str, a: Array, b: Array, differ: Array | None = None) -> Finding:
    """Compare the sides of a law, element by element; ``differ`` where their bits do, if that is the law."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    alike = np.zeros(a.shape, bool) if differ is None else np.isnan(a) & np.isnan(b)
    differ = np.asarray(a != b) if differ is None else differ
    count = int(np.count_nonzero(differ))
    if not count:
        return Finding("holds", f"{left} equals {right} in all {a.size} elements", 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        apart = np.nan_to_num(np.abs(a - b), nan=np.inf, posinf=np.inf)
    apart = np.where(differ, np.where(alike, 0.0, apart), -1.0)
    where = tuple(int(i) for i in np.unravel_index(int(np.argmax(apart)), a.shape))
    by = f"{format_number(apart[where])} apart and nowhere more" if apart[where] else "the same in other bits"
    message = (
        f"{left} is {format_number(a[where])} and {right} is {format_number(b[where])} at {_place(where)}, "
        f"{by}; {count} of {a.size} elements differ"
    )
    return Finding("broken", message, _finite(float(apart[where])), where)


def _check_shapes(a: Array, b: Array, *names: str) -> None:
    if a.shape != b.shape:
        one, other = names or ("one output", "the other")
        raise NoValueError(
            f"{one} has shape {format_shape(a.shape)}, and {other} has {format_shape(b.shape)}"
        )


def _place(where: Sequence[int]) -> str:
    position = ", ".join(map(str, where[2:]))
    return f"sample {where[0]}, channel {where[1]}, position ({position})"


def _difference(a: float, b: float) -> float:
    """Subtract; infinite where there is no value, so that infinities never pass for equal."""
    return math.inf if math.isnan(a - b) else abs(a - b)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
