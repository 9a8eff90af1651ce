"""A call as data: what is printed as code is what is run."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from importlib import import_module
from operator import attrgetter
from typing import Any


@dataclass(frozen=True, repr=False)
class Name:
    """A name among a call's arguments.

    Attributes:
        path: dotted and importable, such as "torch.float64", unless there is a value; as of a :class:`Layer`.
        value: what the name stands for, where it is not imported.
    """

    path: str
    value: object = None

    def __repr__(self) -> str:
        """Return the name as code."""
        return _dotted(self.path)


@dataclass(frozen=True, repr=False)
class Layer:
    """A call of a class or function by its dotted path, with its arguments in order.

    Attributes:
        path: "torch.nn.Conv2d": the module to import, "torch", and the attributes in it. A colon follows a
            module that its package does not import by itself: "package.module:Class".
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
        return f"{_dotted(self.path)}({', '.join(arguments)})"

    @property
    def imports(self) -> tuple[str, ...]:
        """The modules that the call needs."""
        return tuple(dict.fromkeys((_split(self.path)[0], *self.imports_of_arguments)))

    @property
    def imports_of_arguments(self) -> tuple[str, ...]:
        """The modules that the call's arguments need."""
        inner = _flat([*self.positional, *dict(self.keywords).values()])
        names = [value for value in inner if isinstance(value, Name) and value.value is None]
        deeper = [module for value in inner if isinstance(value, Layer) for module in value.imports]
        return (*(_split(name.path)[0] for name in names), *deeper)

    @property
    def statements(self) -> str:
        """The statement that leaves the layer under the name ``layer``."""
        return f"layer = {self!r}"

    def call(self) -> Any:
        """Make the call."""
        return resolve(self.path)(*self._positional(), **self._keywords())

    def _positional(self) -> list[Any]:
        return [_value(value) for value in self.positional]

    def _keywords(self) -> dict[str, Any]:
        return {name: _value(value) for name, value in self.keywords}


@dataclass(frozen=True, repr=False)
class Method(Layer):
    """A call of a method of what another call returns; ``path`` is the method's name.

    Attributes:
        of: the other call.
    """

    of: Layer = field(kw_only=True)

    def __repr__(self) -> str:
        """Return both calls as Python code."""
        return f"{self.of!r}.{super().__repr__()}"

    @property
    def imports(self) -> tuple[str, ...]:
        """The modules that both calls need."""
        return tuple(dict.fromkeys((*self.of.imports, *self.imports_of_arguments)))

    def call(self) -> Any:
        """Make both calls."""
        return getattr(self.of.call(), self.path)(*self._positional(), **self._keywords())


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
    """Return the object that a path names, after the one import that is printed for it.

    Raises:
        ImportError: there is no such module.
        AttributeError: the module has no such attribute.
    """
    module, attributes = _split(path)
    return attrgetter(attributes)(import_module(module))


def _split(path: str) -> tuple[str, str]:
    """Split a path into the module to import, and the attributes in it."""
    module, _, attributes = path.partition(":" if ":" in path else ".")
    return module, attributes


def _dotted(path: str) -> str:
    return path.replace(":", ".")


def _flat(values: list[object]) -> list[object]:
    return [item for value in values for item in (value if isinstance(value, list) else [value])]


def _value(value: object) -> object:
    """Return an argument's value: names looked up, inner calls made."""
    if isinstance(value, Name):
        return resolve(value.path) if value.value is None else value.value
    if isinstance(value, Layer):
        return value.call()
    return [_value(item) for item in value] if isinstance(value, list) else value
