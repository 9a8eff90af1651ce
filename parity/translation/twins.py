"""Links that together are a transposed convolution, and that one's weights.

A convolution before ``PixelShuffle(r)``, and one behind ``Upsample(r)`` of the nearest element, each with
stride 1, are transposed convolutions of stride r. Of the first, tap u of row a is tap
r * (extent - 1 - u) + a of a kernel of r * extent taps; the second's kernel is the flipped one, added up r
times, each time one tap further.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from textwrap import indent

from parity.cases.case import Case
from parity.frameworks.code.expression import Call, ExpressionError
from parity.frameworks.code.layer import Layer
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.steps import PixelShuffle, Upsample
from parity.frameworks.interface import Framework
from parity.translation.layers import choose
from parity.translation.walk import Parts, Walk


@dataclass(frozen=True)
class Twin:
    """A transposed convolution that is equal to two links.

    Attributes:
        number: of the convolution among the parts.
        names: of the two links, as a sentence begins with them.
        cases: that it computes, on each of the inputs.
        statements: that make its kernel of the convolution's ``kernel``, both in convmm's layout.
        bias: that make its bias of the convolution's, in the list ``bias``.
        condition: what has to hold of the weights, as the end of a sentence; empty for nothing.
    """

    number: int
    names: str
    cases: tuple[Case, ...]
    statements: tuple[str, ...]
    bias: tuple[str, ...] = ()
    condition: str = ""


def find_twins(parts: Parts, walks: Sequence[Walk]) -> Iterator[Twin]:
    """Yield the chain's pairs of links that are transposed convolutions."""
    for number, (first, second) in enumerate(pairwise(parts)):
        if isinstance(first, Reading) and isinstance(second, PixelShuffle):
            found = _shuffled(number, second.factor, walks)
        elif isinstance(first, Upsample) and isinstance(second, Reading) and first.mode == "nearest":
            found = _upsampled(number + 1, first, walks)
        else:
            continue
        if found is not None:
            yield found


def _is_plain(case: Case) -> bool:
    return not case.transposed and case.groups == 1 and {*case.stride, *case.dilation} == {1}


def _shuffled(number: int, factor: int, walks: Sequence[Walk]) -> Twin | None:
    case = walks[0].cases[number]
    if not _is_plain(case):
        return None
    kernel = [factor * k for k in case.kernel]
    pads = [
        (factor * (k - 1 - before), factor * (k - 1 - after))
        for k, (before, after) in zip(case.kernel, case.explicit["padding"], strict=True)
    ]
    filters, (rows, columns) = case.filters // factor**2, case.kernel
    inputs = [walk.shapes[number] for walk in walks]
    cases = _cases(case, inputs, filters, kernel, (factor, factor), pads)
    statements = (
        "channels = kernel.shape[1]",
        "kernel = kernel[:, :, ::-1, ::-1]",
        f"kernel = kernel.reshape({filters}, {factor}, {factor}, channels, {rows}, {columns})",
        "kernel = kernel.transpose(3, 0, 4, 1, 5, 2)",
        f"kernel = kernel.reshape(channels, {filters}, {factor * rows}, {factor * columns})",
    )
    names = f"the convolution and PixelShuffle({factor}) behind it"
    if not cases:
        return None
    if not case.bias:
        return Twin(number, names, cases, statements)
    bias = (
        f"bias = [bias[0].reshape({filters}, {factor**2})]",
        "if (bias[0] != bias[0][:, :1]).any():",
        f'    raise ValueError("the bias of each {factor**2} channels has to be one number")',
        "bias = [bias[0][:, 0]]",
    )
    condition = f"where the bias of each {factor**2} channels in turn is one number"
    return Twin(number, names, cases, statements, bias, condition)


def _upsampled(number: int, step: Upsample, walks: Sequence[Walk]) -> Twin | None:
    case = walks[0].cases[number]
    if not _is_plain(case):
        return None
    factors = step.on(case.rank)
    kernel = [k + factor - 1 for k, factor in zip(case.kernel, factors, strict=True)]
    pads = [
        (k - 1 - before, k - 1 - after)
        for k, (before, after) in zip(case.kernel, case.explicit["padding"], strict=True)
    ]
    inputs = [walk.shapes[number - 1] for walk in walks]
    cases = _cases(case, inputs, case.filters, kernel, factors, pads)
    statements = ["kernel = np.flip(kernel, range(2, kernel.ndim)).swapaxes(0, 1)"]
    for axis, factor in enumerate(factors, 2):
        beside = ["(0, 0)"] * (case.rank + 2)
        beside[axis] = f"({factor - 1}, {factor - 1})"
        cut = ":, " * axis
        size = kernel[axis - 2]
        statements += [
            f"wide = np.pad(kernel, ({', '.join(beside)}))",
            f"kernel = sum(wide[{cut}n : n + {size}] for n in range({factor}))",
        ]
    return Twin(number, "the convolution and Upsample before it", cases, tuple(statements)) if cases else None


def _cases(
    case: Case,
    inputs: Sequence[tuple[int, ...]],
    filters: int,
    kernel: Sequence[int],
    stride: Sequence[int],
    pads: Sequence[tuple[int, int]],
) -> tuple[Case, ...]:
    """Return the transposed convolution on these inputs; none where it would crop less than nothing."""
    if min(map(min, pads)) < 0:
        return ()
    first = Case(
        f"conv_transpose{case.rank}d",
        inputs[0],
        filters,
        kernel,
        stride,
        pads,
        bias=case.bias,
        dtype=case.dtype,
    )
    return tuple(replace(first, input=shape) for shape in inputs)


@dataclass(frozen=True)
class WrittenTwin:
    """A twin as a layer of the target.

    Attributes:
        note: that it is one, in a sentence.
        function: what converts the chain's weights to the layer's, as code; its name is in the note.
    """

    note: str
    function: str


def write_twin(
    call: Call, target: Framework, twin: Twin, name: str, weights: str, to_convmm: Sequence[str]
) -> WrittenTwin | None:
    """Write a twin as a layer of the target; None where it has none.

    Args:
        call: the expression.
        target: the framework.
        twin: what to write.
        name: of the function of its weights.
        weights: the convolution's among the list ``weights``, as code.
        to_convmm: statements that bring its ``kernel`` into convmm's layout.
    """
    try:
        spelling = choose(call, target, twin.cases, any_size=len(twin.cases) > 1)[0]
    except ExpressionError:
        return None
    if not isinstance(spelling.layer, Layer):
        return None
    said = f"{twin.names} together are {spelling.layer!r}"
    lines = (
        f"kernel, *bias = {weights}",
        *to_convmm,
        *twin.statements,
        *twin.bias,
        *spelling.convert.statements,
        "return converted",
    )
    body = indent("\n".join(lines), "    ")
    note = f"{said}{twin.condition and f', {twin.condition}'}: {name}(weights) gives its weights"
    return WrittenTwin(note, f"def {name}(weights):\n{body}")
