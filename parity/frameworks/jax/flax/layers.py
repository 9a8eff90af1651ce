"""Flax's layers for a case: the natives, those that people take for it, and grouped transposed ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from convmm.geometry import BorderMode, kernel_extent
from parity.cases.case import Case
from parity.frameworks.code.layer import Layer, Name, layer, resolve
from parity.frameworks.code.script import Conversion
from parity.frameworks.filled import NUMPYS, behind_padding
from parity.frameworks.jax.windows import (
    FLIP,
    Pads,
    by_name,
    converting,
    explicit_padding,
    of_torchs_numbers,
    rearranged,
    variants,
)
from parity.frameworks.spelling import Refusal, Spelling, windows_agree

_MOVE = "kernel = np.moveaxis(kernel, (0, 1), (-1, -2))"
MOVE_BACK = "kernel = np.moveaxis(kernel, (-1, -2), (0, 1))"
SWAP = "kernel = kernel.swapaxes(0, 1)"

TO_FLAX = converting(_MOVE)
_FROM_FLAX = converting(MOVE_BACK)

TO_FLIPPED = converting(FLIP, SWAP, _MOVE)
FROM_FLIPPED = (MOVE_BACK, SWAP, FLIP)
_UNFLIPPED = converting(SWAP, _MOVE)


def to_stretched(groups: int) -> Conversion:
    """Return the conversion to the kernel of a Conv that computes a transposed layer."""
    return converting(FLIP, rearranged(groups), _MOVE)


def from_stretched(groups: int) -> tuple[str, ...]:
    """Write the statements back from :func:`to_stretched`."""
    return MOVE_BACK, rearranged(groups), FLIP


MODES: dict[str, BorderMode] = {"CIRCULAR": "circular", "REFLECT": "reflect"}
"""The names of Conv's paddings that hold elements of the input, and the padding mode of each."""

NO_NAME = (
    "of padding that is not of zeros Flax has 'CIRCULAR' and 'REFLECT' alone, as wide as the kernel asks"
)

_NO_SPREAD = Refusal(
    "Flax works out how far first weights spread, given others or not, and divides by channels and filters",
    ("ZeroDivisionError",),
)


def refusing(spelling: Spelling) -> Spelling:
    """Return the layer with what Flax raises where there are no input channels, or no filters."""
    case = spelling.meaning
    return spelling if case.input[1] and case.filters else replace(spelling, refusal=_NO_SPREAD)


@dataclass(frozen=True, repr=False)
class Abstract(Layer):
    """A layer of nnx, made without its first weights: to draw them JAX compiles for seconds."""

    def call(self) -> Any:
        """Make the layer with the shapes of its weights in their place."""
        return resolve("flax.nnx:eval_shape")(super().call)


def natives(case: Case) -> Iterator[Spelling]:
    """Yield the layers whose arguments mean the case, none of them with groups where it is transposed."""
    named = {name: meaning for name, meaning in by_name(case) if windows_agree(case, meaning)}
    named.pop("SAME_LOWER", None)  # which flax hands on to JAX, and does not speak of
    pads = explicit_padding(case)
    order = variants(case, list(named))
    for name in order:
        meaning, padding = (named[name], name) if name else (case, pads)
        if padding is not None:
            variant = "" if name == order[0] or pads is None else name or "explicit"
            yield _spelling("linen", meaning, padding, variant)
    if _is_causal(case):
        yield _spelling("linen", case, "CAUSAL", "CAUSAL")
    first = named[order[0]] if order[0] else case
    yield _spelling("nnx", first, order[0] or pads or "SAME", "nnx")
    if case.transposed:
        flipped = _layer("linen", case, pads)
        back = converting(*FROM_FLIPPED)
        yield Spelling("native", flipped, case, None, TO_FLIPPED, back, variant="transpose_kernel=False")


def filled_natives(case: Case) -> Iterator[Spelling]:
    """Yield the layers of linen and nnx that pad with elements of the input, where Flax has a name for it."""
    for name, mode in MODES.items():
        if case.padding_mode == mode:
            meaning = case.padded(named_pads(case.kernel, case.dilation), None)
            if windows_agree(case, meaning):
                yield _spelling("linen", meaning, name, "")
                yield _spelling("nnx", meaning, name, "nnx")


