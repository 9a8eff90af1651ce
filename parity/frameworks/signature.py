"""Functions with another signature than convmm's, made into such as are compared."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any


def with_torch_signature(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function with convmm's signature that calls one with that of torch's functions.

    Those are ``torch.nn.functional.conv2d``, ``conv_transpose2d`` and their kin, with one int of padding per
    axis, and whatever takes the same arguments by the same names: (input, weight, bias, stride=, padding=,
    dilation=, groups=), of transposed layers also output_padding.

    Args:
        function: takes and returns arrays, or tensors: ``--arrays`` says which it is handed.

    Returns:
        To be compared: with ``parity.run(case, impl=...)``, or under a name in a module with
        ``--impl MODULE:NAME``. It raises NotImplementedError where the padding before an axis is another than
        that after it, so that such cases are recorded as unsupported.
    """

    @functools.wraps(function)
    def call(
        x: Any,
        w: Any,
        bias: Any = None,
        *,
        padding: Sequence[tuple[int, int]],
        **arguments: Any,
    ) -> Any:
        if any(before != after for before, after in padding):
            raise NotImplementedError(f"padding={tuple(padding)}: the function pads both ends alike")
        return function(x, w, bias, padding=tuple(before for before, _ in padding), **arguments)

    return call
