"""What makes one layer's input of another's is told from the two arrays."""

from __future__ import annotations

import numpy as np
import pytest

from parity.cases.arrays import Array
from parity.models.comparison.between import explain_between

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((2, 3, 6, 5))
EACH = "a factor in each channel"


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def of_channels(*numbers: float) -> Array:
    return np.array(numbers).reshape(-1, 1, 1)


THREE = of_channels(1, 2, 3)
DEAD = of_channels(1, 0, 1) * X


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        (X, 2.5 * X, "is the other's times 2.5: a rescaling"),
        (X, THREE * X, f"{EACH}, 1 to 3: a normalization"),
        (X, X + of_channels(1, 0, -0.5), f"{EACH}, 1 to 1, and -0.5 to 1 more"),
        (relu(X), relu(THREE * X + of_channels(0.01, 0, -0.02)), "1 to 3, and -0.02 to 0.01 more"),
        (relu(DEAD), 3 * relu(DEAD), "is the other's times 3: a rescaling"),
    ],
)
def test_factors_and_what_is_added_are_told_also_behind_a_relu(ours: Array, theirs: Array, said: str) -> None:
    assert said in (explain_between(ours, theirs) or "")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (X, RANDOM.standard_normal(X.shape)),
        (relu(X), relu(RANDOM.standard_normal(X.shape))),
        (relu(X), 2 * relu(X) + relu(-X - 0.1)),  # so where both are above zero, and not elsewhere
        (X[:1, :, :1, :2], X[1:, :, :1, :2]),  # two numbers a channel, which a factor and a number fit
    ],
)
def test_what_is_no_such_thing_is_told_by_nothing(ours: Array, theirs: Array) -> None:
    assert explain_between(ours, theirs) is None
