"""For users' own tests: assertions, and the pytest plugin.

The assertions are imported when they are first used: pytest loads the plugin in this package in every run.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from parity.testing.assertions import assert_parity, assert_same_layer
    from parity.testing.conformance import check_framework
    from parity.testing.models import assert_same_model

_ROOMS = {
    "assert_parity": "assertions",
    "assert_same_layer": "assertions",
    "assert_same_model": "models",
    "check_framework": "conformance",
}

__all__ = ["assert_parity", "assert_same_layer", "assert_same_model", "check_framework"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - one of the assertions
    """Import an assertion where it is first used (PEP 562)."""
    if name in __all__:
        return getattr(import_module(f"parity.testing.{_ROOMS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
