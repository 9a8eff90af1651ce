"""The route "tf32": float32 operands rounded to TF32, as NVIDIA's tensor cores take them; for @cuda alone."""

from __future__ import annotations

from typing import Any

from parity.cases.case import Case
from parity.frameworks.devices import CUDA
from parity.frameworks.precision import TF32 as MODE
from parity.frameworks.precision import Mode
from parity.frameworks.routes.way import Way


class TF32(Way):
    """``torch.backends.cudnn.allow_tf32``, which is on by default, and off on every other route."""

    device = CUDA

    def mode(self, case: Case, otherwise: Mode) -> Mode:
        """Return TF32 for float32; other dtypes are computed as without it."""
        return MODE if case.dtype == "float32" else otherwise

    def pin(self, threads: int) -> dict[str, Any]:  # noqa: ARG002 - torch has set them
        """Allow it to cuDNN."""
        import torch  # noqa: PLC0415 - imported when first used

        torch.backends.cudnn.allow_tf32 = True
        return {"cudnn.allow_tf32": torch.backends.cudnn.allow_tf32}
