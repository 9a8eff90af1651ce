"""JAX's layers for a case: the natives, those that people take for it, and grouped transposed ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

from parity.cases.case import Case
from parity.frameworks.code.layer import Layer
from parity.frameworks.filled import NUMPYS, behind_padding
from parity.frameworks.jax.function import Function
from parity.frameworks.jax.installation import has_consistent_padding
from parity.frameworks.jax.windows import (
    FLIP,
    by_name,
    consistent_padding,
    converting,
    explicit_padding,
    of_torchs_numbers,
    rearranged,
    variants,
)
from parity.frameworks.spelling import Spelling, windows_agree

NO_GROUPS = "jax.lax.conv_transpose has no groups, and this case has {groups}"

_AXES = {1: "W", 2: "HW", 3: "DHW"}

_FLIPPED = converting(FLIP)


def natives(case: Case) -> Iterator[Spelling]:
    """Yield the calls whose arguments mean the case, none of them with groups where it is transposed."""
    named = {name: meaning for name, meaning in by_name(case) if windows_agree(case, meaning)}
    pads = explicit_padding(case)
    make = conv_transpose if case.transposed else convolution
    order = variants(case, list(named))
    for name in order:
        meaning, padding = (named[name], name) if name else (case, pads)
        if padding is not None:
            variant = "" if name == order[0] or pads is None else name or "explicit"
            yield Spelling("native", make(meaning, padding), meaning, variant=variant)
    if not case.transposed:
        return
    call = conv_transpose(case, pads, transpose_kernel=False)
    yield Spelling("native", call, case, None, _FLIPPED, _FLIPPED, variant="transpose_kernel=False")
    if has_consistent_padding() and 0 not in case.input[2:]:  # the sizes of nothing it has another way
        call = conv_transpose(case, consistent_padding(case), use_consistent_padding=True)
        yield Spelling("native", call, case, variant="use_consistent_padding")


def lookalikes(case: Case) -> Iterator[Spelling]:
    """Yield what people take for the case: the shape by a name, torch's numbers, an unflipped kernel."""
    make = conv_transpose if case.transposed else convolution
    for name, meaning in by_name(case):
        if meaning.output_shape == case.output_shape and not windows_agree(case, meaning):
            yield Spelling("lookalike", make(meaning, name), meaning, variant=name)
    if not case.transposed:
        return
    taken = of_torchs_numbers(case)
    if taken is not None and not windows_agree(case, taken):
        yield Spelling("lookalike", conv_transpose(taken, case.padding), taken, variant="torch's padding")
    if max(case.kernel) > 1:
        unflipped = conv_transpose(case, explicit_padding(case), transpose_kernel=False)
        yield Spelling("lookalike", unflipped, case, variant="unflipped", flips=True)


def grouped(case: Case) -> Spelling:
    """Return a transposed case as a convolution of the stretched input, whose kernel is rearranged."""
    convert = converting(FLIP, rearranged(case.groups))
    call = _function(
        case,
        "conv_general_dilated",
        window_strides=(1,) * case.rank,
        padding=explicit_padding(case),
        lhs_dilation=case.stride,
        **_dilated(case),
        dimension_numbers=_dimensions(case),
        feature_group_count=case.groups,
    )
    return Spelling("exact", call, case, None, convert, convert)


def filled(case: Case) -> Spelling:
    """Return a convolution whose padding holds elements of the input, which ``jax.numpy.pad`` puts there."""
    pads = ((0, 0), (0, 0), *case.explicit["padding"])
    inside = behind_padding(case)
    call = replace(convolution(inside, "VALID"), pad=(pads, NUMPYS[case.padding_mode]))
    return Spelling("exact", call, case, inside=inside)


def convolution(case: Case, padding: Any) -> Function:
    """Return the convolution with this padding, numbers or a name."""
    groups = {"feature_group_count": case.groups} if case.groups > 1 else {}
    return _function(
        case,
        "conv_general_dilated",
        window_strides=case.stride,
        padding=padding,
        **_dilated(case),
        dimension_numbers=_dimensions(case),
        **groups,
    )


def conv_transpose(case: Case, padding: Any, *, transpose_kernel: bool = True, **last: bool) -> Layer:
    """Return the transposed convolution with this padding, numbers or a name.

    Its kernel is (C, O, *kernel) in any case: what is the first axis to JAX is another one without
    ``transpose_kernel``.
    """
    return _function(
        case,
        "conv_transpose",
        strides=case.stride,
        padding=padding,
        **_dilated(case),
        dimension_numbers=_dimensions(case, "OI" if transpose_kernel else "IO"),
        transpose_kernel=transpose_kernel,
        **last,
    )


def compiled(spelling: Spelling) -> Spelling:
    """Return the spelling on the route "jit"."""
    return replace(spelling, layer=replace(cast("Function", spelling.layer), jit=True))


def _function(case: Case, name: str, **keywords: Any) -> Function:
    bias = case.rank if case.bias else None
    return Function(f"jax.lax.{name}", (), tuple(keywords.items()), bias=bias)


def _dilated(case: Case) -> dict[str, Any]:
    return {"rhs_dilation": case.dilation} if set(case.dilation) != {1} else {}


def _dimensions(case: Case, kernel: str = "OI") -> tuple[str, str, str]:
    axes = _AXES[case.rank]
    return f"NC{axes}", f"{kernel}{axes}", f"NC{axes}"
