"""A framework that takes its time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import convmm
from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.frameworks.code.layer import Name, layer
from parity.frameworks.interface import Framework
from parity.frameworks.spelling import Spelling, Unsupported


@dataclass(frozen=True)
class Slow(Framework):
    """Convolutions that take as many seconds as the case's seed.

    Attributes:
        loading: seconds that its import takes.
    """

    loading: float = 0
    name = "slow"

    def load(self) -> None:
        time.sleep(self.loading)

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        return [Spelling("native", layer("functools.partial", Name("time.sleep"), case.seed), meaning=case)]

    def call(self, layer: Any, weights: Sequence[Array], x: Array) -> Array:  # noqa: ANN401 - as there
        layer()
        return convmm.conv(x, *weights)
