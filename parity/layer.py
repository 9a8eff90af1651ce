"""A call as data: what is printed as code is what is run."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True, repr=False)
class Name:
    """A dotted name among a call's arguments, such as ``torch.float64`` or a local ``x``."""

    path: str

    def __repr__(self) -> str:
        """The name as code."""
        return self.path


@dataclass(frozen=True, repr=False)
class Layer:
    """A call of a class or function by its dotted path, with its arguments in order.

    Attributes:
        path: "torch.nn.Conv2d": the module, and the attributes in it.
        positional: arguments without a name; they may be calls themselves, or lists of calls.
        keywords: arguments with a name, as pairs.
    """

    path: str
    positional: tuple[Any, ...] = ()
    keywords: tuple[tuple[str, Any], ...] = ()

    def __repr__(self) -> str:
        """The call as Python code."""
        arguments = [repr(value) for value in self.positional]
        arguments += [f"{name}={value!r}" for name, value in self.keywords]
        return f"{self.path}({', '.join(arguments)})"

    def call(self, **local: object) -> Any:  # noqa: ANN401 - whatever the called returns
        """Make the call; ``local`` gives the values of the names that are not imported."""
        return self.call_with(resolve(self.path), **local)

    def call_with(self, function: Callable[..., Any], **local: object) -> Any:  # noqa: ANN401 - as above
        """Make the call on this function, whose path is not to be imported."""
        arguments = [_value(value, local) for value in self.positional]
        keywords = {name: _value(value, local) for name, value in self.keywords}
        return function(*arguments, **keywords)


def layer(path: str, *positional: object, **keywords: object) -> Layer:
    """A :class:`Layer`, written like the call that it is."""
    return Layer(path, positional, tuple(keywords.items()))


@functools.cache
def resolve(path: str) -> Any:  # noqa: ANN401 - any importable object
    """The object that a dotted path names; its first part that is a module is imported.

    Raises:
        ImportError: there is no such module.
        AttributeError: the module has no such attribute.
    """
    module, _, rest = path.partition(".")
    found: Any = import_module(module)
    for part in rest.split("."):
        if not hasattr(found, part):
            import_module(f"{found.__name__}.{part}")
        found = getattr(found, part)
    return found


def _value(value: object, local: dict[str, object]) -> object:
    """An argument's value: names looked up, inner calls made."""
    if isinstance(value, Name):
        return local[value.path] if value.path in local else resolve(value.path)
    if isinstance(value, Layer):
        return value.call(**local)
    return [_value(item, local) for item in value] if isinstance(value, list) else value
