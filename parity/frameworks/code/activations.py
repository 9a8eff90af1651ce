"""Layers that apply a function to each element, as one table for reading and writing a framework's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from convmm.geometry import shown
from parity.frameworks.code.expression import Bound
from parity.frameworks.code.layer import Layer
from parity.frameworks.code.steps import Activation


@dataclass(frozen=True)
class Argument:
    """An argument of an activation's class.

    Attributes:
        name: in the framework.
        default: what it is where it is not given.
        parameter: of :class:`Activation`; None for one that has to keep its default.
        values: the framework's value for each of the parameter's, where it is no number.
    """

    name: str
    default: Any
    parameter: str | None = None
    values: Mapping[Any, Any] | None = None


@dataclass(frozen=True)
class Form:
    """What a framework's class of an activation computes.

    Attributes:
        name: of the :class:`Activation`.
        arguments: in the order of the class.
        constants: parameters that the class has by its name.
        ignored: arguments, after the others, that change no value.
    """

    name: str
    arguments: tuple[Argument, ...] = ()
    constants: Mapping[str, float | bool] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Those of all arguments."""
        return (*(each.name for each in self.arguments), *self.ignored)

    def read(self, bound: Bound) -> Activation:
        """Return what a call of the class computes.

        Raises:
            ExpressionError: a value that is no number, or not read.
        """
        found = dict(self.constants)
        for each in self.arguments:
            if each.values is not None:
                given = bound.choice(each.name, tuple(each.values.values()), each.default)
                value = next(ours for ours, theirs in each.values.items() if theirs == given)
            else:
                value = number(bound, each.name, each.default)
            if each.parameter is not None:
                found[each.parameter] = value
            elif value != each.default:
                raise bound.refuse(each.name, f"{each.name}={shown(value)}: allowed is {each.default!r}")
        return activation(self.name, **found)

    def write(self, path: str, step: Activation) -> Layer | None:
        """Return the call that computes this, or None where the class does not."""
        wanted = dict(step.parameters)
        if step.name != self.name or any(wanted.get(name) != value for name, value in self.constants.items()):
            return None
        taken = [each for each in self.arguments if each.parameter is not None]
        if wanted.keys() != {*self.constants, *(each.parameter for each in taken)}:
            return None
        return Layer(path, (), tuple((each.name, _given(each, wanted)) for each in taken))


def activation(name: str, **parameters: float | bool) -> Activation:
    """Make the step of this name and these parameters, equal ones equal."""
    return Activation(name, tuple(sorted(parameters.items())))


def written(forms: Mapping[str, Form], module: str, step: Activation) -> Layer | None:
    """Return the call of the first of a module's classes that computes a step, or None."""
    calls: Iterable[Layer | None] = (form.write(f"{module}.{name}", step) for name, form in forms.items())
    return next((call for call in calls if call is not None), None)


def number(bound: Bound, name: str, default: float) -> float:
    """Return one finite number.

    Raises:
        ExpressionError: it is none.
    """
    value = bound.value(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise bound.refuse(name, f"{name}={shown(value)}: allowed is a finite number")
    return float(value)


def _given(argument: Argument, wanted: Mapping[str, Any]) -> Any:
    value = wanted[str(argument.parameter)]
    return value if argument.values is None else argument.values[value]
