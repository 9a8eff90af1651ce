"""Checks whether convolution layers of several frameworks compute the same thing, and says why not."""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parity.case import Case, CaseError
    from parity.run import run
    from parity.translate import translate

__all__ = ["Case", "CaseError", "run", "translate"]

_MODULES = {"Case": "case", "CaseError": "case", "run": "run", "translate": "translate"}


def _when_used(name: str) -> property:
    """The public name, also where a module that is called so is imported and would take its place."""
    return property(
        lambda _: getattr(import_module(f"parity.{_MODULES[name]}"), name), lambda _, __: None, None, name
    )


class _Package(ModuleType):
    """Imports its public names when they are used: pytest loads the plugin in every run, used or not."""


for _name in __all__:
    setattr(_Package, _name, _when_used(_name))
sys.modules[__name__].__class__ = _Package
