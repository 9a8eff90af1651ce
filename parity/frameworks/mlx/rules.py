"""What MLX's arguments mean, what it refuses, and the layers and functions that compute a case.

Sources: ``mlx/nn/layers/convolution*.py``, ``conv_general`` and ``conv_transpose_general`` in
``mlx/ops.cpp``, ``mlx/backend/cpu/conv.cpp`` (MLX 0.32), and runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from convmm.geometry import Axis, GeometryError
from parity.cases.case import Case
from parity.frameworks.code.layer import Layer, Name, layer
from parity.frameworks.code.script import Conversion, Script
from parity.frameworks.spelling import Kind, Refusal, Spelling, windows_agree

GENERAL = "conv_general"
"""The function of which all others of MLX's are special cases, and the variant of the layers made by it."""

_MOST_AXES_WITH_GROUPS = 2

TO_CONVMM = {False: "kernel = np.moveaxis(kernel, -1, 1)", True: "kernel = np.moveaxis(kernel, -1, 0)"}
"""From MLX's kernel, (O, *kernel, C), to convmm's: of a convolution, and of a transposed one of one group."""


@dataclass(frozen=True)
class Arguments:
    """A layer's own arguments, and what it computes by them.

    Attributes:
        padding: one int per axis.
        output_padding: one int per axis, of a transposed layer.
        meaning: the case that the layer computes.
    """

    padding: tuple[int, ...]
    output_padding: tuple[int, ...]
    meaning: Case


def arguments(case: Case) -> Iterator[Arguments]:
    """Yield what may mean the case: with its output size, beginning where it does, or as near as it can."""
    return _of_transposed(case) if case.transposed else _of_conv(case)


def _of_conv(case: Case) -> Iterator[Arguments]:
    pairs = [(axis.before, max(axis.after, 0)) for axis in case.geometry.axes]
    for choose in (min, max):
        pads = tuple(map(choose, pairs))
        yield from _meaning(case, pads, (), [(pad, pad) for pad in pads])
    before = tuple(before for before, _ in pairs)
    yield from _meaning(case, before, (), [(pad, pad) for pad in before])


