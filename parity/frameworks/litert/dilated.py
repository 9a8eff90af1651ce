"""A dilation that a model makes around a convolution: SPACE_TO_BATCH_ND before it, BATCH_TO_SPACE_ND behind.

So TensorFlow's converter leaves it of some of Keras's layers, with the bias added behind all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity.cases.arrays import Array

_MOVES = ("EXPAND_DIMS", "RESHAPE", "SQUEEZE")
"""What stands between the operators where there is one axis: a convolution is of two."""

Constant = Callable[[int], Array | None]
"""Returns the array that a tensor has in the file, or None."""


@dataclass(frozen=True)
class Dilated:
    """A convolution with the dilation around it.

    Attributes:
        x: the tensor before all of it.
        y: the one behind.
        block: the dilation, on both axes.
        pads: elements before and after, on both axes.
        bias: the tensor that is added behind, or None.
    """

    x: int
    y: int
    block: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    bias: int | None


@dataclass(frozen=True)
class Links:
    """Which operators of a graph make and read its tensors.

    Attributes:
        maker: of each tensor that one makes.
        readers: of each tensor that some read.
        code: returns an operator's name.
        outputs: the tensors that are the model's outputs.
    """

    maker: dict[int, Any]
    readers: dict[int, list[Any]]
    code: Callable[[Any], str]
    outputs: Sequence[int]

    def before(self, place: int) -> Any:
        """Return the SPACE_TO_BATCH_ND that makes a tensor, but for its shape, or None."""
        while (maker := self.maker.get(place)) is not None:
            if self.code(maker) == "SPACE_TO_BATCH_ND":
                return maker
            if self.code(maker) not in _MOVES:
                return None
            place = maker.inputs[0]
        return None

    def behind(self, place: int) -> Any:
        """Return the BATCH_TO_SPACE_ND that alone reads a tensor, but for its shape, or None."""
        while (reader := self.only_reader(place)) is not None:
            if self.code(reader) == "BATCH_TO_SPACE_ND":
                return reader
            if self.code(reader) not in _MOVES:
                return None
            place = reader.outputs[0]
        return None

    def only_reader(self, place: int) -> Any:
        """Return the one operator that reads a tensor; None where there are several, or it is an output."""
        found = self.readers.get(place, [])
        return found[0] if len(found) == 1 and place not in self.outputs else None


def find_dilated(
    operator: Any, kernel: Array, own_bias: Array | None, links: Links, constant: Constant
) -> Dilated | None:
    """Return a convolution with the dilation around it, or None where that is none.

    Args:
        operator: a convolution over two axes.
        kernel: its kernel, (O, height, width, C/groups).
        own_bias: its bias, or None.
        links: between the operators.
        constant: the arrays of the file.
    """
    before, behind = links.before(operator.inputs[0]), links.behind(operator.outputs[0])
    if before is None or behind is None or not _is_plain(operator.builtinOptions):
        return None
    found = [constant(place) for each in (before, behind) for place in each.inputs[1:3]]
    if any(each is None for each in found):
        return None
    block, pads, block_behind, crops = (np.asarray(each) for each in found)
    left = pads - crops
    is_one = np.array_equal(block, block_behind) and (block.size > 1 or kernel.shape[1] == 1)
    if not is_one or left.min() < 0:
        return None
    idle = 2 - block.size
    bias, y = _bias(behind.outputs[0], len(kernel), links, constant)
    if bias is not None and own_bias is not None and own_bias.any():
        bias, y = None, behind.outputs[0]
    return Dilated(
        before.inputs[0],
        y,
        (*(1,) * idle, *map(int, block)),
        (*((0, 0),) * idle, *((int(a), int(b)) for a, b in left)),
        bias,
    )


def _is_plain(options: Any) -> bool:
    """Return whether a convolution has no stride, dilation, padding and activation of its own."""
    names = ("strideH", "strideW", "dilationHFactor", "dilationWFactor")
    ones = all(getattr(options, name) == 1 for name in names)
    return ones and bool(options.padding) and not options.fusedActivationFunction


def _bias(place: int, filters: int, links: Links, constant: Constant) -> tuple[int | None, int]:
    """Return the tensor of a bias that is added to a tensor, and what comes of it; or None and the tensor."""
    reader = links.only_reader(place)
    if reader is None or links.code(reader) != "ADD" or reader.builtinOptions.fusedActivationFunction:
        return None, place
    other = next((each for each in reader.inputs if each != place), place)
    array = constant(other)
    if array is None or array.shape != (filters,):
        return None, place
    return other, reader.outputs[0]


@dataclass(frozen=True, eq=False)
class Around:
    """Computes a convolution with the dilation around it: (N, C, *sizes) to (N, O, *sizes), of two axes.

    Attributes:
        alone: computes the convolution itself.
        dilated: what is around it.
        extent: elements that its kernel spans, on both axes.
        bias: what is added behind, or None.
    """

    alone: Callable[[Array], Array]
    dilated: Dilated
    extent: tuple[int, ...]
    bias: Array | None

    def __call__(self, x: Array) -> Array:
        """Compute it on this input."""
        n, c = x.shape[:2]
        (bh, bw), pads = self.dilated.block, self.dilated.pads
        sizes = [size + sum(pad) for size, pad in zip(x.shape[2:], pads, strict=True)]
        more = [-size % block for size, block in zip(sizes, (bh, bw), strict=True)]
        padded = np.pad(x, ((0, 0), (0, 0), *((a, b + m) for (a, b), m in zip(pads, more, strict=True))))
        h, w = padded.shape[2:]
        sorted_ = padded.reshape(n, c, h // bh, bh, w // bw, bw).transpose(3, 5, 0, 1, 2, 4)
        found = self.alone(np.ascontiguousarray(sorted_).reshape(bh * bw * n, c, h // bh, w // bw))
        o, h, w = found.shape[1:]
        back = found.reshape(bh, bw, n, o, h, w).transpose(2, 3, 4, 0, 5, 1).reshape(n, o, h * bh, w * bw)
        rows, columns = (size - extent + 1 for size, extent in zip(sizes, self.extent, strict=True))
        y = back[:, :, :rows, :columns]
        return y if self.bias is None else y + self.bias[:, None, None]
