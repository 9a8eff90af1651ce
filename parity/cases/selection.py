"""Which of many cases: of some ops, dtypes and other words, within bounds checked against each other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict, TypeVar, cast, get_args

from convmm.geometry import check_int, shown
from parity.cases.case import DTYPES, PADDING_MODES, VALUES, Case, CaseError
from parity.cases.op import OPS

PaddingKind = Literal["none", "symmetric", "pairs", "valid", "same"]
PADDING_KINDS: tuple[PaddingKind, ...] = get_args(PaddingKind)
"""No padding; as much before as after; any (before, after) pair; and the two names."""

BIASES: Mapping[str, bool] = {"no": False, "yes": True}
"""How the command line writes whether there is a bias."""

T = TypeVar("T")


class Bounds(TypedDict, total=False):
    """The bounds of cases, all inclusive and on every axis; any may be left out.

    A bound that is left out bounds no given case; where cases are drawn, it is what stands here, or
    gives way to those that are given. On 1, 2 and 3 axes the usual kernel has up to 5, 3 and 2 taps, and the
    usual input up to 9, 5 and 3 elements, or as many as the largest kernel spans. Sizes, channels, filters
    and batch are drawn as 0 only where their lower bound says so.

    Attributes:
        min_kernel: fewest taps.
        max_kernel: most taps.
        min_stride: 1.
        max_stride: 3.
        min_dilation: 1.
        max_dilation: 3.
        min_size: fewest elements of the input; with 0, outputs may have no element, either.
        max_size: most elements of the input, at least 1.
        max_padding: most elements before an axis, and after it; 4.
        max_output_padding: of the transposed ops; what stride and dilation allow.
        min_groups: 1.
        max_groups: 3.
        min_channels: of the input, all groups together; 1.
        max_channels: 6.
        min_filters: 1.
        max_filters: 6.
        min_batch: 1.
        max_batch: 2.
        padding_kinds: of :data:`PADDING_KINDS`; the first is what it shrinks to.
        biases: False, True, or both; the first is what it shrinks to.
        allow_empty: outputs of no size too, which of inputs with elements only transposed ops have.
    """

    min_kernel: int
    max_kernel: int
    min_stride: int
    max_stride: int
    min_dilation: int
    max_dilation: int
    min_size: int
    max_size: int
    max_padding: int
    max_output_padding: int
    min_groups: int
    max_groups: int
    min_channels: int
    max_channels: int
    min_filters: int
    max_filters: int
    min_batch: int
    max_batch: int
    padding_kinds: Sequence[PaddingKind]
    biases: Sequence[bool]
    allow_empty: bool


def check_bounds(bounds: Bounds) -> None:
    """Accept bounds that some case keeps, each by itself and the two ends of a range beside each other.

    Raises:
        CaseError: an unknown bound or word, or a range without a number in it.
        GeometryError: a bound that is no int, or too small.
    """
    check_choices("bounds", list(bounds), tuple(Bounds.__annotations__), at_least=0)
    check_choices("padding_kinds", bounds.get("padding_kinds", PADDING_KINDS), PADDING_KINDS)
    check_choices("biases", bounds.get("biases", (False, True)), (False, True))
    check_choices("allow_empty", [bounds.get("allow_empty", False)], (False, True))
    given = cast("Mapping[str, Any]", bounds)
    for name in _NUMBERS:
        least = 0 if name in _NONE_AT_ALL else 1
        low = check_int(f"min_{name}", given.get(f"min_{name}", least), minimum=least)
        most = 1 if name == "size" else least  # not every transposed op has an output of no element
        high = check_int(f"max_{name}", given.get(f"max_{name}", max(low, most)), minimum=most)
        if low > high:
            raise CaseError(f"min_{name}={low}: allowed is at most max_{name}={high}")


def check_choices(name: str, chosen: object, allowed: Sequence[T], *, at_least: int = 1) -> tuple[T, ...]:
    """Return some of the allowed ones, in the order in which they were chosen.

    Raises:
        CaseError: no sequence, too few, or one that is not allowed.
    """
    listed = ", ".join(map(str, allowed))
    if not isinstance(chosen, Sequence) or isinstance(chosen, str) or len(chosen) < at_least:
        raise CaseError(f"{name}={shown(chosen)}: allowed is a sequence of one or more of {listed}")
    for each in chosen:
        if not any(each is one or (isinstance(each, str) and each == one) for one in allowed):
            raise CaseError(f"{name}: {shown(each)} is not allowed; allowed are {listed}")
    return tuple(chosen)


_NUMBERS: Mapping[str, Callable[[Case], Sequence[int]]] = {
    "kernel": lambda case: case.kernel,
    "stride": lambda case: case.stride,
    "dilation": lambda case: case.dilation,
    "size": lambda case: case.input[2:],
    "padding": lambda case: () if isinstance(case.padding, str) else tuple(itertools.chain(*case.padding)),
    "output_padding": lambda case: case.output_padding or (),
    "groups": lambda case: (case.groups,),
    "channels": lambda case: (case.input[1],),
    "filters": lambda case: (case.filters,),
    "batch": lambda case: (case.input[0],),
}
"""What of a case lies between ``min_NAME`` and ``max_NAME``."""

_NONE_AT_ALL = ("padding", "output_padding", "size", "channels", "filters", "batch")
"""Those that may be 0."""


def is_within(case: Case, bounds: Bounds) -> bool:
    """Return whether a case keeps the bounds that are given; one that is left out bounds nothing."""
    given = cast("Mapping[str, Any]", bounds)
    return (
        all(
            given.get(f"min_{name}", number) <= number <= given.get(f"max_{name}", number)
            for name, numbers in _NUMBERS.items()
            for number in numbers(case)
        )
        and any(kind in _kinds_of(case) for kind in bounds.get("padding_kinds", PADDING_KINDS))
        and case.bias in bounds.get("biases", (False, True))
        and (bounds.get("allow_empty", True) or 0 not in case.output_shape)
    )


def _kinds_of(case: Case) -> tuple[PaddingKind, ...]:
    """Return the kinds that its padding is of: none is symmetric, too, and what is symmetric are pairs."""
    if isinstance(case.padding, str):
        return (case.padding,)
    if not any(itertools.chain(*case.padding)):
        return ("none", "symmetric", "pairs")
    return ("symmetric", "pairs") if all(a == b for a, b in case.padding) else ("pairs",)


@dataclass(frozen=True)
class Selection:
    """Cases of these ops, dtypes, values and padding modes, within bounds.

    Attributes:
        ops: some of :data:`parity.cases.op.OPS`.
        dtypes: some of :data:`parity.cases.case.DTYPES`.
        values: some of :data:`parity.cases.case.VALUES`.
        bounds: on the numbers of each case.
        padding_modes: some of :data:`parity.cases.case.PADDING_MODES`.

    Raises:
        CaseError: an unknown word or bound, or a range without a number in it.
        GeometryError: a bound that is no int, or too small.
    """

    ops: Sequence[str] = OPS
    dtypes: Sequence[str] = DTYPES
    values: Sequence[str] = VALUES
    bounds: Bounds = field(default_factory=Bounds)
    padding_modes: Sequence[str] = PADDING_MODES

    def __post_init__(self) -> None:
        """Check the words and the bounds."""
        for name, allowed in WORDS.items():
            check_choices(name, getattr(self, name), allowed)
        check_bounds(self.bounds)

    def __contains__(self, case: Case) -> bool:
        """Return whether a case is one of them."""
        words = (
            case.op in self.ops
            and case.dtype in self.dtypes
            and case.values in self.values
            and case.padding_mode in self.padding_modes
        )
        return words and is_within(case, self.bounds)

    @property
    def given(self) -> dict[str, Any]:
        """What it leaves out, as JSON has it: the words where they are not all, and the bounds."""
        words = {name: list(getattr(self, name)) for name in WORDS}
        chosen = {name: some for name, some in words.items() if set(some) != set(WORDS[name])}
        bounds = {
            name: list(bound) if isinstance(bound, Sequence) else bound for name, bound in self.bounds.items()
        }
        return chosen | bounds


WORDS: Mapping[str, Sequence[str]] = {
    "ops": OPS,
    "dtypes": DTYPES,
    "values": VALUES,
    "padding_modes": PADDING_MODES,
}


def words_of(given: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the options of the command line that make a selection leave out what this one does.

    Args:
        given: :attr:`Selection.given`, or what a file has kept of it.
    """
    return tuple(word for name, value in given.items() for word in (option_of(name), _text_of(value)))


def option_of(name: str) -> str:
    """Return the option for one of its names, as that of a bound."""
    return "--paddings" if name == "padding_kinds" else f"--{name.replace('_', '-')}"


def _text_of(value: object) -> str:
    if not isinstance(value, list):
        return str(value)
    names = {bias: name for name, bias in BIASES.items()}
    return ",".join(names[each] if isinstance(each, bool) else str(each) for each in value)
