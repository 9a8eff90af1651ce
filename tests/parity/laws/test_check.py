"""`parity check`: one implementation, and the laws of its operation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given

import convmm
from parity import Case
from parity.cases.arrays import Array
from parity.cases.case import DTYPES, VALUES
from parity.cases.op import OPS, Op
from parity.cli.main import run_cli
from parity.frameworks.code.layer import Name, layer
from parity.frameworks.function import Implementation
from parity.frameworks.numpy import NumPy
from parity.frameworks.spelling import Refusal, Spelling, Unsupported
from parity.frameworks.table import find_framework
from parity.frameworks.task import here
from parity.laws.check import LAWS, SelfCheck, self_check
from parity.laws.opposite import opposite
from parity.laws.subject import Subject, choose_subject
from parity.laws.trial import pick
from parity.records.counts import Outcome
from parity.workers.shared import shared
from tests.support.faults import (
    Function,
    Wrong,
    accumulating,
    first_sample_always,
    flipped,
    in_bias,
    in_input,
    in_kernel,
    in_result,
    junk_at_the_border,
    moved,
    one_ulp,
    only_if,
    overwriting,
    padded,
    remembering,
    rolled,
    spoilt,
    through,
    without,
    without_last_tap,
    wrapped_to_16_bits,
)
from tests.support.foreign import raising, rounds_differently_each_time
from tests.support.gradient_functions import flipped_gradients, right_gradients
from tests.support.project import ROOT
from tests.support.scripted import Scripted, spelling_of
from tests.support.strategies import CONVS, TRANSPOSES, agreeing_both_ways, cases, changed, examples

pytestmark = pytest.mark.usefixtures("shared_processes")

core = NumPy()

INPUT, KERNEL = "linearity in the input", "linearity in the kernel"
SAMPLES, REPEATED, BIAS, ADJOINT = "independence of samples", "repeatability", "bias", "adjointness"
THREADS = "independence of threads"
BACKWARD = LAWS[-3:]
LINEARITY = {INPUT, KERNEL}
ALL_BUT_BIAS = {INPUT, KERNEL, ADJOINT}


def typical(op: str, **arguments: object) -> Case:
    """Two samples, two groups of two channels, every argument in use."""
    rank = Op.of(op).rank
    own: dict[str, Any] = {"stride": 2, "padding": 1, "groups": 2, "bias": True}
    if op in TRANSPOSES:
        own["output_padding"] = 1
    return changed(Case(op, (2, 4, *(6, 5, 4)[:rank]), 4, 3, **own), **arguments)


def right(op: str) -> Function:
    function: Function = getattr(convmm, op)
    return function


def check(
    case: Case, function: Function, adjoint: Function | None = None, gradient: Function | None = None
) -> SelfCheck:
    beside = None if adjoint is None else Implementation(adjoint)
    return self_check(case, Subject(Implementation(function, gradient=gradient), beside), here, here)


def laws_with(status: str, found: SelfCheck) -> set[str]:
    return {name for name, finding in found.laws.items() if finding.status == status}


# What obeys every law


def obeys(case: Case, framework: str) -> None:
    found = self_check(case, choose_subject([framework], None, None), shared().submit)
    assert laws_with("broken", found) == set(), found.to_dict()
    assert list(found.laws) == list(LAWS)
    if 0 in case.output_shape:
        assert found.outcome == Outcome.NOTHING_COMPARED
        return
    assert found.outcome == Outcome.EXPLAINED
    assert isinstance(found.spelling, Spelling)
    untried = {BIAS, BACKWARD[-1]} if not case.bias else set()
    untried |= {ADJOINT} if opposite(case) is None else set()
    untried |= set(BACKWARD) if found.spelling.no_backward else set()
    untried |= {THREADS}  # there is no process with two
    assert laws_with("not applicable", found) == untried


@examples(150)
@given(agreeing_both_ways())
def test_the_core_obeys_every_law(case: Case) -> None:
    obeys(case, "numpy")


@examples(25)
@given(agreeing_both_ways())
def test_torch_obeys_every_law(case: Case) -> None:
    pytest.importorskip("torch")
    obeys(case, "torch")


@examples(10)
@given(agreeing_both_ways())
def test_keras_obeys_every_law(case: Case) -> None:
    pytest.importorskip("keras")
    obeys(case, "keras")


@examples(100)
@given(agreeing_both_ways())
def test_a_function_obeys_every_law_whoever_gives_its_adjoint(case: Case) -> None:
    if 0 in case.output_shape:
        return
    other = opposite(case)
    adjoint = right(other.op) if other else None
    for found in (check(case, right(case.op)), check(case, right(case.op), adjoint)):
        untried = {*BACKWARD} | (set() if case.bias else {BIAS})
        assert laws_with("not applicable", found) == untried
        assert laws_with("broken", found) == set()


def test_a_transposed_case_without_an_opposite_says_so() -> None:
    beyond = Case("conv_transpose1d", (1, 1, 3), 1, 2, stride=1, dilation=2, output_padding=1)
    found = check(beyond, right(beyond.op), right("conv1d"))
    assert found.laws[ADJOINT].status == "not applicable"
    assert "after its full response" in found.laws[ADJOINT].message


# Each mistake breaks the laws that it is against, and no other one

CLIPPED = in_result(lambda y: np.clip(y, -90, 90))

MISTAKES: dict[str, tuple[Wrong, set[str]]] = {
    "state is kept between calls": (accumulating, {*LAWS[:7]}),
    "the first output is given again": (remembering, {SAMPLES, *ALL_BUT_BIAS, BIAS}),
    "every sample is the first": (in_result(first_sample_always), {SAMPLES, ADJOINT}),
    "samples are swapped": (in_result(lambda y: y[::-1]), {SAMPLES, ADJOINT}),
    "a sample alone is wrong": (only_if(lambda x, *_, **__: len(x) == 1, flipped()), {SAMPLES}),
    "values are clipped": (CLIPPED, {*ALL_BUT_BIAS, BIAS}),
    "a ReLU follows": (in_result(lambda y: np.maximum(y, 0)), {*ALL_BUT_BIAS, BIAS}),
    "the result is rounded": (in_result(through(ml_dtypes.bfloat16)), {*ALL_BUT_BIAS, BIAS}),
    "negative inputs are taken for zero": (in_input(lambda x: np.maximum(x, 0)), {INPUT, ADJOINT}),
    "negative taps are taken for zero": (in_kernel(lambda w: np.maximum(w, 0)), {KERNEL, ADJOINT}),
    "one element is one more": (
        in_result(spoilt(0, 0, ..., 0, by=lambda y: y + 1)),
        {*ALL_BUT_BIAS, SAMPLES},
    ),
    "an uninitialised border": (in_result(junk_at_the_border), {*ALL_BUT_BIAS, BIAS}),
    "NaN somewhere": (in_result(spoilt(-1, -1, by=lambda y: y * np.nan)), {*ALL_BUT_BIAS, BIAS, SAMPLES}),
    "the bias is dropped": (in_bias(lambda _: None), {BIAS}),
    "the bias is added twice": (in_bias(lambda b: b + b), {BIAS}),
    "the bias is subtracted": (in_bias(np.negative), {BIAS}),
    "the bias is in another order": (in_bias(lambda b: b[::-1]), {BIAS}),
    "the kernel is flipped": (flipped(), {ADJOINT}),
    "the last tap is skipped": (in_kernel(without_last_tap), {ADJOINT}),
    "the window begins one later": (moved(-1), {ADJOINT}),
    "padding is ignored": (without("padding"), {ADJOINT}),
    "groups are permuted": (in_input(rolled(2)), {ADJOINT}),
    "the sign is lost": (in_result(np.negative), {ADJOINT, BIAS}),
}
AT_SOME_VALUES: dict[str, Wrong] = {
    "sums wrap at 16 bits": in_result(wrapped_to_16_bits),
    "one unit in the last place": in_result(one_ulp),
}
OF_CONVS: dict[str, tuple[Wrong, set[str]]] = {
    "edge padding": (padded("edge"), {ADJOINT}),
}


@pytest.mark.parametrize(
    ("name", "op"),
    [(name, op) for name in MISTAKES for op in OPS] + [(name, op) for name in OF_CONVS for op in CONVS],
)
def test_a_mistake_breaks_its_laws(name: str, op: str) -> None:
    wrong, laws = {**MISTAKES, **OF_CONVS}[name]
    found = check(typical(op), wrong(right(op)))
    assert laws_with("broken", found) == laws
    assert found.outcome == Outcome.UNEXPLAINED
    for law in laws:
        assert found.laws[law].message.count("\n") == 0
        assert any(character.isdigit() for character in found.laws[law].message)


@pytest.mark.parametrize("name", AT_SOME_VALUES)
@pytest.mark.parametrize("op", OPS)
def test_a_mistake_at_some_values_breaks_linearity(name: str, op: str) -> None:
    found = check(typical(op), AT_SOME_VALUES[name](right(op)))
    assert laws_with("broken", found) >= LINEARITY


@pytest.mark.parametrize("op", OPS)
def test_a_mistake_in_one_of_a_pair_breaks_adjointness_and_in_both_none(op: str) -> None:
    other = opposite(typical(op))
    assert other is not None
    for wrong in (flipped(), moved(-1)):
        for pair in ((wrong(right(op)), right(other.op)), (right(op), wrong(right(other.op)))):
            assert laws_with("broken", check(typical(op), *pair)) == {ADJOINT}
    assert laws_with("broken", check(typical(op), flipped()(right(op)), flipped()(right(other.op)))) == set()


def test_the_elements_between_which_an_adjoint_fails_are_named() -> None:
    case = Case("conv1d", (1, 1, 4), 1, 3)
    found = check(case, in_kernel(lambda w: w * np.array([1, 1, 0], w.dtype))(right("conv1d")))
    finding = found.laws[ADJOINT]
    assert finding.where is not None
    *_, position = finding.where
    assert (
        f"between element (0, 0, {position + 2}) of x and element (0, 0, {position}) of y" in finding.message
    )
    assert "f has the factor 0 and f* " in finding.message
    assert finding.message.endswith("f* is convmm.conv_input_grad of the NumPy core, as no adjoint is given")


@dataclass(frozen=True)
class Altered(NumPy):
    """The NumPy core as a framework with other spellings or gradients."""

    change: Callable[[list[Array]], Any] = lambda gradients: gradients
    spelled: Callable[[Case], list[Spelling | Unsupported]] = core.spell

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        return self.spelled(case)

    def backward(self, layer: Any, weights: Any, x: Array, dy: Array) -> Any:  # noqa: ANN401 - right or wrong
        by_input, by_weights = super().backward(layer, weights, x, dy)
        by_input, *by_weights = self.change([by_input, *by_weights])
        return by_input, by_weights


def altered(case: Case, **alterations: Any) -> SelfCheck:  # noqa: ANN401 - functions
    framework = Altered(**alterations)
    return self_check(case, Subject(framework, framework))


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("op", OPS)
def test_a_wrong_gradient_breaks_the_law_of_its_array(op: str, number: int) -> None:
    def change(gradients: list[Array]) -> list[Array]:
        gradients[number] = gradients[number].copy()
        gradients[number].flat[-1] += 1
        return gradients

    found = altered(typical(op), change=change)
    assert laws_with("broken", found) == {BACKWARD[number]}
    assert found.laws[BACKWARD[number]].message.endswith("f* is its own backward pass")


@pytest.mark.parametrize("number", range(3))
def test_what_a_function_does_to_its_arrays_is_not_seen_by_later_calls(number: int) -> None:
    assert (
        laws_with("broken", check(typical("conv2d"), overwriting(number, first=False)(right("conv2d"))))
        == set()
    )


def test_what_a_function_does_to_an_output_that_it_returned_is_not_seen() -> None:
    buffers: dict[tuple[int, ...], Array] = {}

    def into_a_buffer(*arrays: Array, **arguments: Any) -> Array:  # noqa: ANN401 - ints and pairs
        y = convmm.conv2d(*arrays, **arguments)
        buffer = buffers.setdefault(y.shape, y)
        buffer[...] = y
        return buffer

    assert laws_with("broken", check(typical("conv2d"), into_a_buffer)) == set()


# Which layer is checked


def test_a_native_layer_goes_before_an_exact_one_unless_it_is_refused() -> None:
    case = typical("conv2d")
    native, lookalike, exact = spelling_of(case), spelling_of(case, "lookalike"), spelling_of(case, "exact")
    refused = spelling_of(case, refusal=Refusal("it takes none", ("ValueError",)))
    missing = Unsupported("it has none")
    assert pick([native, lookalike, exact]) is native
    assert pick([refused, lookalike, exact]) is exact
    assert pick([refused, lookalike]) is refused
    assert pick([missing, lookalike, exact]) is exact
    assert pick([missing, lookalike]) is missing


# Calls without a value


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda _: raising, "raising raised RuntimeError: not today"),
        (in_result(lambda y: y.tolist()), "no array but list"),
        (in_result(lambda y: y.astype(np.float64)), "dtype float64"),
        (in_result(lambda y: y[0]), "3 axes, where 4 are expected"),
        (in_result(lambda y: y[..., :0]), "has no element"),
    ],
    ids=range(5),
)
def test_a_function_without_a_usable_output_has_nothing_to_check(wrong: Wrong, says: str) -> None:
    found = check(typical("conv2d"), wrong(right("conv2d")))
    assert laws_with("not applicable", found) == set(LAWS)
    assert all(says in finding.message for finding in found.laws.values())
    assert found.outcome == Outcome.UNEXPLAINED


def test_a_call_that_raises_later_breaks_its_law_only() -> None:
    found = check(
        typical("conv2d"), only_if(lambda x, *_, **__: len(x) == 1, lambda _: raising)(right("conv2d"))
    )
    assert laws_with("broken", found) == {SAMPLES}
    assert "RuntimeError: not today" in found.laws[SAMPLES].message


def test_an_adjoint_that_raises_breaks_adjointness_only() -> None:
    found = check(typical("conv2d"), right("conv2d"), raising)
    assert laws_with("broken", found) == {ADJOINT}
    assert found.outcome == Outcome.UNEXPLAINED


@pytest.mark.parametrize(
    ("foreseen", "status"), [("RuntimeError", "not applicable"), ("ValueError", "broken")]
)
def test_an_opposite_layer_that_refuses_breaks_adjointness_unless_that_is_foreseen(
    foreseen: str, status: str
) -> None:
    def spell(case: Case) -> list[Spelling | Unsupported]:
        if not case.transposed:
            return core.spell(case)
        call = layer("functools.partial", Name("raising", raising))
        return [Spelling("native", call, case, Refusal("it takes none", (foreseen,)))]

    found = altered(typical("conv2d"), spelled=spell)
    assert found.laws[ADJOINT].status == status
    assert "RuntimeError: not today" in found.laws[ADJOINT].message


def test_an_output_of_another_shape_breaks_adjointness_only() -> None:
    found = check(typical("conv2d"), in_result(lambda y: y[..., 1:])(right("conv2d")))
    assert laws_with("broken", found) == {ADJOINT}
    assert "f(x) has shape 2x4x3x2, and y has 2x4x3x3" in found.laws[ADJOINT].message


def test_a_foreseen_refusal_is_no_broken_law() -> None:
    case = typical("conv2d")
    refused = spelling_of(case, refusal=Refusal("it takes none", ("RuntimeError",)))
    subject = Subject(Scripted((refused,), RuntimeError("no")), None)
    found = self_check(case, subject)
    assert laws_with("not applicable", found) == set(LAWS)
    assert "RuntimeError: no" in found.laws[REPEATED].message


def test_without_a_layer_there_is_nothing_to_check() -> None:
    found = altered(typical("conv2d"), spelled=lambda _: [Unsupported("it has none")])
    assert {finding.message for finding in found.laws.values()} == {"it has none"}
    assert found.outcome == Outcome.NOTHING_COMPARED
    assert found.to_dict()["implementation"]["layer"] is None


def test_an_opposite_that_is_unsupported_leaves_the_other_laws() -> None:
    def spell(case: Case) -> list[Spelling | Unsupported]:
        return [Unsupported("no transposed ones")] if case.transposed else core.spell(case)

    found = altered(typical("conv2d"), spelled=spell)
    assert found.laws[ADJOINT].message == "no transposed ones"
    assert laws_with("not applicable", found) == {ADJOINT, THREADS}
    assert found.outcome == Outcome.EXPLAINED


def test_an_exact_layer_is_checked_where_there_is_no_native_one() -> None:
    pytest.importorskip("torch")
    torch = find_framework("torch")
    found = self_check(
        Case("conv_transpose2d", (1, 2, 3, 3), 1, 3, stride=2, padding="same"), Subject(torch, torch)
    )
    assert isinstance(found.spelling, Spelling)
    assert found.spelling.kind == "exact"
    assert laws_with("holds", found) == {*LAWS} - {BIAS, BACKWARD[-1], THREADS}


# The command line

CASE = "conv2d --input 2,4,6,5 --filters 4 --kernel 3 --bias".split()


KERNELS = """
import convmm
from tests.support import faults, foreign, gradient_functions


