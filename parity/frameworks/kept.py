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


@dataclass
class Kept:
    """The layers of one framework that have answered without a word, by their text and input channels.

    A layer that is called again is given its weights anew, as each is; its framework says whether that makes
    it a new one (:attr:`parity.frameworks.interface.Runs.keeps`), and which layer of a chain may stand in
    another one, too. If it raises, a new one is asked: where that raises as well, what is recorded is what it
    says. One that warns is kept no longer: a new one may warn of more.

    Attributes:
        most: layers to keep; those that were not called for longest go first.
        most_bytes: of their weights.
    """

    most: int = _MOST
    most_bytes: int = _MOST_BYTES
    _layers: OrderedDict[Hashable, tuple[Any, int]] = field(default_factory=OrderedDict)
    _nbytes: int = 0

    def perform(self, found: Framework, task: Task) -> Answer:
        """Perform a task as :func:`parity.frameworks.task.perform`, with a kept layer where there is one."""
        if task.fresh or not found.keeps or isinstance(task.layer, Made):
            return perform(found, task)
        key = _key(found, task)
        kept, refused = self._taken(key), None
        if kept is not None:
            answer = perform(found, task, lambda: _whole(found, task, kept))
            self._keep_silent(key, kept, found, task, answer)
            if answer.ending == "ok":
                return replace(answer, again=True)
            refused = replace(answer, again=True)
        made: list[Any] = []

        def make() -> Any:
            made.append(_unit(found, task).call())
            return _whole(found, task, made[0])

        answer = perform(found, task, make)
        if made:
            self._keep_silent(key, made[0], found, task, answer)
        return refused if refused is not None and answer.ending == "ok" else answer

    def forget(self, found: Framework, task: Task) -> None:
        """Make the layer of a task anew the next time."""
        self._taken(_key(found, task))

    def _taken(self, key: Hashable) -> Any | None:
        layer, nbytes = self._layers.pop(key, (None, 0))
        self._nbytes -= nbytes
        return layer

    def _keep_silent(self, key: Hashable, layer: Any, found: Framework, task: Task, answer: Answer) -> None:
        """Keep a layer that computed and warned of nothing."""
        if answer.ending != "ok" or answer.warnings:
            return
        if _unit(found, task) is not task.layer:
            found.detach(layer)
        nbytes = sum(each.nbytes for each in task.arrays.weights)
        self._layers[key] = layer, nbytes
        self._nbytes += nbytes
        while len(self._layers) > self.most or self._nbytes > self.most_bytes:
            _, (_, freed) = self._layers.popitem(last=False)
            self._nbytes -= freed


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
