"""The NumPy core itself, in the case's own dtype: the one adapter that calls convmm."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

import convmm  # noqa: F401 - named in the layers
from parity.case import Case
from parity.distributions import installed_version
from parity.layer import Name, layer
from parity.spelling import Spelling, Unsupported
from parity.values import Array, Arrays

NAME = "numpy"
EXTRA = None


def missing() -> str | None:
    """Nothing: NumPy is always there."""
    return None


def version() -> str:
    """NumPy's version."""
    return np.__version__


def backend() -> str | None:
    """The core's own version."""
    own = installed_version("convparity")
    return f"convmm {own}" if own else "convmm"


def spell(case: Case) -> list[Spelling | Unsupported]:
    """The core takes every case as it is."""
    arguments: dict[str, Any] = {
        "stride": case.stride,
        "padding": case.padding,
        "dilation": case.dilation,
        "groups": case.groups,
    }
    if case.transposed:
        arguments["output_padding"] = case.output_padding
    operands = [Name("x"), Name("w"), *([Name("bias")] if case.bias else [])]
    return [Spelling("native", layer(f"convmm.{case.op}", *operands, **arguments), meaning=case)]


def compute(spelling: Spelling, arrays: Arrays) -> Array:
    """Call the core's function."""
    return cast("Array", spelling.layer.call(**arrays._asdict()))
