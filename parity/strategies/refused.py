"""Cases that a framework refuses, by its own rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import hypothesis.strategies as st

from convmm.geometry import full_response_size
from parity.cases.case import Case
from parity.cases.op import OPS
from parity.frameworks.interface import Framework
from parity.frameworks.known.registry import layers_of
from parity.frameworks.spelling import Refusal, Spelling
from parity.frameworks.table import FrameworkError, find_framework
from parity.strategies.cases import cases


def refused_cases(framework: str, *, certain: bool = False) -> st.SearchStrategy[Case]:
    """Draw cases whose native layer the framework refuses, as its rules say.

    Each is a case as :func:`cases` draws them, taken to a corner of the arguments where frameworks refuse: a
    stride beside a dilation, output padding that only the dilation allows, a dilation of a transposed
    layer, an output without an element. Shrinks towards the first of these, and as :func:`cases` does.

    Args:
        framework: its name.
        certain: only those that it refuses on all of its code paths.

    Raises:
        FrameworkError: it is unknown or not installed, or refuses none of them.
    """
    found = find_framework(framework)
    ops = [op for op in OPS if _refused(found, Case(op, (1, 1) + (3,) * int(op[-2]), 1, 2), certain=certain)]
    if not ops:
        raise FrameworkError(
            f"framework {framework!r}: by its rules it refuses no case; allowed is one that does"
        )
    return cases(ops).flatmap(lambda case: st.sampled_from(_refused(found, case, certain=certain)))


def _refused(found: Framework, case: Case, *, certain: bool) -> list[Case]:
    """Return the corners beside the case that the framework refuses."""
    refusals = ((corner, _refusal(found, corner)) for corner in dict.fromkeys(_corners(case)))
    return [corner for corner, refusal in refusals if refusal and (refusal.certain or not certain)]


def _refusal(found: Framework, case: Case) -> Refusal | None:
    """Return what the framework raises for its native layer of the case, if it has one and does."""
    native = layers_of(found, case)[0]
    return native.refusal if isinstance(native, Spelling) else None


def _corners(case: Case) -> Iterator[Case]:
    """Yield cases beside this one, with its groups and, as not every layer has groups, without."""
    for groups in (case.groups, 1):
        plain = replace(case, groups=groups, padding="same", output_padding=None)
        yield replace(
            plain,
            stride=(*case.stride[:-1], max(case.stride[-1], 2)),
            dilation=(max(case.dilation[0], 2), *case.dilation[1:]),
        )
        if case.transposed:
            dilation = tuple(max(each, 2) for each in case.dilation)
            dilated = replace(plain, stride=(1,) * case.rank, dilation=dilation)
            yield replace(dilated, output_padding=tuple(each - 1 for each in dilation))
            yield dilated
            yield _without_an_output(plain)


def _without_an_output(case: Case) -> Case:
    """Return the transposed case with as much padding on its first axis, equal on both sides, as it has."""
    size, stride, kernel = case.input[2], case.stride[0], case.kernel[0]
    kernel += full_response_size(size, kernel, stride) % 2
    pads = full_response_size(size, kernel, stride) // 2
    return replace(
        case,
        kernel=(kernel, *case.kernel[1:]),
        dilation=(1, *case.dilation[1:]),
        padding=((pads, pads),) + ((0, 0),) * (case.rank - 1),
    )
