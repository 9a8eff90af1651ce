"""Results made by hand."""

from __future__ import annotations

from typing import Any

from parity.records.result import Result


def result_of(
    framework: str,
    spelling: str,
    layer: str | None,
    status: str,
    **more: Any,  # noqa: ANN401 - any of its fields
) -> Result:
    """A result of these, all else as it is by default."""
    return Result(framework=framework, spelling=spelling, layer=layer, status=status, **more)
