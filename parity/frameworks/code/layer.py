"""A call as data: what is printed as code is what is run."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True, repr=False)
class Name:
    """A name among a call's arguments.

    Attributes:
        path: as it is printed; dotted and importable, such as "torch.float64", unless there is a value.
        value: what the name stands for, where it is not imported.
    """

    path: str
    value: object = None

    def __repr__(self) -> str:
        """Return the name as code."""
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
        """Return the call as Python code."""
        arguments = [repr(value) for value in self.positional]
        arguments += [f"{name}={value!r}" for name, value in self.keywords]
        return f"{self.path}({', '.join(arguments)})"

    @property
    def imports(self) -> tuple[str, ...]:
        """The modules that the call needs."""
        inner = _flat([*self.positional, *dict(self.keywords).values()])
        paths = [value.path for value in inner if isinstance(value, Name) and value.value is None]
        deeper = [module for value in inner if isinstance(value, Layer) for module in value.imports]
        return tuple(dict.fromkeys([path.partition(".")[0] for path in (self.path, *paths)] + deeper))

    @property
    def statements(self) -> str:
        """The statement that leaves the layer under the name ``layer``."""
        return f"layer = {self!r}"

    def call(self) -> Any:
        """Make the call."""
        keywords = {name: _value(value) for name, value in self.keywords}
        return resolve(self.path)(*map(_value, self.positional), **keywords)


@dataclass(frozen=True, repr=False)
class Made(Layer):
    """A layer that is there already; ``path`` is how it is printed.

    Attributes:
        value: the layer itself.
    """

    value: Any = None

    def __repr__(self) -> str:
        """Return it as it is printed."""
        return self.path

    def call(self) -> Any:
        """Return the layer itself."""
        return self.value


def layer(path: str, *positional: object, **keywords: object) -> Layer:
    """Make a :class:`Layer`, written like the call that it is."""
    return Layer(path, positional, tuple(keywords.items()))


@functools.cache
def resolve(path: str) -> Any:
    """Return the object that a dotted path names; its first part that is a module is imported.

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


def _flat(values: list[object]) -> list[object]:
    return [item for value in values for item in (value if isinstance(value, list) else [value])]


def _value(value: object) -> object:
    """Return an argument's value: names looked up, inner calls made."""
    if isinstance(value, Name):
        return resolve(value.path) if value.value is None else value.value
    if isinstance(value, Layer):
        return value.call()
    return [_value(item) for item in value] if isinstance(value, list) else value
