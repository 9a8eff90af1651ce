"""Layers that a process has made, kept to be called again: to make one takes longer than to call it."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from parity.frameworks.code.layer import Made
from parity.frameworks.code.script import Program, Script
from parity.frameworks.interface import Framework
from parity.frameworks.task import Answer, Task, perform

_MOST = 4096
"""Layers and chains that a process keeps: a layer of Keras's has some 50 kB."""

_MOST_BYTES = 2**27
"""Of the weights that they have."""


class _Chain(NamedTuple):
    """Layers in turn, made of a kept one, and what they warned of when they were first called."""

    whole: Any
    warned: frozenset[str]


@dataclass
class _One:
    """A layer, and the chains that it stands in, by their texts; a layer by itself is a chain of one.

    With the bytes of its weights, and what the chain that it was made for warned of when first called.
    """

    layer: Any
    nbytes: int
    warned: frozenset[str]
    chains: dict[str, _Chain] = field(default_factory=dict)


@dataclass
class Kept:
    """The layers of one framework that have answered, by their text and input channels.

    A layer that is called again is given its weights anew, as each is; its framework says whether that makes
    it a new one (:attr:`parity.frameworks.interface.Runs.keeps`), and which layer of a chain may stand in
    another one, too. If it raises, a new one is asked: where that raises as well, what is recorded is what it
    says. So is one asked where a layer warns of less than when it was made: its making may have warned.

    Attributes:
        most: layers and chains to keep; layers that were not called for longest go first, with their chains.
        most_bytes: of the layers' weights.
    """

    most: int = _MOST
    most_bytes: int = _MOST_BYTES
    _layers: OrderedDict[Hashable, _One] = field(default_factory=OrderedDict)
    _count: int = 0
    _nbytes: int = 0

    def perform(self, found: Framework, task: Task) -> Answer:
        """Perform a task as :func:`parity.frameworks.task.perform`, with a kept layer where there is one."""
        if task.fresh or not found.keeps or isinstance(task.layer, Made):
            return perform(found, task)
        key = _key(found, task)
        kept, refused = self._taken(key), None
        made: list[Any] = []
        if kept is not None:
            chain = kept.chains.get(repr(task.layer))

            def take() -> Any:
                made.append(_whole(found, task, kept.layer) if chain is None else chain.whole)
                return made[0]

            answer = perform(found, task, take)
            if answer.ending != "ok":
                refused = replace(answer, again=True)
            elif (chain or kept).warned.issubset(answer.warnings):
                self._keep(key, kept, chain or _Chain(made[0], frozenset(answer.warnings)), found, task)
                return replace(answer, again=True)

        def make() -> Any:
            made[:] = [_unit(found, task).call()]
            made.append(_whole(found, task, made[0]))
            return made[1]

        answer = perform(found, task, make)
        if answer.ending != "ok":
            return answer
        nbytes = sum(each.nbytes for each in task.arrays.weights)
        warned = frozenset(answer.warnings)
        self._keep(key, _One(made[0], nbytes, warned), _Chain(made[1], warned), found, task)
        return refused or answer

    def forget(self, found: Framework, task: Task) -> None:
        """Make the layer of a task anew the next time."""
        self._taken(_key(found, task))

    def _taken(self, key: Hashable) -> _One | None:
        one = self._layers.pop(key, None)
        if one is not None:
            self._nbytes -= one.nbytes
            self._count -= len(one.chains)
        return one

    def _keep(self, key: Hashable, one: _One, chain: _Chain, found: Framework, task: Task) -> None:
        """Keep a layer that has computed, and the chain that it did so in."""
        if _unit(found, task) is not task.layer:
            found.detach(one.layer)
        one.chains[repr(task.layer)] = chain
        self._layers[key] = one
        self._nbytes += one.nbytes
        self._count += len(one.chains)
        while self._count > self.most or self._nbytes > self.most_bytes:
            self._taken(next(iter(self._layers)))


def place(found: Framework, task: Task) -> int:
    """Return a number that is the same for all tasks of a layer, in every process."""
    return zlib.crc32(repr(_key(found, task)).encode())


def _unit(found: Framework, task: Task) -> Any:
    """Return what of a task is kept: its layer, or of a chain the one that may stand in others."""
    return task.layer if isinstance(task.layer, Program) else found.part(task.layer)


def _key(found: Framework, task: Task) -> Hashable:
    return repr(_unit(found, task)), task.arrays.x.shape[1]


def _whole(found: Framework, task: Task, made: Any) -> Any:
    """Make the chain that a layer stands in; a layer by itself is all there is."""
    unit, layer = _unit(found, task), task.layer
    if unit is layer or isinstance(layer, Program):
        return made
    if isinstance(layer, Script):
        return layer.around(made)
    there = Made(repr(unit), value=made)
    arguments = [
        [there if each is unit else each for each in value] if isinstance(value, list) else value
        for value in layer.positional
    ]
    return replace(layer, positional=tuple(arguments)).call()
