"""A model's run, kept for tests."""

from __future__ import annotations

import numpy as np

import convmm
from parity.cases.arrays import Array
from parity.frameworks.model import Use
from parity.models.given import open_model


class Watched(list[tuple[Use, Array, Array]]):
    """The calls of a model, with what they were given and gave.

    Attributes:
        model: the model, open.
        unread: what could not be read of it.
    """

    def __init__(self, model: object, *inputs: Array) -> None:
        super().__init__()
        self.model = open_model(model)
        self.unread = self.model.run(inputs, self._keep).unread

    def _keep(self, use: Use, x: Array, y: Array) -> None:
        self.append((use, x.copy(), y.copy()))

    @property
    def names(self) -> list[str]:
        """The layers' names."""
        return [use.name for use, _, _ in self]


def check(found: Watched) -> None:
    """Check that each call is computed again alike, and that convmm gives the same of what is read of it."""
    assert found
    for use, x, y in found:
        assert use.case.output_shape == y.shape
        assert np.allclose(use.again(x), y, rtol=0, atol=1e-6 * np.abs(y).max())
        kind = convmm.conv_transpose if use.case.transposed else convmm.conv
        core = kind(x, use.kernel, use.bias, **use.case.explicit)
        assert np.abs(core - y).max() <= 1e-5 * np.abs(core).max()
