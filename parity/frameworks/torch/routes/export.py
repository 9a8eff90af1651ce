"""The route "export": ``torch.export``, whose program PyTorch runs itself."""

from __future__ import annotations

import functools
from typing import Any

from parity.frameworks.routes.stages import stage
from parity.frameworks.routes.told import telling
from parity.frameworks.routes.way import Code, Way

_KEPT = 256
"""Exported modules that a process keeps."""


class Export(Way):
    """``torch.export.export(layer, (x,)).module()``."""

    stages = ("Export", "Call")

    def run(self, layer: Any, given: Any) -> Any:
        """Export the module for the tensor that it is then called on."""
        of = tuple((name, getattr(given, name)) for name in ("dtype", "device", "requires_grad"))
        module = _exported(layer, given.shape, given.stride(), of).again()
        with stage("Call"):
            return module(given)

    def code(self) -> Code:
        """Return the export."""
        return Code(call="torch.export.export(layer, (given,)).module()(given)")


@functools.lru_cache(maxsize=_KEPT)
@telling
def _exported(layer: Any, shape: Any, strides: Any, of: Any) -> Any:
    """Return what the module, this very one, is exported to; it has the module's own parameters.

    Args:
        layer: the module.
        shape: of the tensors that it is for.
        strides: of them.
        of: what else they are, as pairs of a keyword of ``torch.empty_strided`` and its value.

    Raises:
        RouteError: it was refused; the class says where.
    """
    import torch  # noqa: PLC0415 - imported when first used

    with stage("Export"):
        program = torch.export.export(layer, (torch.empty_strided(shape, strides, **dict(of)),))
    with stage("Load"):
        return program.module()
