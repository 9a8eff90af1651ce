"""Cases whose padding holds elements of the input, and the same made of zeros around a longer input."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np

from convmm.geometry import BorderMode
from parity import strategies
from parity.cases.arrays import Arrays
from parity.cases.case import Case
from parity.cases.selection import Bounds
from tests.support.strategies import changed

FILLED: tuple[BorderMode, ...] = ("reflect", "replicate", "circular")

WAYS: dict[str, Any] = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""The way of ``np.pad`` that each mode is."""


def filled_cases(
    dtypes: tuple[str, ...] = ("float32",),
    values: tuple[str, ...] = ("integers",),
    modes: tuple[str, ...] = FILLED,
    **bounds: Any,  # noqa: ANN401 - those of Bounds
) -> st.SearchStrategy[Case]:
    """Convolutions with padding of these modes, of any width."""
    own: Bounds = {"padding_kinds": ("symmetric", "pairs", "same"), **bounds}  # type: ignore[typeddict-item] # they are
    return strategies.conv_cases(dtypes=dtypes, values=values, padding_modes=modes, **own)


def longer(case: Case, arrays: Arrays) -> tuple[Case, Arrays]:
    """The case without padding, on the input that ``np.pad`` has made longer."""
    pads = case.explicit["padding"]
    x = np.pad(arrays.x, [(0, 0), (0, 0), *pads], WAYS[case.padding_mode])
    return changed(case, input=x.shape, padding=0, padding_mode="zeros"), arrays._replace(x=x)
