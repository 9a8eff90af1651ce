"""What torch's arguments mean, what it refuses, and the layer that a case of its own padding is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from convmm.geometry import GeometryError
from parity.cases.case import ZEROS, Case
from parity.frameworks.code.layer import Layer, Name, layer
from parity.frameworks.spelling import Kind, Refusal, Spelling, wanted_windows

_NO_FILTERS = Refusal(
    "torch's transposed layers take no kernel without filters", ("RuntimeError", "IndexError")
)

_NO_ELEMENTS = Refusal("torch takes no sizes of 0 but those of the batch and the channels", ("RuntimeError",))

_EMPTY = Refusal(
    "the output has no elements, which torch accepts in oneDNN's code path and refuses in its own",
    ("RuntimeError",),
    certain=False,
)

_LEAST_BEYOND = {"reflect": 1, "circular": 0}
"""How many elements more than the padding on a side torch wants an axis to have, where it does not repeat."""


def meanings(case: Case) -> Iterator[Case]:
    """Return the layers that may mean the case, or give its output size."""
    return _transposed_meanings(case) if case.transposed else _conv_meanings(case)


def _transposed_meanings(case: Case) -> Iterator[Case]:
    """Yield the layers with the case's output size: beginning where it does, or as near as they can."""
    axes = case.geometry.axes
    beginning = [axis.before for axis in axes]
    balanced = [max(-(-(axis.full - axis.fine) // 2), 0) for axis in axes]
    for pads in (beginning, balanced):
        added = [axis.fine - axis.full + 2 * pad for axis, pad in zip(axes, pads, strict=True)]
        yield from _valid(case, pads, added)


def _conv_meanings(case: Case) -> Iterator[Case]:
    """Yield the layers that may have the case's output size."""
    if case.padding == "same" and set(case.stride) == {1}:
        yield case
    before = [axis.before for axis in case.geometry.axes]
    after = [max(axis.after, 0) for axis in case.geometry.axes]
    for pads in (before, after, [max(pair) for pair in zip(before, after, strict=True)]):
        yield from _valid(case, pads, None)


def _valid(case: Case, pads: list[int], output_padding: list[int] | None) -> Iterator[Case]:
    """Yield the case with this padding, if it is one."""
    try:
        yield case.padded(pads, output_padding)
    except GeometryError:
        return


def spelling(kind: Kind, meaning: Case) -> Spelling:
    """Return the layer of this meaning, with what torch does with it."""
    return Spelling(kind, _layer(meaning), meaning, refusal(meaning, meaning.input[2:]))


def refusal(case: Case, sizes: Sequence[int]) -> Refusal | None:
    """Return what torch raises for a layer of this case's arguments on an input of these spatial sizes."""
    first = case.input[1] if case.transposed else case.filters
    if not first:
        what = "input channels" if case.transposed else "filters"
        return Refusal(f"torch takes no kernel without {what}, its first axis", ("RuntimeError",))
    if case.transposed and not case.filters:
        return _NO_FILTERS
    if case.padding_mode in {"reflect", "replicate"} and 0 in (case.input[1], *sizes):
        what = "of size 0" if 0 in sizes else "without channels"
        reason = f"torch takes no input {what} to be padded by {case.padding_mode!r}"
        return Refusal(reason, ("RuntimeError",))
    if case.padding_mode in _LEAST_BEYOND and 0 not in sizes:
        beyond = _beyond(case, sizes)
        if beyond:
            return Refusal(beyond, ("RuntimeError",))
    if 0 in sizes and case.input[0] and case.input[1]:
        return _NO_ELEMENTS
    return _EMPTY if 0 in case.output_shape[2:] else None


def _beyond(case: Case, sizes: Sequence[int]) -> str | None:
    """Return that padding is more than torch fills without going over the input a second time, or None."""
    least = _LEAST_BEYOND[case.padding_mode]
    for number, (size, pads) in enumerate(zip(sizes, case.explicit["padding"], strict=True)):
        if max(pads) > size - least:
            return (
                f"torch fills up to {size - least} elements by {case.padding_mode!r} where there are {size}, "
                f"and the padding on axis {number} is {pads}"
            )
    return None


def _layer(case: Case) -> Layer:
    """Return the torch layer that a case of torch's own padding is."""
    return torch_layer(case, _pads(case), case.output_padding or ())


def _pads(case: Case) -> tuple[int, ...] | str:
    return case.padding if isinstance(case.padding, str) else tuple(before for before, _ in case.padding)


def sized_call(case: Case) -> str | None:
    """Return a call with ``output_size``, which takes the place of an output padding below the stride."""
    added = case.output_padding or ()
    if not any(added) or any(q >= s for q, s in zip(added, case.stride, strict=True)):
        return None
    return f"{torch_layer(case, _pads(case), ())!r}(x, output_size={case.output_shape[2:]})"


def torch_layer(case: Case, padding: tuple[int, ...] | str, output_padding: tuple[int, ...]) -> Layer:
    """Return the case's layer with this padding in place of its own."""
    operation = "ConvTranspose" if case.transposed else "Conv"
    arguments: dict[str, Any] = {"stride": case.stride, "padding": padding}
    if any(output_padding):
        arguments["output_padding"] = output_padding
    if set(case.dilation) != {1}:
        arguments["dilation"] = case.dilation
    if case.groups > 1:
        arguments["groups"] = case.groups
    arguments["bias"] = case.bias
    if case.padding_mode != ZEROS:
        arguments["padding_mode"] = case.padding_mode
    if case.dtype != "float32":
        arguments["dtype"] = Name(f"torch.{case.dtype}")
    return layer(f"torch.nn.{operation}{case.rank}d", case.input[1], case.filters, case.kernel, **arguments)


def why_not(case: Case) -> str:
    """Return why no arguments of torch mean the case."""
    wanted = wanted_windows(case)
    if not case.transposed:
        return f"torch pads both ends of an axis alike, and this case reads {wanted}"
    return (
        "torch drops padding elements at both ends and adds output_padding, 0 to less than the larger of "
        f"stride and dilation, after them: no such pair gives an output that {wanted}"
    )
