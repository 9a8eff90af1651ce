"""Layers that are kept and called again answer as new ones do, and what they remember is found."""

from __future__ import annotations

import gc
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakSet

import numpy as np
import pytest
from hypothesis import given

import convmm
from parity import Case
from parity.cases.arrays import Array, Arrays
from parity.cases.suites import load_suite
from parity.cases.values.drawing import draw_arrays
from parity.frameworks.code.layer import Layer, Made, layer
from parity.frameworks.code.script import AS_THEY_ARE, Script
from parity.frameworks.interface import Framework
from parity.frameworks.kept import Kept, place
from parity.frameworks.spelling import Spelling, Unsupported
from parity.frameworks.table import FrameworkError, find_framework
from parity.frameworks.task import Answer, Task, perform
from parity.records.result import Result
from parity.running import run_with
from parity.verdict.gradients import make_backward
from parity.workers.workers import Workers
from tests.support.strategies import agreeing_cases, agrees, examples, share

PLAIN = Case("conv1d", (1, 2, 6), 3, 2, bias=True)
OTHER = replace(PLAIN, input=(2, 2, 9), seed=3)


def padded(by: int) -> Case:
    """The plain case with so much padding before and after."""
    return replace(PLAIN, padding=((by, by),))


def is_here(name: str) -> bool:
    """Whether it is installed."""
    try:
        return find_framework(name).why_unavailable() is None
    except FrameworkError:
        return False


KEEPING = [name for name in ("torch", "keras", "jax+jit", "flax+jit") if is_here(name)]
"""The frameworks whose layers are kept."""


def of(answer: Answer) -> tuple[object, ...]:
    """What two answers have in common that are the same, to the bit."""
    outputs = [(each.shape, each.dtype, each.tobytes()) for each in answer.outputs]
    return answer.ending, answer.error, answer.reason, outputs


def tasks_of(found: Framework, case: Case) -> list[Task]:
    """Every layer of the case, and its gradients."""
    arrays = draw_arrays(case)
    layers = [each for each in found.spell(case) if isinstance(each, Spelling)]
    values = [Task.of(each, arrays) for each in layers if each.gives_output]
    dy = make_backward(case, arrays).dy
    return values + [Task.of(each, arrays, dy) for each in layers if dy.size and may_be_differentiated(each)]


def may_be_differentiated(layer: Spelling) -> bool:
    """Whether gradients are asked of it."""
    return layer.kind != "lookalike" and layer.no_backward is None


def check_same(kept: Kept, found: Framework, case: Case) -> int:
    """Compare a case's layers, kept ones where there are, with new ones; return how many were kept."""
    tasks = tasks_of(found, case)
    pairs = [(kept.perform(found, task), perform(found, task)) for task in tasks]
    for task, (one, new) in zip(tasks, pairs, strict=True):
        assert of(one) == of(new), task.layer
    return sum(one.again for one, _ in pairs)


@pytest.mark.parametrize("name", [each for each in KEEPING if "+" not in each])
def test_a_kept_layer_answers_as_a_new_one(name: str) -> None:
    found, kept = find_framework(name), Kept()
    found.load()
    named = [*load_suite("zoo").cases[:: share(4)], *load_suite("grid").cases[:: share(120)]]
    given = [each.case for each in named if agrees(each.case)]  # others may end this process
    assert sum(check_same(kept, found, case) for case in given) > len(given) / 3


@pytest.mark.parametrize("name", KEEPING)
def test_drawn_cases_of_kept_layers_are_answered_as_of_new_ones(name: str) -> None:
    found, kept = find_framework(name), Kept()
    found.load()
    again = []

    @given(agreeing_cases())
    @examples(40)
    def check(case: Case) -> None:
        check_same(kept, found, case)
        again.append(check_same(kept, found, replace(case, seed=case.seed + 1)))

    check()
    assert sum(again) > len(again) / 4


