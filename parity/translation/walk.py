"""Inputs of a chain that its layers take, one after another, and what each layer is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import lt

from convmm.geometry import GeometryError
from parity.cases.case import ZEROS, Case, CaseError
from parity.cases.op import Op
from parity.frameworks.code.chain import Chain
from parity.frameworks.code.expression import Call
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.steps import Fold, Shape, Step, StepError

Parts = Sequence[Reading | Step]

_BATCH = 2
_MOST = 7
"""Inputs that a proof has."""

_SIZES = (*range(1, 65), *(64 * 2**k + more for k in range(5) for more in (16 * 2**k, 32 * 2**k, 64 * 2**k)))
"""Of inputs, among which the smallest that the chain takes is looked for."""

_CHANNELS = (2, 1, 4, 8, 9, 16, 18, 25, 32, 36, 64)
"""Of inputs, where no layer says how many it takes."""

_NO_INPUT = (StepError, CaseError, GeometryError)


@dataclass(frozen=True)
class Walk:
    """A chain's parts on one input.

    Attributes:
        shapes: of each part's input, and of the output.
        cases: of the parts that are convolutions, by their number.
    """

    shapes: tuple[Shape, ...]
    cases: dict[int, Case]

    @property
    def input(self) -> Shape:
        """The shape of the input."""
        return self.shapes[0]

    @property
    def output(self) -> Shape:
        """The shape of the output."""
        return self.shapes[-1]


def walk(parts: Parts, shape: Shape) -> Walk:
    """Return what each part is given, of an input of this shape, (N, C, *spatial).

    Raises:
        StepError, CaseError, GeometryError: a part does not take its input, or gives no element of it.
    """
    shapes, cases = [tuple(shape)], {}
    for number, part in enumerate(parts):
        if isinstance(part, Reading):
            if part.channels not in {None, shapes[-1][1]}:
                raise StepError(
                    f"a layer of {part.channels} input channels is given {shapes[-1][1]} by what is before it"
                )
            case = cases[number] = part.on(shapes[-1])
            shapes.append(case.output_shape)
        else:
            shapes.append(part.output(shapes[-1]))
        if 0 in shapes[-1]:
            raise StepError("an output has no element: a larger input is needed")
    return Walk(tuple(shapes), cases)


def walks(
    call: Call, chain: Chain, parts: Parts, shape: Sequence[int] | None, channels: int | None
) -> list[Walk]:
    """Return the chain on the given input, or on several of different sizes.

    Raises:
        ExpressionError: there is none that it takes.
    """
    rank = _rank(parts, shape)
    said = _said(call, chain, rank)
    stated = {"input": shape[1] if shape and len(shape) > 1 else None, "channels": channels}
    stated["the chain's Input"] = said[0] if said else None
    count = _channels(call, parts, {name: n for name, n in stated.items() if n is not None})
    sizes = [size for size in said[1:] if size is not None] if said else []
    if shape is None and count is not None and len(sizes) == rank:
        shape = (_BATCH, count, *sizes)
    if shape is not None:
        try:
            return [walk(parts, tuple(shape))]
        except _NO_INPUT as error:
            raise call.error(str(error)) from None
    found = list(islice(_probes(parts, rank, (count,) if count is not None else _CHANNELS), _MOST))
    if not found:
        raise call.error(_why_none(parts, rank, count))
    return found


def _rank(parts: Parts, shape: Sequence[int] | None) -> int:
    ranks = (Op.of(part.op).rank if isinstance(part, Reading) else part.rank for part in parts)
    found = next((rank for rank in ranks if rank is not None), None)
    if found is not None:
        return found
    return 2 if shape is None else len(shape) - 2


def _said(call: Call, chain: Chain, rank: int) -> tuple[int | None, ...] | None:
    """Return the channels and the sizes that an Input at the chain's beginning says."""
    for place, link in enumerate(chain.links):
        if link.shape is None:
            continue
        if place:
            raise call.error("an Input stands at the beginning of a chain only")
        if len(link.shape) != rank + 1:
            raise call.error(f"shape={link.shape}: allowed are {rank + 1} sizes, the channels among them")
        first = chain.framework.endswith("channels_first")
        return link.shape if first else (link.shape[-1], *link.shape[:-1])
    return None


def _channels(call: Call, parts: Parts, stated: dict[str, int]) -> int | None:
    """Return the input channels, by the first layer with a kernel or by who states them."""
    before: list[Step] = []
    needed = None
    for part in parts:
        if isinstance(part, Reading):
            needed = part.channels
            break
        before.append(part)
    has_kernel = len(before) < len(parts)
    if needed is not None:
        for step in reversed(before):
            needed = step.channels_before(needed)
    elif has_kernel and not stated:
        raise call.error("the line does not carry the input channels: give --input N,C,… or --channels C")
    count = needed if needed is not None else next(iter(stated.values()), None)
    for name, other in stated.items():
        if other != count:
            raise call.error(f"{name} says {other} input channels, and the layer {count}")
    return count


def _probes(parts: Parts, rank: int, channels: Sequence[int]) -> Iterator[Walk]:
    """Yield inputs from the smallest on that the chain takes, of different sizes on their axes."""
    fixed = [part.columns for part in parts[:1] if isinstance(part, Fold)]
    sizes = fixed or _SIZES
    start = next(
        ((c, n) for c in channels for n in sizes if _try(parts, (_BATCH, c, *(n,) * rank)) is not None), None
    )
    if start is None:
        return
    count, least = start
    near = fixed or range(least, least + 4 * _MOST)
    taken = [n for n in near if _try(parts, (_BATCH, count, *(n,) * rank)) is not None][: 2 * _MOST]
    shapes = (
        tuple(taken[(number + axis) % len(taken)] for axis in range(rank)) for number in range(len(taken))
    )
    found = (_try(parts, (_BATCH, count, *shape)) for shape in shapes)
    yield from (each for each in found if each is not None)


def _try(parts: Parts, shape: Shape) -> Walk | None:
    """Return the walk of an input that no framework refuses for its padding by elements of it."""
    try:
        found = walk(parts, shape)
    except _NO_INPUT:
        return None
    for number, case in found.cases.items():
        reading = parts[number]
        if case.padding_mode == ZEROS or not isinstance(reading, Reading):
            continue
        if any(map(lt, case.input[2:], reading.smallest)):
            return None
    return found


def _why_none(parts: Parts, rank: int, count: int | None) -> str:
    """Say what the chain says of a large input."""
    size = (_BATCH, count if count is not None else _CHANNELS[0], *(_SIZES[-1],) * rank)
    try:
        walk(parts, size)
    except _NO_INPUT as error:
        return f"no input was found that this chain takes; give one by --input: {error}"
    return "no input was found that this chain takes: give one by --input"
