"""The NumPy core itself, in the case's own dtype: the one framework that calls convmm."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import convmm
from parity.cases.arrays import Array
from parity.cases.case import PADDING_MODES, ZEROS, Case
from parity.frameworks.code.layer import Name, layer
from parity.frameworks.code.script import Script, numpy_name
from parity.frameworks.distributions import installed_version
from parity.frameworks.interface import Framework
from parity.frameworks.precision import Mode, accumulated_in_float32
from parity.frameworks.spelling import Spelling, Unsupported
from parity.frameworks.window_rule import Reads, WindowRule, pair
from parity.records.result import ORACLE

_CONV, _TRANSPOSED = ("convmm.conv?d",), ("convmm.conv_transpose?d",)
_PADS, _Q = Reads(("p", "r"), pair), Reads(("q",))
_DOCUMENTED = "the docstrings of convmm.conv and convmm.conv_transpose"

WINDOWS = (
    WindowRule(_CONV, "padding=((p, r), …)", {"padding": _PADS}, "p", "(n + p + r - e)//s + 1", _DOCUMENTED),
    WindowRule(_CONV, "padding='valid'", {"padding": "valid"}, "0", "(n - e)//s + 1", _DOCUMENTED),
    WindowRule(
        _CONV, "padding='same'", {"padding": "same"}, "max((m - 1)*s + e - n, 0)//2", "ceil(n/s)", _DOCUMENTED
    ),
    WindowRule(
        _TRANSPOSED,
        "padding=((p, r), …), output_padding=q",
        {"padding": _PADS, "output_padding": Reads(("q",), otherwise=(0,))},
        "p",
        "L - p - r + q",
        _DOCUMENTED,
    ),
    WindowRule(
        _TRANSPOSED,
        "padding='valid'",
        {"padding": "valid", "output_padding": None},
        "0",
        "(n - 1)*s + max(e, s)",
        _DOCUMENTED,
    ),
    WindowRule(
        _TRANSPOSED,
        "padding='valid', output_padding=q",
        {"padding": "valid", "output_padding": _Q},
        "0",
        "L + q",
        _DOCUMENTED,
    ),
    WindowRule(
        _TRANSPOSED,
        "padding='same'",
        {"padding": "same", "output_padding": None},
        "max(L - m, 0)//2",
        "n*s",
        _DOCUMENTED,
    ),
    WindowRule(
        _TRANSPOSED,
        "padding='same', output_padding=q",
        {"padding": "same", "output_padding": _Q},
        "max(L - m, 0)//2",
        "(n - 1)*s + e%2 + q",
        _DOCUMENTED,
    ),
)


@dataclass(frozen=True)
class NumPy(Framework):
    """The core: it takes every case as it is, and needs no other layer than its native one."""

    name = ORACLE
    is_oracle = True
    padding_modes = PADDING_MODES
    windows = WINDOWS

    def version(self) -> str:
        """Return NumPy's version."""
        return np.__version__

    def backend(self) -> str | None:
        """Return the core's own version."""
        own = installed_version("convparity")
        return f"convmm {own}" if own else "convmm"

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        """Return the core's function with the case's own arguments."""
        arguments: dict[str, Any] = {
            "stride": case.stride,
            "padding": case.padding,
            "dilation": case.dilation,
            "groups": case.groups,
        }
        if case.padding_mode != ZEROS:
            arguments["padding_mode"] = case.padding_mode
        if case.transposed:
            arguments["output_padding"] = case.output_padding
        call = layer("functools.partial", Name(f"convmm.{case.op}"), **arguments)
        return [Spelling("native", call, meaning=case)]

    def mode(self, case: Case) -> Mode:
        """Return that half types are summed up in float32 and rounded once."""
        return accumulated_in_float32(case.dtype)

    def unfolds(self, case: Case) -> bool:  # noqa: ARG002 - part of the role
        """Return False: the core computes in tiles."""
        return False

    def pin(self, threads: int) -> dict[str, Any]:
        """Set the core's threads; nothing else changes its numbers, and these do not either."""
        convmm.set_threads(threads)
        return {"threads": convmm.get_threads()}

    def differentiating(self, dtype: str) -> Script:
        """Call the core's gradients of the function."""
        name, imports = numpy_name(dtype)
        return Script(
            ("convmm", *imports),
            f"""\
dy, x, kernel, *bias = (array.astype({name}) for array in (dy, x, *converted))
operation = layer.func.__name__[:-2]
by_input = getattr(convmm, f"{{operation}}_input_grad")(dy, kernel, x.shape[2:], **layer.keywords)
by_kernel = getattr(convmm, f"{{operation}}_weight_grad")(x, dy, kernel.shape[2:], **layer.keywords)
sums = dy.astype("float64").sum(axis=(0, *range(2, dy.ndim))).astype({name})
gradients = [each.astype("float64") for each in (by_input, by_kernel, *(sums for _ in bias))]
dy, x = dy.astype("float64"), x.astype("float64")""",
        )

    def why_no_gradients(self) -> None:
        """Return None: the core has gradients."""

    def backward(
        self, layer: functools.partial[Array], weights: Sequence[Array], x: Array, dy: Array
    ) -> tuple[Array, list[Array]]:
        """Call the core's gradients of the function, with its arguments."""
        kernel, *bias = weights
        operation = layer.func.__name__[:-2]  # conv or conv_transpose
        by_input = getattr(convmm, f"{operation}_input_grad")(dy, kernel, x.shape[2:], **layer.keywords)
        by_kernel = getattr(convmm, f"{operation}_weight_grad")(x, dy, kernel.shape[2:], **layer.keywords)
        sums = dy.astype(np.float64).sum(axis=(0, *range(2, dy.ndim)))
        return by_input, [by_kernel, *(sums.astype(dy.dtype) for _ in bias)]
