"""PyTorch: the layers of ``torch.nn``, channels first, kernels as convmm's.

A transposed layer's output begins ``padding`` elements into the full response, and ``output_padding`` adds
elements after it: both are ints, equal before and after. Sources: the documentation of
``torch.nn.ConvTranspose2d`` and ``torch.nn.Conv2d`` (torch 2.13), and runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from convmm.geometry import GeometryError
from parity.case import Case
from parity.distributions import installed_version, not_installed
from parity.layer import Layer, Name, layer
from parity.spelling import Kind, Refusal, Spelling, Unsupported, first_lookalike, first_native
from parity.values import Array, Arrays, numpy_dtype

NAME = "torch"
EXTRA = "torch"

_EMPTY = Refusal(
    "the output has no elements, which torch accepts in oneDNN's code path and refuses in its own",
    ("RuntimeError",),
    certain=False,
)


def missing() -> str | None:
    """That torch is not installed."""
    return None if installed_version("torch") else not_installed("torch", "'convparity[torch]'")


def version() -> str:
    """PyTorch's version."""
    return str(installed_version("torch"))


def backend() -> str | None:
    """None: torch computes itself."""
    return None


def spell(case: Case) -> list[Spelling | Unsupported]:
    """The layer whose padding means the case; else the reason, the one of equal shape, and an exact one."""
    meanings = list(_transposed_meanings(case) if case.transposed else _conv_meanings(case))
    native = first_native(case, meanings)
    if native is not None:
        return [_spelling("native", native)]
    lookalike = first_lookalike(case, meanings)
    spellings = [_spelling("lookalike", lookalike)] if lookalike else []
    return [Unsupported(_why_not(case)), *spellings, *_exact(case)]


def compute(spelling: Spelling, arrays: Arrays) -> Array:
    """Run the layer without recording gradients."""
    import torch  # noqa: PLC0415 - imported when first used

    module = spelling.layer.call()
    weights = spelling.convert([arrays.w] if arrays.bias is None else [arrays.w, arrays.bias])
    with torch.no_grad():
        for parameter, weight in zip(module.parameters(), weights, strict=True):
            parameter.copy_(_to_torch(weight))
        return _to_numpy(module(_to_torch(arrays.x)))


def _transposed_meanings(case: Case) -> Iterator[Case]:
    """The layers with the case's output size: beginning where it does, or as near as symmetry lets them."""
    axes = case.geometry.axes
    beginning = [axis.before for axis in axes]
    balanced = [max(-(-(axis.full - axis.fine) // 2), 0) for axis in axes]
    for pads in (beginning, balanced):
        added = [axis.fine - axis.full + 2 * pad for axis, pad in zip(axes, pads, strict=True)]
        yield from _valid(case, pads, added)


def _conv_meanings(case: Case) -> Iterator[Case]:
    """The layers that may have the case's output size."""
    if case.padding == "same" and set(case.stride) == {1}:
        yield case
    before = [axis.before for axis in case.geometry.axes]
    after = [max(axis.after, 0) for axis in case.geometry.axes]
    for pads in (before, after, [max(pair) for pair in zip(before, after, strict=True)]):
        yield from _valid(case, pads, None)


def _valid(case: Case, pads: list[int], output_padding: list[int] | None) -> Iterator[Case]:
    """The case with this padding, if it is one."""
    try:
        yield Case(**{**case.to_dict(), "padding": pads, "output_padding": output_padding})
    except GeometryError:
        return


def _spelling(kind: Kind, meaning: Case) -> Spelling:
    return Spelling(kind, _layer(meaning), meaning, _EMPTY if 0 in meaning.output_shape else None)


def _layer(case: Case) -> Layer:
    """The torch layer that a case of torch's own padding is."""
    pads = case.padding if isinstance(case.padding, str) else tuple(before for before, _ in case.padding)
    return _module(case, pads, case.output_padding or ())


def _module(case: Case, padding: tuple[int, ...] | str, output_padding: tuple[int, ...]) -> Layer:
    operation = "ConvTranspose" if case.transposed else "Conv"
    arguments: dict[str, Any] = {"stride": case.stride, "padding": padding}
    if any(output_padding):
        arguments["output_padding"] = output_padding
    if set(case.dilation) != {1}:
        arguments["dilation"] = case.dilation
    if case.groups > 1:
        arguments["groups"] = case.groups
    arguments["bias"] = case.bias
    if case.dtype != "float32":
        arguments["dtype"] = Name(f"torch.{case.dtype}")
    return layer(f"torch.nn.{operation}{case.rank}d", case.input[1], case.filters, case.kernel, **arguments)


def _exact(case: Case) -> list[Spelling]:
    """A layer with what its padding cannot do in a ZeroPad beside it, whose negative pads crop."""
    if 0 in case.output_shape:
        return []
    axes = case.geometry.axes
    after = [max(axis.after, 0) for axis in axes]
    shared = tuple(min(axis.before, end) for axis, end in zip(axes, after, strict=True))
    module = _module(case, shared, tuple(max(-axis.after, 0) for axis in axes) if case.transposed else ())
    rest = [(axis.before - p, end - p) for axis, end, p in zip(axes, after, shared, strict=True)]
    signed = [-pad if case.transposed else pad for pair in reversed(rest) for pad in pair]
    outside = layer(f"torch.nn.ZeroPad{case.rank}d", tuple(signed))
    stack = (module, outside) if case.transposed else (outside, module)
    return [Spelling("exact", layer("torch.nn.Sequential", *stack), meaning=case)]


def _why_not(case: Case) -> str:
    if not case.transposed:
        reads = ", ".join(
            f"{axis.before} before and {max(axis.after, 0)} after" for axis in case.geometry.axes
        )
        return f"torch pads both ends of an axis alike, and this case reads {reads} of each axis in turn"
    wanted = ", ".join(
        f"begins at {axis.before} of a full response of {axis.full} and has {axis.fine} elements"
        for axis in case.geometry.axes
    )
    return (
        "torch drops padding elements at both ends and adds output_padding, 0 to less than the larger of "
        f"stride and dilation, after them: no such pair gives an output that {wanted}"
    )


def _to_torch(array: Array) -> Any:  # a tensor
    import torch  # noqa: PLC0415 - imported when first used

    contiguous = np.ascontiguousarray(array)
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(contiguous.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(contiguous)


def _to_numpy(tensor: Any) -> Array:
    import torch  # noqa: PLC0415 - imported when first used

    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(numpy_dtype("bfloat16"))  # type: ignore[no-any-return]
    return tensor.numpy()  # type: ignore[no-any-return]
