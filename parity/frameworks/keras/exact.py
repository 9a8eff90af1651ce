"""Keras layers put together so that they compute a case that no single one means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from convmm.geometry import Axis
from parity.cases.case import ZEROS, Case
from parity.frameworks.code.layer import Layer, Name, layer
from parity.frameworks.code.script import Conversion, Script
from parity.frameworks.keras.filled import pad_class, pad_layer
from parity.frameworks.keras.rules import (
    CHANNELS_FIRST,
    CHANNELS_LAST,
    MOVE,
    MOVE_BACK,
    TO_KERAS,
    format_refusal,
    keras_layer,
    no_backward,
    refusal_of_zeros,
    refuses_dilation,
)
from parity.frameworks.spelling import Spelling


def exact(case: Case, data_format: str = CHANNELS_LAST) -> list[Spelling]:
    """Return layers that compute the case: padding or crops around one, a stuffed kernel, one per group."""
    refusal = refusal_of_zeros(case, data_format) or format_refusal(case, data_format)
    if 0 in case.output_shape[2:] or (refusal and refusal.certain):
        return []
    statements, back = _zero_stuffing(case)
    extents = tuple(axis.extent for axis in case.geometry.axes)
    plain = {"kernel": extents, "dilation": (1,) * case.rank} if statements else {}
    if not (case.transposed and case.groups > 1):
        links = _links(case, data_format, **plain)
        layers = [*links.before, keras_layer(links.inside, data_format), *links.behind]
        made = layer("keras.Sequential", layers) if len(layers) > 1 else layers[0]
        return [
            Spelling(
                "exact",
                made if case.filled_with == ZEROS else _with_class(made, case.filled_with),
                case,
                refusal,
                convert=Conversion((*statements, *TO_KERAS.statements)),
                convert_back=Conversion((MOVE_BACK, *back, "converted = [kernel, *bias]")),
                no_backward=no_backward(case),
                inside=links.inside,
            )
        ]
    channels = (case.input[0], case.input[1] // case.groups, *case.input[2:])
    filters = case.filters // case.groups
    links = _links(case, data_format, **plain, input=channels, filters=filters, groups=1)
    together = (*case.input[:2], *links.inside.input[2:])
    return [
        Spelling(
            "exact",
            _grouped(case, links, data_format),
            case,
            refusal,
            convert=Conversion((*statements, *_split_weights(case))),
            convert_back=Conversion((*_join_weights(case), *back, "converted = [kernel, *bias]")),
            no_backward=no_backward(case),
            inside=replace(links.inside, input=together, filters=case.filters, groups=case.groups),
        )
    ]


class _Links(NamedTuple):
    """The case of one layer that computes, and the layers before and behind it, without weights."""

    inside: Case
    before: Sequence[Layer] = ()
    behind: Sequence[Layer] = ()


def _links(case: Case, data_format: str, **changes: Any) -> _Links:
    """Return a layer with these changes that computes the case's window, zeros and crops around it."""
    wanted, mode = case.geometry.axes, case.filled_with
    same = replace(case, **changes, padding="same", output_padding=None, padding_mode=ZEROS)
    if case.transposed:
        return _cropped(wanted, same, replace(same, padding="valid"), data_format)
    if case.padding == "same" and mode == ZEROS:
        return _Links(same)
    pads = case.explicit["padding"]
    padded = [axis.fine + sum(pad) for axis, pad in zip(wanted, pads, strict=True)]
    valid = replace(same, input=(*same.input[:2], *padded), padding="valid")
    if not any(map(any, pads)):
        return _Links(valid)
    if mode != ZEROS:
        return _Links(valid, [pad_layer(mode, pads, case.dtype, data_format)])
    return _Links(valid, around("ZeroPadding", case.rank, pads, case.dtype, data_format))


def _with_class(made: Layer, mode: str) -> Script:
    """Return the layer behind the class of the one in it that pads."""
    return Script(("keras",), f"{pad_class(mode)}\n\n\n{made.statements}")


