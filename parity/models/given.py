"""What is given as a model: an object, the name of one in a module, or a file."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

from convmm.geometry import shorten, shown
from parity.frameworks.attempt import attempt, describe
from parity.frameworks.model import Model, ModelError, file_error
from parity.frameworks.table import all_frameworks

_ATTRIBUTE = re.compile(r"[\w.]+:[\w.]+")


def open_model(model: object) -> Model:
    """Open a model in this process.

    Args:
        model: a model of a framework, a function without arguments that makes one, "module:attribute" of
            either, or the path of a file that a framework reads.

    Raises:
        ModelError: there is none, its framework is not installed, or it cannot be opened.
    """
    if isinstance(model, Path) or (isinstance(model, str) and not _ATTRIBUTE.fullmatch(model)):
        return _from_file(Path(model))
    return _owned(_named(model)) if isinstance(model, str) else _owned(model)


def _from_file(path: Path) -> Model:
    suffix = path.suffix.lower()
    fitting = [found for found in all_frameworks() if suffix in found.model_files]
    if not fitting:
        known = dict.fromkeys(each for found in all_frameworks() for each in found.model_files)
        raise ModelError(
            f"model {shown(str(path))}: allowed are module:attribute, and files that end in "
            f"{', '.join(sorted(known))}"
        )
    if not path.is_file():
        raise file_error(path, "there is no such file")
    usable = next((found for found in fitting if found.why_unavailable() is None), None)
    if usable is None:
        raise file_error(path, f"{fitting[0].name} {fitting[0].why_unavailable()}")
    return usable.open_model(path)


def _named(text: str) -> object:
    """Import what "module:attribute" names; modules of the working folder are found too."""
    module, _, attribute = text.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    found, _warnings = attempt(lambda: attrgetter(attribute)(import_module(module)))
    if isinstance(found, BaseException):
        raise ModelError(f"model {shown(text)} cannot be imported: {describe(found)}") from found
    return found


def _owned(thing: object) -> Model:
    made = thing
    if _owner(made) is None and callable(thing):
        made, _warnings = attempt(thing)
        if isinstance(made, BaseException):
            raise ModelError(
                f"model {name_of(thing)}: called without arguments it raised {describe(made)}"
            ) from made
    owner = _owner(made)
    if owner is None:
        raise ModelError(
            f"model {name_of(thing)}: allowed is a model of a framework, or a function without arguments "
            f"that makes one, and this is {_article(made)}"
        )
    missing = owner.why_unavailable()
    if missing is not None:
        raise ModelError(f"model {name_of(thing)}: {owner.name} {missing}")
    opened: Model = owner.open_model(made)
    return opened


def _owner(thing: object) -> Any:  # noqa: ANN401 - a framework or None
    """Return whose model it is: of several the last, as Keras's on PyTorch are modules too."""
    return next((found for found in reversed(all_frameworks()) if found.owns_model(thing)), None)


def name_of(model: object) -> str:
    """Return what sentences call a model: what it was given as, or of an object its class or function."""
    if isinstance(model, str | Path):
        return shorten(str(model))
    return shorten(str(getattr(model, "__qualname__", None) or type(model).__qualname__))


def _article(thing: object) -> str:
    kind = type(thing)
    return f"of {kind.__module__}.{kind.__qualname__}"
