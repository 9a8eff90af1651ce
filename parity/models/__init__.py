"""Whole models: the convolutions that they call, what each is elsewhere, and where two models part.

The functions are imported when they are first used.
"""

from importlib import import_module
from typing import Any

_HOMES: dict[str, str] = {
    "compare": "parity.models.comparison.comparing",
    "layers": "parity.models.listing",
    "port": "parity.models.porting",
}
"""The module of each public function."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a function
    """Import a public name where it is first used (PEP 562)."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(_HOMES)