@pytest.mark.skipif("keras" not in KEEPING, reason="Keras is not installed")
@pytest.mark.parametrize("groups", [1, 2])
def test_chains_share_what_has_weights_and_go_with_it(groups: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found, kept = find_framework("keras"), Kept()
    keras: Any = found.load()
    there: WeakSet[Any] = WeakSet()
    make = keras.Sequential.__init__

    def counted(self: Any, *args: Any) -> None:  # noqa: ANN401 - Keras's
        make(self, *args)
        there.add(self)

    monkeypatch.setattr(keras.Sequential, "__init__", counted)
    plain = Case("conv_transpose1d", (1, 2, 6), 2, 4, stride=2, groups=groups)
    cropped = [replace(plain, padding=((by, 3),)) for by in range(2, 6)]
    exact = [each for case in cropped for each in found.spell(case) if isinstance(each, Spelling)]
    chains = [each for each in exact if "keras.Sequential" in str(each.layer)]
    assert len(chains) == 4
    answers = [kept.perform(found, Task.of(each, draw_arrays(each.meaning))) for each in chains]
    assert [each.again for each in answers] == [False, True, True, True]
    assert len(there) == 4
    for each in chains:  # also of another size
        larger = replace(each.meaning, input=(2, 2, 9))
        task = Task.of(replace(each, meaning=larger), draw_arrays(larger))
        assert kept.perform(found, task).again
        assert len(there) == 4
    kept.forget(found, Task.of(chains[0], draw_arrays(chains[0].meaning)))
    gc.collect()
    assert not there
    few, first = Kept(most=3), chains[0]
    tasks = [Task.of(each, draw_arrays(each.meaning)) for each in (*chains, first)]
    assert [few.perform(found, task).again for task in tasks] == [False, True, True, True, False]


@pytest.mark.skipif("keras" not in KEEPING, reason="Keras is not installed")
def test_a_kept_layer_refuses_what_a_new_one_does() -> None:
    """TensorFlow computes a depthwise layer of an input too small for it; Keras refuses to build one."""
    found, kept = find_framework("keras"), Kept()
    found.load()
    x, w = np.ones((1, 2, 9), np.float32), np.ones((3, 2, 1), np.float32)
    made = layer("keras.layers.DepthwiseConv1D", 3, use_bias=False)
    task = Task(made, AS_THEY_ARE, Arrays(x, w, None))
    smaller = replace(task, arrays=Arrays(x[..., :2], w, None))
    assert kept.perform(found, task).ending == "ok"
    answer, new = kept.perform(found, smaller), perform(found, smaller)
    assert of(answer) == of(new)
    assert answer.ending == "rejected"


# What is kept, and what is not


class Convolution:
    """A layer: it computes what it is told to, but for what its fault makes of it."""

    made = 0

    def __init__(self, fault: str, padding: Any) -> None:  # noqa: ANN401 - convmm's
        type(self).made += 1
        self.fault, self.padding, self.calls = fault, padding, 0
        self.weights: Sequence[Array] | None = None

    def __call__(self, weights: Sequence[Array], x: Array) -> Array:
        self.calls += 1
        again = self.calls > 1
        if self.fault == "keeps its weights":
            weights = self.weights = self.weights or weights
        if again and self.fault == "raises when called again":
            raise RuntimeError("once is enough")
        if again and self.fault == "ends when called again":
            os._exit(7)
        if self.fault == "warns" or (self.fault == "warns once" and not again):
            warnings.warn("something is odd", stacklevel=1)
        if self.fault == "prints":
            print("something", flush=True)  # noqa: T201 - as a framework may
        y: Array = convmm.conv1d(x, *weights, padding=self.padding)
        return y + np.float32(again and self.fault == "counts its calls")


class Chain:
    """A layer in a chain, the making of which may warn."""

    def __init__(self, layers: Sequence[Convolution], number: int) -> None:
        if number:
            warnings.warn(f"chain {number} is odd", stacklevel=1)
        (self._layer,) = layers

    def __call__(self, weights: Sequence[Array], x: Array) -> Array:
        return self._layer(weights, x)


@dataclass(frozen=True)
class Planted(Framework):
    """A framework whose layers have a fault, and are kept all the same."""

    fault: str = "none"
    keeps = True

    @property
    def name(self) -> str:
        """Its own."""
        return "planted"

    def version(self) -> str:
        """The only one."""
        return "1"

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        """The layer that means the case."""
        made = layer(f"{__name__}:Convolution", self.fault, padding=case.explicit["padding"])
        return [Spelling("native", made, case)]

    def part(self, layer: Layer | Script) -> Layer | Script:
        """The layer of a chain."""
        if isinstance(layer, Script) or not layer.path.endswith(":Chain"):
            return layer
        inner: Layer = layer.positional[0][0]
        return inner

    def call(self, layer: Any, weights: Sequence[Array], x: Array) -> Array:  # noqa: ANN401 - as there
        """Call it."""
        result: Array = layer(weights, x)
        return result


def native(found: Framework, case: Case) -> Task:
    """The task of its layer."""
    spelling = found.spell(case)[0]
    assert isinstance(spelling, Spelling)
    return Task.of(spelling, draw_arrays(case))


def made_in(kept: Kept, found: Framework, *given: Case) -> int:
    """How many layers are made for these cases."""
    before = Convolution.made
    for case in given:
        kept.perform(found, native(found, case))
    return Convolution.made - before


def test_layers_of_one_text_and_as_many_channels_are_one() -> None:
    kept, found = Kept(), Planted()
    assert made_in(kept, found, PLAIN, OTHER, PLAIN) == 1
    assert made_in(kept, found, replace(PLAIN, input=(1, 4, 6))) == 1
    assert made_in(kept, found, padded(1)) == 1
    assert made_in(kept, found, PLAIN, OTHER, replace(PLAIN, input=(1, 4, 7))) == 0


@pytest.mark.parametrize(("fault", "again"), [("warns", [False, True, True]), ("warns once", [False] * 3)])
def test_a_layer_is_kept_that_warns_as_when_it_was_made(fault: str, again: list[bool]) -> None:
    kept, found = Kept(), Planted(fault)
    answers = [kept.perform(found, native(found, PLAIN)) for _ in again]
    assert [of(each) for each in answers] == [of(answers[0])] * 3
    assert [each.warnings for each in answers] == [("something is odd",)] * 3
    assert [each.again for each in answers] == again


def test_chains_of_one_layer_warn_each_time_as_when_they_were_made() -> None:
    kept, found = Kept(), Planted()
    task = native(found, PLAIN)
    chains = [replace(task, layer=layer(f"{__name__}:Chain", [task.layer], number)) for number in range(3)]
    for number in (0, 1, 1, 0, 0, 2, 1, 2):
        answer, new = kept.perform(found, chains[number]), perform(found, chains[number])
        assert (of(answer), answer.warnings) == (of(new), new.warnings)


def test_what_a_kept_layer_refuses_and_a_new_one_does_not_is_an_answer_of_the_kept_one() -> None:
    kept, found = Kept(), Planted("raises when called again")
    first, second = (kept.perform(found, native(found, PLAIN)) for _ in range(2))
    assert (first.ending, first.again) == ("ok", False)
    assert (second.ending, second.again) == ("rejected", True)


def test_a_task_may_ask_for_a_new_layer_and_one_that_is_there_is_no_other() -> None:
    kept, found = Kept(), Planted()
    task = native(found, PLAIN)
    there = replace(task, layer=Made("it", value=Convolution("none", padding=0)))
    kept.perform(found, task)
    assert kept.perform(found, task).again
    assert not kept.perform(found, replace(task, fresh=True)).again
    for _ in range(2):
        assert not kept.perform(found, there).again


def test_those_that_were_not_called_for_longest_go_first() -> None:
    first, second, third = (padded(each) for each in range(3))
    kept, found = Kept(most=2), Planted()
    assert made_in(kept, found, first, second, first, third, first) == 3
    assert made_in(kept, found, second) == 1


def test_no_more_bytes_of_weights_are_kept_than_may_be() -> None:
    nbytes = sum(each.nbytes for each in draw_arrays(PLAIN).weights)
    kept, found = Kept(most_bytes=2 * nbytes), Planted()
    given = [padded(each) for each in range(3)]
    assert made_in(kept, found, *given, *given[1:]) == 3
    assert made_in(kept, found, given[0]) == 1


def test_a_layer_has_one_place_and_layers_have_several() -> None:
    found = Planted()
    given = [padded(each) for each in range(20)]
    places = [place(found, native(found, case)) % 2 for case in given]
    assert set(places) == {0, 1}
    assert places == [place(found, native(found, replace(case, seed=7))) % 2 for case in given]


# What a layer remembers


def ran(fault: str, *given: Case) -> list[Result]:
    """What comes of cases, one after another, in a process that keeps layers."""
    found = Planted(fault)
    with Workers([found]) as workers:
        return [run_with(case, [found], submit=workers.submit).results[0] for case in given]


def test_of_layers_that_remember_nothing_all_agree() -> None:
    assert [each.relation for each in ran("none", PLAIN, OTHER, PLAIN)] == ["identical"] * 3


@pytest.mark.parametrize(
    "fault",
    ["keeps its weights", "counts its calls", "raises when called again", "ends when called again"],
)
def test_a_layer_that_remembers_is_found(fault: str) -> None:
    first, second = ran(fault, PLAIN, OTHER)
    assert first.relation == "identical"
    assert not second.explained
    had = "may have" if fault.startswith("ends") else "had"
    told = f"a new layer, asked the same, is explained: this one {had} been called before"
    assert told in str(second.reason)


def test_what_a_layer_prints_is_recorded_each_time() -> None:
    assert [each.printed for each in ran("prints", PLAIN, OTHER)] == ["something"] * 2
