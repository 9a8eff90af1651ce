"""The operations, and what their names say."""

from __future__ import annotations

import functools
from typing import NamedTuple

OPS = ("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")


class Op(NamedTuple):
    """What the name of an operation says.

    Attributes:
        transposed: whether it is a transposed convolution.
        rank: number of spatial axes.
    """

    transposed: bool
    rank: int

    @classmethod
    def of(cls, name: str) -> Op:
        """Read one of :data:`OPS`."""
        return _read(name)


@functools.cache
def _read(name: str) -> Op:
    return Op(name.startswith("conv_transpose"), int(name[-2]))
