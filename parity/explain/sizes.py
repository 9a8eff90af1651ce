"""Which sizes a layer gives, which inputs it cannot tell apart, and what restores them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from convmm.geometry import (
    GeometryError,
    Ints,
    Padding,
    check_ints,
    check_padding,
    conv_transpose_output_size,
    input_sizes,
    output_padding_for,
    shown,
)
from parity.cases.case import Case
from parity.cases.errors import InputError
from parity.frameworks.code.layer import Layer
from parity.frameworks.interface import Framework
from parity.frameworks.known.registry import layers_of
from parity.frameworks.spelling import Spelling
from parity.frameworks.table import usual_frameworks

MOST_SIZES = 4096
"""Fine sizes in all tables: each is asked of each framework, which takes half a millisecond."""


class SizesError(InputError):
    """More sizes than anybody reads; the message says how many."""


@dataclass(frozen=True)
class SizeRow:
    """One coarse size of an axis and every fine size that belongs to it.

    Attributes:
        coarse: a convolution's output size, a transposed convolution's input size.
        fine: the input sizes that the convolution maps to ``coarse``, ascending; the transposed
            convolution can restore any of them.
        output_padding: what restores each; None where no explicit one does and the default does.
        layers: by framework, the arguments of its transposed layer that restore each size, None where it
            has none.
        default: the size that the transposed convolution gives without ``output_padding``.
    """

    coarse: int
    fine: tuple[int, ...]
    output_padding: tuple[int | None, ...]
    layers: dict[str, tuple[str | None, ...]]
    default: int | None

    @property
    def ambiguous(self) -> bool:
        """Whether the convolution maps several sizes to this one."""
        return len(self.fine) > 1


@dataclass(frozen=True)
class AxisSizes:
    """The rows of one axis, or of several that have the same arguments."""

    axes: tuple[int, ...]
    kernel: int
    stride: int
    dilation: int
    rows: tuple[SizeRow, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the table as JSON has it."""
        return {**asdict(self), "rows": [{**asdict(row), "ambiguous": row.ambiguous} for row in self.rows]}


def size_tables(
    rank: int, kernel: Ints, *, stride: Ints, padding: Padding, dilation: Ints, largest: int
) -> list[AxisSizes]:
    """Return the sizes of a layer, up to a coarse size of ``largest``, one table for axes that are alike.

    Raises:
        GeometryError: an argument is out of its range.
        SizesError: there are more than :data:`MOST_SIZES`.
    """
    kernels, strides, dilations = (
        check_ints(name, value, rank, minimum=1)
        for name, value in (("kernel", kernel), ("stride", stride), ("dilation", dilation))
    )
    pads = check_padding(padding, rank)
    each = [pads if isinstance(pads, str) else (pads[axis],) for axis in range(rank)]
    alike: dict[tuple[int, int, int, Padding], list[int]] = {}
    for axis, key in enumerate(zip(kernels, strides, dilations, each, strict=True)):
        alike.setdefault(key, []).append(axis)
    count = largest * sum(stride for _, stride, _, _ in alike)
    if count > MOST_SIZES:
        raise SizesError(
            f"coarse sizes up to {largest} with stride={shown(stride)} are {count} fine ones: allowed are "
            f"{MOST_SIZES}, of all axes that differ together"
        )
    return [
        AxisSizes(tuple(axes), k, s, d, tuple(size_row(size, k, s, d, pad) for size in range(1, largest + 1)))
        for (k, s, d, pad), axes in alike.items()
    ]


def size_row(coarse: int, kernel: int, stride: int, dilation: int, padding: Padding) -> SizeRow:
    """Return what belongs to one coarse size of an axis; ``padding`` is a mode, or a pair in a tuple."""
    (fine,) = input_sizes(coarse, kernel, stride=stride, padding=padding, dilation=dilation)
    restoring = tuple(_restoring(size, kernel, stride, dilation, padding) for size in fine)
    cases = [
        Case("conv_transpose1d", (1, 1, coarse), 1, kernel, stride, padding, added, dilation)
        for added in restoring
    ]
    layers = {
        found.name: tuple(_arguments(found, case) for case in cases)
        for found in usual_frameworks()
        if not found.is_oracle
    }
    return SizeRow(coarse, fine, restoring, layers, _default(coarse, kernel, stride, dilation, padding))


def _arguments(framework: Framework, case: Case) -> str | None:
    """Write the padding arguments of the framework's native layer for one axis, as it writes them."""
    first = layers_of(framework, case)[0]
    if not isinstance(first, Spelling) or first.refusal is not None or not isinstance(first.layer, Layer):
        return None
    written = {name: value for name, value in first.layer.keywords if name in {"padding", "output_padding"}}
    return ", ".join(
        f"{name}={value[0] if isinstance(value, tuple) else repr(value)}" for name, value in written.items()
    )


def _restoring(size: int, kernel: int, stride: int, dilation: int, padding: Padding) -> int | None:
    try:
        return output_padding_for(size, kernel, stride=stride, padding=padding, dilation=dilation)[0]
    except GeometryError:
        return None


def _default(coarse: int, kernel: int, stride: int, dilation: int, padding: Padding) -> int | None:
    try:
        return conv_transpose_output_size(coarse, kernel, stride=stride, padding=padding, dilation=dilation)[
            0
        ]
    except GeometryError:
        return None