conv2d, back = convmm.conv2d, convmm.conv_transpose2d
gradients, wrong_gradients = gradient_functions.right_gradients, gradient_functions.flipped_gradients
flipped = faults.flipped()(convmm.conv2d)
raising, number = foreign.raising, 3
ending, waiting = foreign.exits_with_7, foreign.hangs


def nothing(*_, **__):
    return None
"""


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of functions in the working folder, by its name."""
    (tmp_path / "kernels_to_check.py").write_text(KERNELS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return "kernels_to_check"


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run_cli(["check", *CASE, *arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_a_framework_is_checked_alone(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ran(capsys, "--frameworks", "numpy")
    assert (code, err) == (Outcome.EXPLAINED, "")
    assert out.startswith(
        "parity check conv2d --input 2,4,6,5 --filters 4 --kernel 3 --bias --frameworks numpy"
    )
    assert out.rstrip().endswith("10 laws: 10 hold, 0 broken, 0 not applicable")


def test_the_document_carries_every_law(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ran(capsys, "--frameworks", "numpy", "--json")
    document = json.loads(out)
    assert code == Outcome.EXPLAINED
    assert (document["schema"], document["kind"]) == (1, "self_check")
    assert Case.from_dict(document["case"]).kernel == (3, 3)
    assert document["implementation"] == {
        "framework": "numpy",
        "version": core.version(),
        "backend": core.backend(),
        "spelling": "native",
        "layer": "functools.partial(convmm.conv2d, stride=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1), "
        "groups=1)",
        "adjoint": "functools.partial(convmm.conv_transpose2d, stride=(1, 1), padding=((0, 0), (0, 0)), "
        "dilation=(1, 1), groups=1, output_padding=(0, 0))",
    }
    assert [law["name"] for law in document["laws"]] == list(LAWS)
    assert {law["status"] for law in document["laws"]} == {"holds"}
    again = run_cli([*document["command"].split()[1:], "--json"])
    assert (again, capsys.readouterr().out) == (code, out)


def test_a_broken_law_is_told_with_its_place(capsys: pytest.CaptureFixture[str], kernels: str) -> None:
    code, out, _ = ran(capsys, "--impl", f"{kernels}:flipped", "--json")
    broken = [law for law in json.loads(out)["laws"] if law["status"] == "broken"]
    assert code == Outcome.UNEXPLAINED
    assert [law["name"] for law in broken] == [ADJOINT]
    assert set(broken[0]["where"]) == {"sample", "channel", "position"}
    assert broken[0]["max_difference"] > 0
    code, out, _ = ran(capsys, "--impl", f"{kernels}:flipped")
    assert code == Outcome.UNEXPLAINED
    assert broken[0]["message"] in out
    assert "10 laws: 6 hold, 1 broken, 3 not applicable" in out


def test_a_function_is_checked_with_its_own_adjoint(capsys: pytest.CaptureFixture[str], kernels: str) -> None:
    options = ("--impl", f"{kernels}:conv2d", "--adjoint", f"{kernels}:back")
    code, out, _ = ran(capsys, *options, "--json")
    document = json.loads(out)
    assert code == Outcome.EXPLAINED
    assert document["command"].endswith(f"{' '.join(options)}")
    assert document["implementation"]["adjoint"].startswith("functools.partial(kernels_to_check.back,")
    assert run_cli(["check", *CASE, "--impl", f"{kernels}:flipped", *options[2:]]) == 1


def test_nothing_checked_is_no_pass(capsys: pytest.CaptureFixture[str]) -> None:
    empty = "conv_transpose1d --input 1,1,1 --filters 1 --kernel 2 --padding 1 --frameworks numpy".split()
    code = run_cli(["check", *empty])
    _, err = capsys.readouterr()
    assert code == Outcome.NOTHING_COMPARED
    assert "nothing was checked" in err


@pytest.mark.parametrize(
    ("function", "outcome", "why"),
    [
        ("raising", Outcome.UNEXPLAINED, "RuntimeError: not today"),
        ("nothing", Outcome.UNEXPLAINED, "it returned no array but NoneType"),
        ("ending", Outcome.CRASHED, "its process ended: exit code 7"),
        ("waiting", Outcome.CRASHED, "it did not end within 2 s"),
    ],
)
def test_a_function_without_a_value_ends_the_check_as_it_ends_a_run(
    function: str, outcome: Outcome, why: str, kernels: str
) -> None:
    given = ("--impl", f"{kernels}:{function}", "--timeout", "2" if function == "waiting" else "60")
    for command in ("check", "run"):
        asked = [sys.executable, "-m", "parity", command, *CASE, *given]  # in processes of its own
        asked += ["--frameworks", "numpy"] if command == "run" else []
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, why in done.stdout) == (outcome, True)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("check", "frameworks none: allowed is one"),
        ("check --frameworks numpy,torch", "frameworks 'numpy,torch'"),
        ("check --frameworks jax", "'jax'"),
        ("check --frameworks numpy --impl m:f", "frameworks 'numpy'"),
        ("check --impl nothing", "impl 'nothing'"),
        ("check --frameworks numpy --adjoint m:f", "adjoint 'm:f'"),
        ("check --impl kernels_to_check:conv2d --adjoint nothing", "adjoint 'nothing'"),
        (
            "check --impl kernels_to_check:conv2d --adjoint kernels_to_check:number",
            "no function but int",
        ),
        ("check --frameworks numpy --impl-grad m:g", "impl_grad 'm:g'"),
        ("check --impl kernels_to_check:conv2d --impl-grad nothing", "impl_grad 'nothing'"),
        ("check --impl kernels_to_check:conv2d --impl-grad kernels_to_check:number", "no function but int"),
        ("check --frameworks numpy --grad", "--grad"),
        ("check --frameworks numpy --show-arrays", "--show-arrays"),
        ("run --self-check --frameworks numpy --repeat 2", "--repeat"),
        ("run --frameworks numpy --adjoint m:f", "--adjoint"),
        ("run --adjoint ", "--adjoint"),
    ],
)
@pytest.mark.usefixtures("kernels")
def test_bad_input_is_one_sentence(capsys: pytest.CaptureFixture[str], options: str, named: str) -> None:
    command, *given = options.split(" ")
    code = run_cli([command, *CASE, *given])
    printed = capsys.readouterr()
    assert code == Outcome.WRONG_INPUT
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert named in printed.err


def test_run_with_self_check_says_what_takes_its_place_and_goes_on_working(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = ran(capsys, "--frameworks", "numpy")
    assert run_cli(["run", *CASE, "--frameworks", "numpy", "--self-check"]) == code
    printed = capsys.readouterr()
    assert printed.out == out
    assert printed.err == "parity check takes the place of parity run --self-check, with the same options\n"


# A function's own gradients


@pytest.mark.parametrize("op", OPS)
def test_a_functions_own_gradients_are_its_adjoint(op: str) -> None:
    found = check(typical(op), right(op), gradient=right_gradients)
    assert laws_with("holds", found) == {*LAWS}
    assert all(found.laws[law].message.endswith("f* is its own backward pass") for law in BACKWARD)
    found = check(typical(op), right(op), gradient=flipped_gradients)
    assert laws_with("broken", found) == {BACKWARD[1]}
    found = check(typical(op), flipped()(right(op)), gradient=right_gradients)
    assert laws_with("broken", found) == {ADJOINT, *BACKWARD[:2]}


@pytest.mark.parametrize(
    ("gradient", "said"),
    [
        (raising, "RuntimeError: not today"),
        (lambda dy, *_, **__: (dy, dy), "it returned 2 gradients, and allowed are 3"),
        (lambda _, x, w, **__: (x, w, None), "None for the gradient by bias"),
        (lambda _, x, w, **__: (x.astype(np.float64), w, w), "dtype float64"),
        (lambda _, x, w, **__: (x, w, w), "4 axes, where 1 are expected"),
    ],
    ids=range(5),
)
def test_gradients_that_are_none_break_their_laws_only(gradient: Function, said: str) -> None:
    found = check(typical("conv2d"), right("conv2d"), gradient=gradient)
    assert laws_with("broken", found) == {*BACKWARD}
    assert all(said in found.laws[law].message for law in BACKWARD)


def test_a_gradient_too_few_of_a_framework_breaks_its_laws() -> None:
    found = altered(typical("conv2d"), change=lambda gradients: gradients[:2])
    assert laws_with("broken", found) == {*BACKWARD}
    assert "returned 2 gradients, and there are 3" in found.laws[BACKWARD[0]].message


def test_a_function_is_checked_with_its_own_gradients(
    capsys: pytest.CaptureFixture[str], kernels: str
) -> None:
    options = ("--impl", f"{kernels}:conv2d", "--impl-grad", f"{kernels}:gradients")
    code, out, _ = ran(capsys, *options, "--json")
    document = json.loads(out)
    assert code == Outcome.EXPLAINED
    assert document["command"].endswith(" ".join(options))
    assert {law["status"] for law in document["laws"]} == {"holds"}
    assert run_cli(["check", *CASE, *options[:3], f"{kernels}:wrong_gradients"]) == Outcome.UNEXPLAINED


# Whether bits change, on any values


def in_large_batches(y: Array) -> Array:
    """Another last bit at the third place of a batch of eight and more."""
    if len(y) >= 8:
        other = np.nextafter(y[2, -1], np.inf, dtype=y.dtype)
        y[2, -1] = np.where(np.isfinite(other), other, 1)
    return y


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("op", OPS)
def test_bits_that_change_with_the_batch_are_found_in_values_of_all_kinds(op: str, values: str) -> None:
    case = typical(op, values=values)
    found = check(case, in_result(in_large_batches)(right_alone(op)))
    finding = found.laws[SAMPLES]
    assert laws_with("broken", found) == {SAMPLES}
    assert found.outcome == Outcome.UNEXPLAINED
    assert finding.message.startswith("its bits change with the batch: f of a batch of 8 is ")
    assert "; at place 2 of the batch is sample 0 of the case" in finding.message
    assert finding.where is not None
    assert finding.where[:2] == (0, 3)
    assert ("another order" in finding.message) == (values != "integers")


def right_alone(op: str) -> Function:
    """The operation, each sample by itself: the same bits in every batch."""

    def called(x: Array, *weights: Array, **arguments: Any) -> Array:  # noqa: ANN401 - ints and pairs
        return np.concatenate([right(op)(sample[None], *weights, **arguments) for sample in x])

    return called


@pytest.mark.parametrize("values", VALUES)
def test_of_rounded_values_only_the_laws_of_bits_are_tried(values: str) -> None:
    found = check(typical("conv2d", values=values), right_alone("conv2d"), gradient=right_gradients)
    bits = {REPEATED, SAMPLES, THREADS}
    assert laws_with("holds", found) == ({*LAWS} if values == "integers" else bits)
    assert found.outcome == Outcome.EXPLAINED
    for law in {*LAWS} - laws_with("holds", found):
        assert f"values={values!r}" in found.laws[law].message


def test_a_function_that_repeats_no_bits_is_found_on_normal_values() -> None:
    found = check(Case("conv1d", (1, 1, 4), 1, 1, values="normal"), rounds_differently_each_time)
    assert REPEATED in laws_with("broken", found)
    assert "its bits change with the call" in found.laws[REPEATED].message


THREADED = Case("conv1d", (1, 2, 9), 2, 3)


def test_bits_that_change_with_the_threads_are_found() -> None:
    asked = [sys.executable, "-m", "parity", *THREADED.command.split()[1:]]  # in processes of its own
    asked[3] = "check"
    for function, outcome, status in (
        ("depends_on_the_threads", Outcome.UNEXPLAINED, "broken"),
        ("right", Outcome.EXPLAINED, "holds"),
    ):
        given = ["--impl", f"tests.support.foreign:{function}", "--json"]
        done = subprocess.run([*asked, *given], cwd=ROOT, capture_output=True, text=True, check=False)
        laws = {law["name"]: law for law in json.loads(done.stdout)["laws"]}
        assert (done.returncode, laws[THREADS]["status"]) == (outcome, status)
        assert {name for name, law in laws.items() if law["status"] == "broken"} <= {THREADS}


def test_without_a_process_of_two_threads_nothing_is_said_of_them() -> None:
    function = Implementation(right("conv2d"))
    found = self_check(typical("conv2d"), Subject(function, None))
    assert found.laws[THREADS].status == "not applicable"


@examples(20)
@given(cases(values=("normal", "wide", "special"), dtypes=DTYPES))
def test_a_framework_is_checked_on_any_values(case: Case) -> None:
    found = self_check(case, choose_subject(["torch"], None, None), shared().submit)
    assert found.laws[REPEATED].status in {"holds", "not applicable"}
    assert laws_with("broken", found) <= {SAMPLES}  # torch's sums may depend on the batch
