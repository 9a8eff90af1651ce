"""Translations in which a fault of a framework is seen: what is known of it excuses, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from packaging.specifiers import SpecifierSet

from parity.cli.main import run_cli
from parity.frameworks.interface import Framework
from parity.frameworks.known.divergences import Divergence, Seen
from parity.frameworks.task import Answer, Submit, Task, Wait
from parity.records.counts import Outcome
from parity.translation.result import Fault, Translation, remarks
from parity.translation.translator import draft
from parity.workers.shared import shared
from tests.support.known import plant_known
from tests.support.lent import Lent, lend

pytestmark = pytest.mark.usefixtures("shared_processes")

LINE = "nn.Conv1d(2, 3, 3, stride=2, bias=False)"  # is tried on sizes from 3 to 8
SIZES = range(3, 9)
WITH_ACTIVATION = "layers.Conv1D(3, 3, strides=2, activation='relu')"

WRONG = Divergence(
    name="planted",
    frameworks=("keras",),
    version=SpecifierSet(),
    case={"any_axis": {"size": [4, 5]}},
    seen=Seen("ok", relation=("unrelated",)),
    why="it was planted",
    source="a test",
    example="parity run conv1d --input 2,2,4 --filters 3 --kernel 3 --stride 2",
    certain=False,
)
EVERYWHERE = replace(WRONG, case={"op": "conv1d"})
CRASHING = replace(WRONG, seen=Seen("crashed"))
REFUSING = replace(WRONG, case={"op": "conv1d"}, seen=Seen("rejected", error=("OSError",)))

Spoils = Callable[[Answer], Answer]


def garbage(answer: Answer) -> Answer:
    """Values that are unrelated to the right ones."""
    (output,) = answer.outputs
    return replace(
        answer, outputs=((np.arange(output.size) % 7 * 3).reshape(output.shape).astype(output.dtype),)
    )


def imprecise(answer: Answer) -> Answer:
    """Values that are close to the right ones."""
    return replace(answer, outputs=(np.nextafter(answer.outputs[0], np.float32(np.inf)),))


def crash(_: Answer) -> Answer:
    return Answer("crashed", error="SIGILL", reason="its process ended: SIGILL")


def refuse(_: Answer) -> Answer:
    return Answer("rejected", error="OSError: not here")


def refuse_otherwise(_: Answer) -> Answer:
    return Answer("rejected", error="KeyError: 'x'")


def spoiling(spoils: Spoils, sizes: Collection[int], names: Collection[str] = ("keras",)) -> Submit:
    """Have frameworks compute, and spoil the answers of these on inputs of these sizes."""

    def submit(found: Framework, task: Task) -> Wait:
        wait = shared().submit(found, task)
        spoiled = found.name in names and task.arrays.x.shape[-1] in sizes
        return (lambda: spoils(wait())) if spoiled else wait

    return submit


def proved(spoils: Spoils, sizes: Collection[int], **options: Any) -> Translation:  # noqa: ANN401
    return draft(LINE, "keras").prove(spoiling(spoils, sizes, **options))


def test_a_known_difference_excuses_the_sizes_on_which_it_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    plant_known(monkeypatch, [WRONG])
    translation = proved(garbage, [5])
    assert (translation.verified, translation.outcome) == (True, Outcome.EXPLAINED)
    assert translation.known == (Fault("planted", "keras", WRONG.reason, ((2, 2, 5),)),)
    assert remarks(translation)[-2:] == [
        f"on inputs of sizes 2x2x5 keras shows the {WRONG.reason}",
        "verified on inputs of sizes 2x2x3, 2x2x4, 2x2x6, 2x2x7, 2x2x8: identical",
    ]
    assert translation.notes == ()


@pytest.mark.parametrize(
    ("known", "spoils", "sizes", "names"),
    [
        ((), garbage, [5], ["keras"]),  # nothing is known
        ((WRONG,), garbage, [5, 6], ["keras"]),  # not of this size
        ((WRONG,), imprecise, [5], ["keras"]),  # wrong in another way
        ((WRONG,), refuse, [5], ["keras"]),
        ((CRASHING,), garbage, [5], ["keras"]),
        ((WRONG,), garbage, [5], ["torch"]),  # of another framework
        ((WRONG,), garbage, [5], ["torch", "keras"]),  # and the other is wrong, too
        ((replace(WRONG, spelling=("lookalike",)),), garbage, [5], ["keras"]),  # of other layers
    ],
)
def test_what_is_not_just_as_it_is_known_is_not_excused(
    monkeypatch: pytest.MonkeyPatch,
    known: tuple[Divergence, ...],
    spoils: Spoils,
    sizes: list[int],
    names: list[str],
) -> None:
    plant_known(monkeypatch, known)
    if len(names) > 1:  # two equal outputs would agree
        spoils = _each_otherwise(spoils)
    translation = proved(spoils, sizes, names=names)
    assert (translation.verified, translation.outcome) == (False, Outcome.UNEXPLAINED)
    assert (2, 2, sizes[-1]) not in {shape for fault in translation.known for shape in fault.sizes}
    assert remarks(translation)[-1].endswith(": different")


def _each_otherwise(spoils: Spoils) -> Spoils:
    """Spoil every other answer by one more."""
    count = iter(range(1000))
    return lambda answer: replace(spoils(answer), outputs=(spoils(answer).outputs[0] + next(count),))


def test_a_fault_on_each_side_is_excused_if_both_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    plant_known(monkeypatch, [WRONG, replace(WRONG, name="its own", frameworks=("torch",))])
    translation = proved(_each_otherwise(garbage), [4], names=["torch", "keras"])
    assert translation.verified
    assert {fault.name for fault in translation.known} == {"planted", "its own"}


@pytest.mark.parametrize(
    ("known", "spoils"), [(EVERYWHERE, garbage), (replace(EVERYWHERE, seen=Seen("crashed")), crash)]
)
def test_what_is_excused_on_every_size_is_proved_on_none(
    monkeypatch: pytest.MonkeyPatch, known: Divergence, spoils: Spoils
) -> None:
    plant_known(monkeypatch, [known])
    translation = proved(spoils, SIZES)
    assert (translation.verified, translation.outcome) == (False, Outcome.NOTHING_COMPARED)
    assert len(translation.known[0].sizes) == len(SIZES)
    assert remarks(translation)[-1].startswith("NOT verified on inputs of sizes 2x2x3, ")
    assert remarks(translation)[-1].endswith(": nothing was compared")


def test_a_known_crash_excuses_and_another_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    plant_known(monkeypatch, [CRASHING])
    known = proved(crash, [4, 5])
    assert (known.verified, known.notes) == (True, ())
    assert known.known[0].sizes == ((2, 2, 4), (2, 2, 5))
    other = proved(crash, [5, 6])
    assert other.outcome == Outcome.CRASHED
    assert other.notes == ("keras gave no output: SIGILL",)


def test_a_difference_goes_before_a_crash() -> None:
    def both(answer: Answer) -> Answer:
        return crash(answer) if answer.outputs[0].shape[-1] == 1 else garbage(answer)

    assert proved(both, SIZES).outcome == Outcome.UNEXPLAINED


def test_a_fault_is_looked_for_without_the_activation(monkeypatch: pytest.MonkeyPatch) -> None:
    plant_known(monkeypatch, [WRONG])
    written = draft(WITH_ACTIVATION, "torch", channels=2)
    translation = written.prove(spoiling(garbage, [5]))
    assert translation.verified
    assert [fault.sizes for fault in translation.known] == [((2, 2, 5),)]


def test_a_wrong_activation_is_excused_by_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    plant_known(monkeypatch, [WRONG])

    def submit(found: Framework, task: Task) -> Wait:
        wait = shared().submit(found, task)
        active = found.name == "keras" and "activation" in str(task.layer)
        return (lambda: garbage(wait())) if active and task.arrays.x.shape[-1] in {4, 5} else wait

    translation = draft(WITH_ACTIVATION, "torch", channels=2).prove(submit)
    assert (translation.outcome, translation.known) == (Outcome.UNEXPLAINED, ())


def test_a_layer_that_its_framework_may_refuse_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    plant_known(monkeypatch, [REFUSING])
    written = draft("layers.Conv1D(3, 3)", "torch", channels=2)
    assert written.prove(shared().submit).verified
    refused = written.prove(spoiling(refuse, range(3, 9)))
    assert refused.outcome == Outcome.NOTHING_COMPARED
    assert [fault.name for fault in refused.known] == ["planted"]
    assert written.prove(spoiling(refuse_otherwise, range(3, 9))).outcome == Outcome.UNEXPLAINED


@pytest.mark.parametrize(
    ("known", "sizes", "code"), [(WRONG, [5], 0), (EVERYWHERE, SIZES, 4), (WRONG, [6], 1)]
)
def test_the_command_ends_as_the_proof_did(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    known: Divergence,
    sizes: Collection[int],
    code: int,
) -> None:
    class Spoiled(Lent):
        def submit(self, found: Framework, task: Task) -> Wait:
            return spoiling(garbage, sizes)(found, task)

    plant_known(monkeypatch, [known])
    lend(monkeypatch, Spoiled)
    assert run_cli(["translate", LINE, "--to", "keras", "--json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert found["verified"] is (code == 0)
    assert [fault["sizes"] for fault in found["known"]] == ([] if code == 1 else [[[2, 2, n] for n in sizes]])
    assert all(set(fault) == {"name", "framework", "reason", "sizes"} for fault in found["known"])
