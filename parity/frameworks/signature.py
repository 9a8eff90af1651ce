"""The signatures of functions that are compared: convmm's, or another that is made into it."""

from __future__ import annotations

import functools
import inspect
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
        if "padding_mode" in arguments:
            mode = arguments["padding_mode"]
            raise NotImplementedError(f"padding_mode={mode!r}: the function pads with zeros alone")
        if any(before != after for before, after in padding):
            raise NotImplementedError(f"padding={tuple(padding)}: the function pads both ends alike")
        return function(x, w, bias, padding=tuple(before for before, _ in padding), **arguments)

    return call


def check_takes_mode(call: functools.partial[Any]) -> None:
    """Accept a call whose function takes the padding mode that it is given, if it is given one.

    Of a function without a signature that can be read nothing is known, and it is called.

    Raises:
        NotImplementedError: the function has no such argument.
    """
    if "padding_mode" not in call.keywords:
        return
    try:
        taken = inspect.signature(call.func).parameters.values()
    except (TypeError, ValueError):
        return
    if not any(each.name == "padding_mode" or each.kind is each.VAR_KEYWORD for each in taken):
        mode = call.keywords["padding_mode"]
        raise NotImplementedError(f"the function takes no padding_mode, and this case's is {mode!r}")
