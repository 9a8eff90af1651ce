"""The route "export": ``torch.export``, whose program PyTorch runs itself."""

from __future__ import annotations

from typing import Any

from parity.frameworks.routes.stages import stage
from parity.frameworks.routes.way import Code, Way


class Export(Way):
    """``torch.export.export(layer, (x,)).module()``."""

    stages = ("Export", "Call")

    def run(self, layer: Any, given: Any) -> Any:
        """Export the module for the tensor that it is then called on."""
        import torch  # noqa: PLC0415 - imported when first used

        with stage("Export"):
            program = torch.export.export(layer, (given,))
        with stage("Load"):
            module = program.module()
        with stage("Call"):
            return module(given)

    def code(self) -> Code:
        """Return the export."""
        return Code(call="torch.export.export(layer, (given,)).module()(given)")
