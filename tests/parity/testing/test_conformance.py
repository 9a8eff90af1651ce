"""The conformance kit: it accepts what is right, and each way to be wrong fails by its name."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import pytest

from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.frameworks.code.layer import layer
from parity.frameworks.interface import Framework
from parity.frameworks.numpy import NumPy
from parity.frameworks.spelling import Spelling, Unsupported
from parity.frameworks.table import FrameworkError
from parity.testing import check_framework


@dataclass(frozen=True)
class Right(NumPy):
    """The core under another name, so that it is compared."""

    name = "right"
    is_oracle = False

    def changed(self, case: Case, **changes: Any) -> list[Spelling]:  # noqa: ANN401 - of any field
        """Its layers for a case, with changes."""
        return [replace(each, **changes) for each in super().spell(case) if isinstance(each, Spelling)]


class Nameless(Right):
    name = "two words"


class Absent(Right):
    def why_unavailable(self) -> str:
        return "needs something"


class Unequal(Right):
    __eq__ = object.__eq__
    __hash__ = object.__hash__


class Exact(Right):
    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        return [*self.changed(case, kind="exact")]


class Twice(Right):
    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        return 2 * super().spell(case)


class Lying(Right):
    """Says that a lookalike is what the case itself is."""

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        return [*super().spell(case), *self.changed(case, kind="lookalike")]


class Fickle(Right):
    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        return [*self.changed(case, layer=layer("builtins.object", object()))]


class Shifted(Right):
    """Computes another window than it says."""

    def call(self, layer: functools.partial[Array], weights: Sequence[Array], x: Array) -> Array:
        return super().call(layer, weights, x)[..., ::-1].copy()


class Refusing(Right):
    def call(self, layer: functools.partial[Array], weights: Sequence[Array], x: Array) -> Array:
        if x.shape[0] > 1:
            raise ValueError("one sample is enough")
        return super().call(layer, weights, x)


class Idle(Right):
    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        del case
        return [Unsupported("it has nothing")]


class Eager(Right):
    """Imports what its layers import while it says them."""

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        import_module("turtledemo")  # which nobody else imports
        return [*self.changed(case, layer=layer("turtledemo:__name__"))]


class Narrow(Right):
    """Has layers of one operation in one dtype alone, so that hardly any case drawn at random is one."""

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        if (case.op, case.dtype) == ("conv_transpose3d", "float32"):
            return super().spell(case)
        return [Unsupported("it has no such layer")]


def test_what_is_right_is_accepted() -> None:
    check_framework(Right(), cases=60)


def test_half_of_the_cases_are_some_that_it_has_layers_for() -> None:
    check_framework(Narrow(), cases=5)


@pytest.mark.parametrize(
    ("framework", "said"),
    [
        (Nameless(), "name='two words'"),
        (Unequal(), "what another process makes of it is not equal to it"),
        (Exact(), "its first layer is exact"),
        (Twice(), r"2 layers are \('native', ''\)"),
        (Lying(), "a layer that is lookalike computes"),
        (Fickle(), "its layers are others when it is asked again"),
        (Eager(), "to say its layers it imports turtledemo"),
        (Shifted(), "results are not what was predicted"),
        (Refusing(), "it raised, and its rules do not say that it would"),
        (Idle(), "it computed none that can be compared"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Framework) else "",
)
def test_what_is_wrong_fails_by_its_name(framework: Framework, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        check_framework(framework, cases=40)


def test_what_cannot_be_used_is_not_a_failure_but_an_error() -> None:
    with pytest.raises(FrameworkError, match="framework 'right' needs something"):
        check_framework(Absent())
    with pytest.raises(FrameworkError, match=r"allowed is a parity\.frameworks\.interface\.Framework"):
        check_framework(object())  # type: ignore[arg-type]
