"""Check whether convolution layers of several frameworks compute the same thing, and say why not.

Everything public is listed here. The names are imported when they are first used: pytest loads this package
in every run, whether or not a test asks for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from parity import models, testing
    from parity.cases.case import Case, CaseError
    from parity.frameworks.signature import with_torch_signature
    from parity.frameworks.table import FrameworkError
    from parity.records.result import CaseResult, Result
    from parity.running import run
    from parity.translation.translator import translate

__all__ = [
    "Case",
    "CaseError",
    "CaseResult",
    "FrameworkError",
    "Result",
    "models",
    "run",
    "testing",
    "translate",
    "with_torch_signature",
]

_HOMES = {
    "Case": "parity.cases.case",
    "CaseError": "parity.cases.case",
    "CaseResult": "parity.records.result",
    "FrameworkError": "parity.frameworks.table",
    "Result": "parity.records.result",
    "run": "parity.running",
    "translate": "parity.translation.translator",
    "with_torch_signature": "parity.frameworks.signature",
}
"""The module of each public class and function."""

_MODULES = ("models", "strategies", "testing")
"""The public modules; ``strategies`` needs Hypothesis (extra ``testing``), so that ``*`` leaves it out."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a class, a function or a module
    """Import a public name where it is first used (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - it takes longer than all else that is here

        return version("convparity")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return sorted({*_HOMES, *_MODULES})
