"""What a route has made of a layer, with what it warned of meanwhile: who keeps it has both."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Generic, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True)
class Told(Generic[T]):
    """Something made, and the warnings that its making gave.

    Attributes:
        made: it.
        warned: the warnings.
    """

    made: T
    warned: Sequence[warnings.WarningMessage] = ()

    def again(self) -> T:
        """Return it, and warn as when it was made."""
        for each in self.warned:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
        return self.made


def telling(make: Callable[P, T]) -> Callable[P, Told[T]]:
    """Have a function return what it makes with its warnings in the place of giving them.

    Where it raises, it gives them.
    """

    @wraps(make)
    def told(*args: P.args, **kwargs: P.kwargs) -> Told[T]:
        caught: Sequence[warnings.WarningMessage] = ()
        try:
            with warnings.catch_warnings(record=True) as caught:
                return Told(make(*args, **kwargs), caught)
        except BaseException:
            Told(None, caught).again()
            raise

    return told
