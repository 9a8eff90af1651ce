"""Where on a route a layer was refused: in the export, in the check of that, the load, or the call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Literal

Stage = Literal["Export", "Check", "Load", "Call"]

EVERYWHERE: tuple[Stage, ...] = ("Export", "Check", "Load", "Call")


class RouteError(Exception):
    """What a route raised at one of its stages.

    It is raised as a class named after the original's and the stage, "InvalidGraphInLoad", so that a record
    says where, and a rule or a known difference can ask for the one and not the other.
    """


@contextmanager
def stage(name: Stage) -> Iterator[None]:
    """Raise what is raised inside as a :class:`RouteError` of this stage, with the message that it has."""
    try:
        yield
    except RouteError:
        raise
    except Exception as error:
        named = type(in_stage(type(error).__name__, name), (RouteError,), {})
        raise named(str(error)) from error


def in_stage(error: str, stage: Stage) -> str:
    """Return the name that an error's class has at a stage."""
    return f"{error}In{stage}"


def at(stages: Iterable[Stage], *errors: str) -> tuple[str, ...]:
    """Return the names that these errors' classes have at these stages."""
    return tuple(in_stage(error, stage) for stage in stages for error in errors)
