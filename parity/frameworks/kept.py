"""Layers that a process has made, kept to be called again: to make one takes longer than to call it."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Any

from parity.frameworks.code.layer import Layer, Made
from parity.frameworks.interface import Framework
from parity.frameworks.task import Answer, Task, perform

_MOST = 2048
"""Layers that a process keeps: each of Keras's has some 50 kB."""

_MOST_BYTES = 2**27
"""Of the weights that they have."""


@dataclass(frozen=True)
class _One:
    """A layer, the bytes of its weights, and what it warned of when it was made and first called."""

    layer: Any
    nbytes: int
    warned: frozenset[str]


@dataclass
class Kept:
    """The layers of one framework that have answered, by their text and input channels.

    A layer that is called again is given its weights anew, as each is; its framework says whether that makes
    it a new one (:attr:`parity.frameworks.interface.Runs.keeps`), and which layer of a chain may stand in
    another one, too. If it raises, a new one is asked: where that raises as well, what is recorded is what it
    says. So is one asked where a layer warns of less than when it was made: its making may have warned.

    Attributes:
        most: layers to keep; those that were not called for longest go first.
        most_bytes: of their weights.
    """

    most: int = _MOST
    most_bytes: int = _MOST_BYTES
    _layers: OrderedDict[Hashable, _One] = field(default_factory=OrderedDict)
    _nbytes: int = 0

    def perform(self, found: Framework, task: Task) -> Answer:
        """Perform a task as :func:`parity.frameworks.task.perform`, with a kept layer where there is one."""
        if task.fresh or not found.keeps or isinstance(task.layer, Made):
            return perform(found, task)
        key = _key(found, task)
        kept, refused = self._taken(key), None
        if kept is not None:
            answer = perform(found, task, lambda: _whole(found, task, kept.layer))
            if answer.ending != "ok":
                refused = replace(answer, again=True)
            elif kept.warned.issubset(answer.warnings):
                self._keep(key, kept, found, task)
                return replace(answer, again=True)
        made: list[Any] = []

        def make() -> Any:
            made.append(_unit(found, task).call())
            return _whole(found, task, made[0])

        answer = perform(found, task, make)
        if answer.ending != "ok":
            return answer
        nbytes = sum(each.nbytes for each in task.arrays.weights)
        self._keep(key, _One(made[0], nbytes, frozenset(answer.warnings)), found, task)
        return refused or answer

    def forget(self, found: Framework, task: Task) -> None:
        """Make the layer of a task anew the next time."""
        self._taken(_key(found, task))

    def _taken(self, key: Hashable) -> _One | None:
        one = self._layers.pop(key, None)
        self._nbytes -= one.nbytes if one else 0
        return one

    def _keep(self, key: Hashable, one: _One, found: Framework, task: Task) -> None:
        """Keep a layer that has computed."""
        if _unit(found, task) is not task.layer:
            found.detach(one.layer)
        self._layers[key] = one
        self._nbytes += one.nbytes
        while len(self._layers) > self.most or self._nbytes > self.most_bytes:
            _, gone = self._layers.popitem(last=False)
            self._nbytes -= gone.nbytes


def place(found: Framework, task: Task) -> int:
    """Return a number that is the same for all tasks of a layer, in every process."""
    return zlib.crc32(repr(_key(found, task)).encode())


def _unit(found: Framework, task: Task) -> Any:
    """Return what of a task is kept: its layer, or of a chain the one that may stand in others."""
    return found.part(task.layer) if isinstance(task.layer, Layer) else task.layer


def _key(found: Framework, task: Task) -> Hashable:
    return repr(_unit(found, task)), task.arrays.x.shape[1]


def _whole(found: Framework, task: Task, made: Any) -> Any:
    """Make the chain that a layer stands in; a layer by itself is all there is."""
    unit, layer = _unit(found, task), task.layer
    if unit is layer or not isinstance(layer, Layer):
        return made
    there = Made(repr(unit), value=made)
    arguments = [
        [there if each is unit else each for each in value] if isinstance(value, list) else value
        for value in layer.positional
    ]
    return replace(layer, positional=tuple(arguments)).call()