def _of_transposed(case: Case) -> Iterator[Arguments]:
    axes = case.geometry.axes
    beginning = tuple(axis.before for axis in axes)
    balanced = tuple(max(-(-(axis.full - axis.fine) // 2), 0) for axis in axes)
    as_torch = [
        (pads, tuple(axis.fine - axis.full + 2 * pad for axis, pad in zip(axes, pads, strict=True)))
        for pads in (beginning, balanced)
    ]
    taken_off = tuple(_padding(axis, axis.before) for axis in axes)
    beyond = tuple(pad - _padding(axis, axis.after) for axis, pad in zip(axes, taken_off, strict=True))
    for pads, added in (*as_torch, (taken_off, beyond)):
        if min(added) >= 0:
            rows = zip(axes, pads, added, strict=True)
            yield from _meaning(case, pads, added, [dropped(a.extent, a.stride, p, q) for a, p, q in rows])


def _padding(axis: Axis, elements: int) -> int:
    """Return the padding that drops so many elements of the full response, or the least that drops more."""
    low = axis.extent - 1 - elements
    return elements if low >= 0 else axis.extent - 1 - low // axis.stride


def dropped(extent: int, stride: int, padding: int, output_padding: int) -> tuple[int, int]:
    """Return how much of the full response a transposed layer drops at either end; negative where it adds.

    It pads the input, which has the stride's zeros between its elements, by ``extent - 1 - padding`` before
    and as much and the output padding after. A negative number takes elements off: of the input itself, and
    with each go the stride's zeros beside it.
    """
    low = extent - 1 - padding
    ends = (low, low + output_padding)
    before, after = (extent - 1 - pad if pad >= 0 else extent - 1 - pad * stride for pad in ends)
    return before, after


def _meaning(
    case: Case, padding: tuple[int, ...], added: tuple[int, ...], dropped: Sequence[tuple[int, int]]
) -> Iterator[Arguments]:
    """Yield the layer with its meaning, if that is a case."""
    pads = [(before, max(after, 0)) for before, after in dropped]
    beyond = [max(-after, 0) for _, after in dropped]
    try:
        yield Arguments(padding, added, case.padded(pads, beyond if case.transposed else None))
    except GeometryError:
        return


def general_pads(case: Case) -> list[tuple[int, int]]:
    """Return the zeros around the input with which :data:`GENERAL` computes the case; negative takes off."""
    if not case.transposed:
        return list(case.explicit["padding"])
    axes = case.geometry.axes
    return [(axis.extent - 1 - axis.before, axis.extent - 1 - axis.after) for axis in axes]


def general(case: Case, pads: Sequence[tuple[int, int]] | None, groups: int) -> Layer:
    """Return :data:`GENERAL` with these zeros around the input; None leaves its caller to give them."""
    written: dict[str, Any] = {}
    if not case.transposed:
        written["stride"] = case.stride
    if pads is not None:
        written["padding"] = tuple([pair[end] for pair in pads] for end in (0, 1))
    written["kernel_dilation"] = case.dilation
    if case.transposed:
        written["input_dilation"] = case.stride
    written["groups"] = groups
    if case.transposed:
        written["flip"] = True
    return layer("functools.partial", Name(f"mlx.core:{GENERAL}"), **written)


def natives(case: Case, found: Arguments | None) -> list[Spelling]:
    """Return the layers whose arguments mean the case: of its own class, and :data:`GENERAL`.

    Args:
        case: the case.
        found: the arguments of the layer's class, if any mean it.
    """
    own = [] if found is None else [spelling("native", found)]
    if not _can_pad(case):
        return own
    made = general(case, general_pads(case), case.groups)
    variant = GENERAL if own else ""
    return [*own, spelled("native", made, case, refusal(case), variant)]


def spelled(
    kind: Kind, made: Layer | Script, meaning: Case, refused: Refusal | None, variant: str = ""
) -> Spelling:
    """Return the spelling of a layer or function that takes MLX's kernel of this meaning."""
    ways = convert(meaning), convert_back(meaning)
    return Spelling(kind, made, meaning, refused, *ways, _no_backward(meaning), variant=variant)


def _no_backward(case: Case) -> str | None:
    """Return why MLX has no gradients of the case."""
    if 0 in case.input[2:]:
        return (
            "not run: the gradient by an input that has no element on an axis is a convolution's output that "
            "has none, which MLX refuses"
        )
    loops = max(case.stride) > 1 or (case.groups > 1 and case.rank <= _MOST_AXES_WITH_GROUPS)
    if case.dtype == "float64" and loops:
        return "not run: the gradients of strides and groups are by MLX's loops, which have no float64"
    return None


def _can_pad(case: Case) -> bool:
    """Return whether zeros around the input, and elements off it, are all that its window asks for."""
    if not case.transposed:
        return not (case.padding == "same" and 0 in case.input[2:])
    ends = zip(general_pads(case), case.stride, strict=True)
    return all(min(pads) >= 0 or stride == 1 for pads, stride in ends)


def spelling(kind: Kind, found: Arguments) -> Spelling:
    """Return the layer of these arguments: a module, or the function where modules have no groups."""
    meaning = found.meaning
    has_module = meaning.groups == 1 or (not meaning.transposed and meaning.rank <= _MOST_AXES_WITH_GROUPS)
    made = _module(found) if has_module else _function(found)
    reason = _module_refusal(meaning) if has_module else None
    return spelled(kind, made, meaning, reason or refusal(meaning))


def _module(found: Arguments) -> Layer:
    case = found.meaning
    name = f"Conv{'Transpose' if case.transposed else ''}{case.rank}d"
    sizes = (case.input[1], case.filters, _per_axis(case.kernel))
    return layer(f"mlx.nn:{name}", *sizes, **_written(found), bias=case.bias)


def _function(found: Arguments) -> Layer:
    return layer("functools.partial", Name(f"mlx.core:{found.meaning.op}"), **_written(found))


def _written(found: Arguments) -> dict[str, Any]:
    """Return the arguments that modules and functions share, those at their default left out."""
    case = found.meaning
    written: dict[str, Any] = {"stride": _per_axis(case.stride), "padding": _per_axis(found.padding)}
    if set(case.dilation) != {1}:
        written["dilation"] = _per_axis(case.dilation)
    if any(found.output_padding):
        written["output_padding"] = _per_axis(found.output_padding)
    if case.groups > 1:
        written["groups"] = case.groups
    return written


def _per_axis(numbers: tuple[int, ...]) -> int | tuple[int, ...]:
    """Return one number per axis as MLX takes it: those of one axis take no tuple."""
    return numbers[0] if len(numbers) == 1 else numbers


def _module_refusal(case: Case) -> Refusal | None:
    if case.input[1]:
        return None
    return Refusal("MLX's layers divide by the input channels to draw their weights", ("ZeroDivisionError",))


def refusal(case: Case) -> Refusal | None:
    """Return what MLX's functions raise for the case."""
    if case.groups > 1 and case.rank > _MOST_AXES_WITH_GROUPS:
        return Refusal("MLX has no groups over three axes", ("ValueError",))
    if 0 in case.output_shape[2:]:
        return Refusal("MLX computes no output that has no element on an axis", ("ValueError",))
    if case.dtype == "float64" and is_looped(case):
        return Refusal(
            "MLX's loops, which dilations, groups over two axes and transposed strides take, have no float64",
            ("ValueError",),
        )
    return None


def is_looped(case: Case) -> bool:
    """Return whether MLX's processor code computes the case by its loops and not by a matrix product."""
    if max(case.dilation) > 1 or (case.transposed and max(case.stride) > 1):
        return True
    return case.groups > 1 and (case.transposed or case.rank > 1)


def convert(case: Case) -> Conversion:
    """Return the conversion of convmm's kernel to MLX's, (O, *kernel, C/groups)."""
    if not case.transposed:
        return Conversion(("converted = [np.moveaxis(kernel, 1, -1), *bias]",))
    if case.groups == 1:
        return Conversion(("converted = [np.moveaxis(kernel, 0, -1), *bias]",))
    return Conversion(
        (
            f"parts = [np.moveaxis(part, 0, -1) for part in np.split(kernel, {case.groups})]",
            "converted = [np.concatenate(parts), *bias]",
        )
    )


def convert_back(case: Case) -> Conversion:
    """Return the conversion of MLX's kernel to convmm's."""
    if not case.transposed or case.groups == 1:
        return Conversion((TO_CONVMM[case.transposed], "converted = [kernel, *bias]"))
    return Conversion(
        (
            f"parts = [np.moveaxis(part, -1, 0) for part in np.split(kernel, {case.groups})]",
            "converted = [np.concatenate(parts), *bias]",
        )
    )


def find_native(case: Case, among: Sequence[Arguments]) -> Arguments | None:
    """Return the first of the arguments that mean the case, or None."""
    return next((each for each in among if windows_agree(case, each.meaning)), None)


def find_lookalike(case: Case, among: Sequence[Arguments]) -> Arguments | None:
    """Return what people take for the case: a layer of its shape, else the layer of its very numbers."""
    of_its_shape = (each for each in among if each.meaning.output_shape == case.output_shape)
    return next(of_its_shape, next(iter(among), None))


def why_not(case: Case) -> str:
    """Return why no arguments of MLX mean the case."""
    if not case.transposed:
        return "no padding of MLX's is that of 'same' on an axis without elements"
    return (
        "MLX takes a padding beyond the kernel's extent less one off the input, whose elements lie a stride "
        "apart: none of its arguments drops as many elements as this case"
    )
