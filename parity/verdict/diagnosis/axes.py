"""Mistakes in the order of the spatial axes: of an array's, or of what arguments say of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from parity.cases.arrays import Array
from parity.verdict.diagnosis.choices import choices, in_order, other_orders
from parity.verdict.diagnosis.geometries import geometries
from parity.verdict.diagnosis.suspect import Output
from parity.verdict.reference import Reference


def of_the_kernel(result: Array, reference: Reference) -> Iterator[Output]:
    """Try the kernel with its spatial axes in another order."""
    for order in other_orders(reference.case.rank):
        w = _transposed(reference.arrays.w, order)
        for geometry in geometries(result, reference, kernel=w.shape[2:]):
            y = reference.compute(reference.arrays._replace(w=w), geometry)
            yield Output(_says("kernel's", order), y)


def of_the_arguments(result: Array, reference: Reference) -> Iterator[Output]:
    """Try each axis with the stride, the dilation or the padding of another, or with several of them."""
    own = _arguments(reference)
    tried = []
    for order in other_orders(reference.case.rank):
        moved = {name: in_order(values, order) for name, values in own.items()}
        for names in choices([name for name in own if moved[name] != own[name]]):
            others = {name: moved[name] for name in names}
            if others in tried:
                continue
            tried.append(others)
            text = "the " + ", the ".join(
                f"{_NAMES[name]} is {other}, for {own[name]}" for name, other in others.items()
            )
            for geometry in geometries(result, reference, **others):
                yield Output(text, reference.compute(geometry=geometry))


_NAMES = {"stride": "stride", "dilation": "dilation", "before": "padding before the axes"}


def of_kernel_and_arguments(result: Array, reference: Reference) -> Iterator[Output]:
    """Try the kernel and all arguments with the axes in another order."""
    own = _arguments(reference)
    for order in other_orders(reference.case.rank):
        moved = {name: in_order(values, order) for name, values in own.items()}
        if moved != own:
            w = _transposed(reference.arrays.w, order)
            for geometry in geometries(result, reference, kernel=w.shape[2:], **moved):
                y = reference.compute(reference.arrays._replace(w=w), geometry)
                yield Output(_says("kernel's and the arguments'", order), y)


def of_the_input(result: Array, reference: Reference) -> Iterator[Output]:
    """Try the input with its spatial axes in another order."""
    for order in other_orders(reference.case.rank):
        x = _transposed(reference.arrays.x, order)
        for geometry in geometries(result, reference, input=x.shape[2:]):
            y = reference.compute(reference.arrays._replace(x=x), geometry)
            yield Output(_says("input's", order), y)


def of_the_output(_result: Array, reference: Reference) -> Iterator[Output]:
    """Try the output with its spatial axes in another order."""
    for order in other_orders(reference.case.rank):
        yield Output(_says("output's", order), _transposed(reference.y, order))


def _arguments(reference: Reference) -> dict[str, tuple[int, ...]]:
    """Return what the case says of its axes: the stride, the dilation, and the padding before them."""
    case = reference.case
    return {"stride": case.stride, "dilation": case.dilation, "before": case.geometry.before}


def _transposed(array: Array, order: Sequence[int]) -> Array:
    return array.transpose(0, 1, *(2 + axis for axis in order))


def _says(whose: str, order: tuple[int, ...]) -> str:
    return f"the {whose} axes {tuple(range(len(order)))} are in the order {order}"