def _cropped(wanted: tuple[Axis, ...], same: Case, valid: Case, data_format: str) -> _Links:
    """Return the smaller output that holds the window, and what to crop of it; as :func:`_links`.

    Where the window goes on after the full response has ended, zeros behind the input make the response
    longer.
    """
    for mode in (same, _long_enough(wanted, valid)):
        crops = tuple(
            (ours.before - its.before, its.before + its.fine - ours.before - ours.fine)
            for ours, its in zip(wanted, mode.geometry.axes, strict=True)
        )
        if all(crop >= 0 for pair in crops for crop in pair):
            break
    longer = tuple((0, its - axis.coarse) for its, axis in zip(mode.input[2:], wanted, strict=True))
    before: list[Layer] = []
    behind: list[Layer] = []
    if any(after for _, after in longer):
        before = around("ZeroPadding", mode.rank, longer, mode.dtype, data_format)
    if any(crop for pair in crops for crop in pair):
        behind = around("Cropping", mode.rank, crops, mode.dtype, data_format)
    return _Links(mode, before, behind)


def _long_enough(wanted: tuple[Axis, ...], valid: Case) -> Case:
    """Return the "valid" layer of an input with so many zeros behind it that its output holds the window."""
    missing = [
        max(ours.before + ours.fine - its.fine, 0)
        for ours, its in zip(wanted, valid.geometry.axes, strict=True)
    ]
    sizes = [n - (-short // s) for n, short, s in zip(valid.input[2:], missing, valid.stride, strict=True)]
    return replace(valid, input=(*valid.input[:2], *sizes))


def around(
    kind: str, rank: int, amounts: tuple[tuple[int, int], ...], dtype: str, data_format: str
) -> list[Layer]:
    """Return ZeroPadding or Cropping; those of one axis take a pair, and Cropping1D channels last only."""
    path = f"keras.layers.{kind}{rank}D"
    if rank > 1:
        return [layer(path, amounts, data_format=data_format, dtype=dtype)]
    if data_format == CHANNELS_LAST:
        return [layer(path, amounts[0], dtype=dtype)]
    if kind == "ZeroPadding":
        return [layer(path, amounts[0], data_format=data_format, dtype=dtype)]
    swapped = layer("keras.layers.Permute", (2, 1), dtype=dtype)
    return [swapped, layer(path, amounts[0], dtype=dtype), swapped]


def _zero_stuffing(case: Case) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Write statements that put a dilation into the kernel, where Keras takes none, and that take it out."""
    if not refuses_dilation(case):
        return (), ()
    extents = ", ".join(str(axis.extent) for axis in case.geometry.axes)
    steps = ", ".join(f"::{d}" for d in case.dilation)
    stuffing = (
        f"stuffed = np.zeros((*kernel.shape[:2], {extents}), kernel.dtype)",
        f"stuffed[:, :, {steps}] = kernel",
        "kernel = stuffed",
    )
    return stuffing, (f"kernel = kernel[:, :, {steps}]",)


def _split_weights(case: Case) -> tuple[str, ...]:
    """Write statements that give each group's kernel and bias in turn."""
    if not case.bias:
        return (f"converted = [{MOVE} for kernel in np.split(kernel, {case.groups})]",)
    return (
        f"groups = zip(np.split(kernel, {case.groups}), np.split(bias[0], {case.groups}))",
        f"converted = [array for kernel, part in groups for array in ({MOVE}, part)]",
    )


def _join_weights(case: Case) -> tuple[str, ...]:
    """Write statements that make one kernel, and one bias, of those of each group in turn."""
    each = 2 if case.bias else 1
    statements = (
        "arrays = [kernel, *bias]",
        f"kernel = np.concatenate([np.moveaxis(part, (-1, -2), (0, 1)) for part in arrays[::{each}]])",
    )
    return (*statements, "bias = [np.concatenate(arrays[1::2])]" if case.bias else "bias = []")


def _grouped(case: Case, links: _Links, data_format: str) -> Script:
    """Return one layer per group, side by side, and the zeros and crops around all of them."""
    sizes, channels = [None] * case.rank, case.input[1]
    first = data_format == CHANNELS_FIRST
    shape = (channels, *sizes) if first else (*sizes, channels)
    axis = 1 if first else -1
    inputs = layer("keras.Input", shape, dtype=case.dtype)
    groups = Script(
        ("keras",),
        f"inputs = {inputs!r}\n"
        f"groups = keras.ops.split(inputs, {case.groups}, axis={axis})\n"
        f"parts = [{keras_layer(links.inside, data_format)!r}(group) for group in groups]\n"
        f"layer = keras.Model(inputs, keras.layers.Concatenate({axis}, dtype={case.dtype!r})(parts))",
    )
    if not (links.before or links.behind):
        return groups
    whole = layer("keras.Sequential", [inputs, *links.before, Name("layer"), *links.behind])
    return Script(("keras",), whole.statements, groups)