def named_pads(kernel: Sequence[int], dilation: Sequence[int]) -> Pads:
    """Return the padding of :data:`MODES`, which goes by the kernel's extents alone."""
    extents = map(kernel_extent, kernel, dilation)
    return tuple(((extent - 1) // 2, extent // 2) for extent in extents)


def filled(case: Case) -> Spelling:
    """Return a convolution behind ``jax.numpy.pad``, which pads with elements of the input."""
    pads = ((0, 0), *case.explicit["padding"], (0, 0))
    inside, mode = behind_padding(case), NUMPYS[case.padding_mode]
    pad = layer("functools.partial", Name("jax.numpy.pad"), pad_width=pads, mode=mode)
    whole = layer("flax.linen:Sequential", [pad, _flax("linen", inside, "VALID")])
    return Spelling("exact", whole, case, None, TO_FLAX, _FROM_FLAX, inside=inside)


def _spelling(module: str, meaning: Case, padding: Pads | str, variant: str) -> Spelling:
    return Spelling(
        "native", _flax(module, meaning, padding), meaning, None, TO_FLAX, _FROM_FLAX, variant=variant
    )


def _is_causal(case: Case) -> bool:
    """Return whether the case is what "CAUSAL" means, of one axis alone."""
    if case.transposed or case.rank > 1:
        return False
    (axis,) = case.geometry.axes
    return windows_agree(case, case.padded(((axis.extent - 1, 0),), None))


def lookalikes(case: Case) -> Iterator[Spelling]:
    """Yield what people take for the case: the shape by a name, torch's numbers, an unflipped kernel."""
    for name, meaning in by_name(case):
        same_size = meaning.output_shape == case.output_shape
        if name != "SAME_LOWER" and same_size and not windows_agree(case, meaning):
            yield _lookalike(meaning, name, name)
    if not case.transposed:
        return
    taken = of_torchs_numbers(case)
    if taken is not None and not windows_agree(case, taken):
        yield _lookalike(taken, case.padding, "torch's padding")
    if max(case.kernel) > 1:
        unflipped = _layer("linen", case, explicit_padding(case))
        yield Spelling("lookalike", unflipped, case, None, _UNFLIPPED, variant="unflipped", flips=True)


def _lookalike(meaning: Case, padding: Any, variant: str) -> Spelling:
    return Spelling("lookalike", _flax("linen", meaning, padding), meaning, None, TO_FLAX, variant=variant)


def grouped(case: Case) -> Spelling:
    """Return a transposed case as a Conv of the stretched input, whose kernel is rearranged."""
    arguments = {"input_dilation": case.stride, "feature_group_count": case.groups}
    padding = explicit_padding(case)
    return Spelling(
        "exact",
        layer("flax.linen:Conv", **_arguments(case), padding=padding, **arguments, **_last(case)),
        case,
        None,
        to_stretched(case.groups),
        converting(*from_stretched(case.groups)),
    )


def _flax(module: str, case: Case, padding: Any) -> Layer:
    """Return the layer with torch's kernel."""
    return _layer(module, case, padding, **({"transpose_kernel": True} if case.transposed else {}))


def _layer(module: str, case: Case, padding: Any, **last: bool) -> Layer:
    given: dict[str, Any] = {"strides": case.stride, "padding": padding}
    if case.groups > 1:
        given["feature_group_count"] = case.groups
    name = f"flax.{module}:Conv{'Transpose' if case.transposed else ''}"
    arguments = {**_arguments(case, module), **given, **_last(case), **last}
    if module == "linen":
        return Layer(name, (), tuple(arguments.items()))
    arguments["rngs"] = layer("flax.nnx:Rngs", 0)
    return Abstract(name, (), tuple(arguments.items()))


def _arguments(case: Case, module: str = "linen") -> dict[str, Any]:
    if module == "linen":
        return {"features": case.filters, "kernel_size": case.kernel}
    return {
        "in_features": case.input[1],
        "out_features": case.filters,
        "kernel_size": case.kernel,
    }


def _last(case: Case) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    if set(case.dilation) != {1}:
        arguments["kernel_dilation"] = case.dilation
    arguments["use_bias"] = case.bias
    if case.dtype != "float32":
        arguments["param_dtype"] = Name(f"jax.numpy.{case.dtype}")
    return arguments
