"""Calls of convolutions in a model, made of the layers' texts."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

from convmm.geometry import GeometryError
from parity.cases.arrays import Array
from parity.cases.case import DTYPES, CaseError
from parity.cases.errors import InputError
from parity.frameworks.code.expression import parse_call
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.script import AS_THEY_ARE, execute, join
from parity.frameworks.interface import Framework
from parity.frameworks.model import Again, Unread, Use


def use_of(
    framework: Framework,
    name: str,
    text: str,
    weights: Sequence[Array],
    shape: Sequence[int],
    *,
    state: Sequence[str],
    again: Again,
    kernel_shape: Sequence[int] | None = None,
) -> Use | Unread:
    """Make the call of a layer that is known by its text; or say why it cannot be read.

    Args:
        framework: whose layer it is.
        name: of the layer in its model.
        text: the layer, without an activation.
        weights: its kernel and, if it has one, its bias, in the layout of ``text``.
        shape: of its input, (N, C, *spatial).
        state: as of :class:`Use`.
        again: as of :class:`Use`.
        kernel_shape: as of :class:`Use`.
    """
    dtype = weights[0].dtype.name
    if dtype not in DTYPES:
        return Unread(name, f"its kernel is of dtype {dtype}: allowed are {', '.join(DTYPES)}")
    carried = None if kernel_shape is None else tuple(kernel_shape)
    try:
        reading = _read(framework, text, carried).for_channels(shape[1])
        case = reading.on(tuple(shape))
    except (InputError, GeometryError, CaseError) as error:
        return Unread(name, str(error))
    kernel, *bias = in_convmm(framework, reading, weights)
    return Use(name, text, case, kernel, bias[0] if bias else None, tuple(state), again, kernel_shape=carried)


@functools.lru_cache(maxsize=4096)
def _read(framework: Framework, text: str, kernel_shape: tuple[int, ...] | None) -> Reading:
    call = parse_call(text)
    return framework.read(replace(call, kernel_shape=kernel_shape))


def in_convmm(framework: Framework, reading: Reading, weights: Sequence[Array]) -> list[Array]:
    """Return a layer's kernel and bias in convmm's layout."""
    before = framework.to_convmm if reading.to_convmm is None else reading.to_convmm
    made = execute(join(("numpy as np",), AS_THEY_ARE.text(before)))
    found: list[Array] = made["convert"](weights)
    return found
