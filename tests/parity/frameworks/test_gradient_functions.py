"""A user's own gradient function: `impl_grad` and `--impl-grad`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import convmm
from parity import Case, run
from parity.cases.arrays import Array
from parity.cases.case import VALUES
from parity.cases.op import OPS, Op
from parity.cli.main import run_cli
from parity.frameworks.table import FrameworkError
from parity.records.counts import Outcome, Report
from parity.records.result import CaseResult, Result
from parity.testing import assert_parity
from tests.support.coincidences import right
from tests.support.faults import Change, through
from tests.support.gradient_functions import right_gradients
from tests.support.gradients import GRADIENTS, gradients_of, unexplained
from tests.support.strategies import TRANSPOSES, cases, changed, examples

pytestmark = pytest.mark.usefixtures("shared_processes")

PLAIN = Case("conv2d", (2, 4, 6, 5), 6, (3, 2), stride=2, padding=1, groups=2, bias=True)
NO_BIAS = changed(PLAIN, bias=False)
NAME = "tests.support.gradient_functions:right_gradients"


def typical(op: str) -> Case:
    size = (6, 5, 4)[: Op.of(op).rank]
    added: dict[str, Any] = {"output_padding": 1} if op in TRANSPOSES else {}
    return Case(op, (2, 4, *size), 6, 2, stride=2, padding=1, groups=2, bias=True, **added)


def alone(gradient: Any, case: Case = PLAIN, **options: Any) -> CaseResult:  # noqa: ANN401 - right or wrong
    return run(case, ["numpy"], impl_grad=gradient, grad=True, **options)


def own_of(found: CaseResult) -> dict[str, Result]:
    """The gradients of the one that is not the core."""
    return {each.output: each for each in found.results if each.framework != "numpy"}


def altered(*changes: Change) -> Callable[..., Any]:
    """The right gradients, each put through a change."""

    def own(*arrays: Array, **arguments: Any) -> Any:  # noqa: ANN401 - ints and pairs
        found = right_gradients(*arrays, **arguments)
        return tuple(change(each) for change, each in zip(changes, found, strict=True))

    return own


def same(array: Array) -> Array:
    return array


# What it is called with, and where its results stand


@pytest.mark.parametrize("op", OPS)
def test_right_gradients_are_identical_beside_the_function_and_without_it(op: str) -> None:
    case = typical(op)
    beside = run(case, ["numpy"], impl=right, impl_grad=right_gradients, grad=True)
    for found, name in ((beside, "tests.support.coincidences:right"), (alone(right_gradients, case), NAME)):
        assert unexplained(found) == []
        results = gradients_of(found, name)
        assert tuple(results) == GRADIENTS
        assert {(each.status, each.relation, each.exact) for each in results.values()} == {
            ("ok", "identical", True)
        }
        assert [each.spelling for each in results.values()] == ["native"] * 3
        assert found.verdict == "agree"
    values = [each.framework for each in beside.results if each.output == "value"]
    assert values == ["numpy", "tests.support.coincidences:right"]
    own = [each.output for each in alone(right_gradients, case).results if each.framework == NAME]
    assert own == [*GRADIENTS]


@examples(60)
@given(cases(values=VALUES))
def test_no_right_gradient_is_unexplained(case: Case) -> None:
    found = alone(right_gradients, case)
    assert unexplained(found) == []
    if 0 in case.output_shape:
        assert {each.status for each in gradients_of(found, NAME).values()} == {"unsupported"}
        assert Report([found.record]).outcome == Outcome.NOTHING_COMPARED


def called(*_: Array, **__: Any) -> Any:  # noqa: ANN401 - whatever it is called with
    raise AssertionError("it was called")


def test_gradients_by_an_output_without_an_element_are_not_asked_for() -> None:
    empty = Case("conv_transpose1d", (1, 1, 2), 1, 2, padding=((1, 2),), bias=True)
    assert 0 in empty.output_shape
    results = own_of(alone(called, empty))
    assert tuple(results) == GRADIENTS
    for each in results.values():
        assert (each.status, each.explained) == ("unsupported", True)
        assert each.reason == "the case's output has no element to take a gradient by"


def test_what_it_says_that_it_cannot_do_is_unsupported() -> None:
    def partly(*arrays: Array, **arguments: Any) -> Any:  # noqa: ANN401 - ints and pairs
        if arguments["groups"] > 1:
            raise NotImplementedError("no groups")
        return right_gradients(*arrays, **arguments)

    results = own_of(alone(partly))
    assert [(each.status, each.explained) for each in results.values()] == [("unsupported", True)] * 3
    assert all("no groups" in str(each.reason) for each in results.values())
    ungrouped = own_of(alone(partly, changed(PLAIN, groups=1)))
    assert [each.relation for each in ungrouped.values()] == ["identical"] * 3


@pytest.mark.parametrize("op", OPS)
def test_everything_is_made_explicit(op: str) -> None:
    case = changed(typical(op), padding="same", output_padding=None)
    called: list[tuple[list[tuple[int, ...]], dict[str, Any]]] = []

    def recorded(*arrays: Array, **arguments: Any) -> Any:  # noqa: ANN401 - ints and pairs
        called.append(([each.shape for each in arrays], arguments))
        return right_gradients(*arrays, **arguments)

    assert unexplained(run(case, [], impl_grad=recorded, grad=True)) == []
    [(shapes, arguments)] = called
    assert shapes == [case.output_shape, case.input, case.kernel_shape]
    assert arguments == case.explicit
    rank = Op.of(op).rank
    assert [len(arguments[name]) for name in ("stride", "padding", "dilation")] == [rank] * 3
    assert all(len(pair) == 2 for pair in arguments["padding"])
    assert ("output_padding" in arguments) == case.transposed


def test_what_is_printed_as_its_layer_is_the_call_that_ran() -> None:
    found = run(PLAIN, [], impl=convmm.conv, impl_grad=right_gradients, grad=True)
    value, *gradients = found.results
    forward = "convmm.operations.forward.conv"
    assert str(value.layer).startswith(f"functools.partial({forward}, stride=(2, 2),")
    layers = {each.layer for each in gradients}
    assert layers == {str(value.layer).replace(forward, NAME.replace(":", "."))}


# What it may return


@pytest.mark.parametrize("third", [lambda _: None, lambda b: b * 0, str], ids=range(3))
def test_what_it_returns_for_a_bias_that_there_is_not_is_left_out(third: Change) -> None:
    found = alone(altered(same, same, third), NO_BIAS)
    assert unexplained(found) == []
    assert list(own_of(found)) == ["input_grad", "weight_grad"]


def test_a_list_of_gradients_will_do() -> None:
    assert unexplained(alone(lambda *given, **named: list(right_gradients(*given, **named)))) == []


INVALID: dict[str, tuple[Callable[..., Any], str]] = {
    "two": (lambda *a, **k: right_gradients(*a, **k)[:2], "it returned 2 gradients, and allowed are 3"),
    "four": (lambda *a, **k: (*right_gradients(*a, **k), None), "it returned 4 gradients"),
    "an array": (lambda *a, **k: right_gradients(*a, **k)[0], "no tuple of gradients but ndarray"),
    "nothing": (lambda *_, **__: None, "it returned no tuple of gradients but NoneType"),
    "no bias": (altered(same, same, lambda _: None), "it returned None for the gradient by bias"),
    "a list of numbers": (altered(same, np.ndarray.tolist, same), "it returned no array but list"),
}


@pytest.mark.parametrize(("wrong", "said"), INVALID.values(), ids=INVALID)
def test_what_is_no_three_gradients_is_invalid_and_says_what_it_is(
    wrong: Callable[..., Any], said: str
) -> None:
    results = [each for each in alone(wrong).results if each.framework != "numpy"]
    assert [(each.output, each.status, each.explained) for each in results] == [
        (output, "invalid", False) for output in GRADIENTS
    ]
    assert all(said in str(each.error) for each in results)


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        (lambda a: a.astype(np.float64), "invalid", "it returned dtype float64"),
        (lambda a: a[..., :-1], "ok", "its shape is"),
        (lambda a: -a, "ok", "unrelated"),
        (lambda a: np.nextafter(a, np.float32(np.inf)), "ok", "integers have to be exact"),
    ],
    ids=["dtype", "shape", "sign", "an ulp"],
)
def test_a_wrong_gradient_is_unexplained_and_no_other_is_blamed(
    change: Change, status: str, said: str, number: int
) -> None:
    changes: list[Change] = [same, same, same]
    changes[number] = change
    results = own_of(alone(altered(*changes)))
    wrong = results.pop(GRADIENTS[number])
    assert (wrong.status, wrong.explained) == (status, False)
    assert said in str(wrong.reason)
    assert all(each.explained for each in results.values())


def test_an_exception_is_a_result() -> None:
    def raising(*_: Array, **__: Any) -> None:  # noqa: ANN401 - whatever it is called with
        raise ValueError("not\ntoday")

    results = own_of(alone(raising))
    endings = {(each.status, each.error) for each in results.values()}
    assert endings == {("rejected", "ValueError: not today")}
    beside = run(PLAIN, [], impl=right, impl_grad=raising, grad=True)
    assert [each.explained for each in beside.results] == [True, False, False, False]


@pytest.mark.parametrize("number", range(3))
def test_what_it_does_to_its_arrays_is_said_and_not_seen_by_others(number: int) -> None:
    def overwriting(*arrays: Array, **arguments: Any) -> Any:  # noqa: ANN401 - ints and pairs
        found = right_gradients(*arrays, **arguments)
        arrays[number][...] = 0
        return found

    results = own_of(found := alone(overwriting))
    name = ("dy", "x", "w")[number]
    assert {each.error for each in results.values()} == {f"it changed {name}, which it was given to read"}
    assert found.gradients is not None
    assert found.gradients.dy.any()


def test_a_function_that_gives_no_output_is_not_asked_for_gradients() -> None:
    found = run(PLAIN, [], impl=called, impl_grad=called, grad=True)
    assert [each.output for each in found.results] == ["value"]


# The precision that is declared


def half(found: CaseResult) -> Result:
    return own_of(found)["weight_grad"]


def test_gradients_are_held_to_the_mode_that_is_declared() -> None:
    case = Case("conv2d", (2, 4, 9, 9), 3, 3, padding=1, values="normal")
    own = altered(same, through(np.float16), same)
    assert not half(alone(own, case)).explained
    assert half(alone(own, case, mode="tf32")).explained
    narrow = changed(case, dtype="float16")
    own = altered(same, lambda w: w * np.float16(1 + 2**-9), same)
    assert half(alone(own, narrow)).explained
    assert not half(alone(own, narrow, mode="float32-sums")).explained


# What is refused


def test_a_gradient_function_without_gradients_is_refused() -> None:
    for impl in (None, right):
        with pytest.raises(FrameworkError, match=r"impl_grad=.*: allowed where gradients are asked for"):
            run(PLAIN, [], impl=impl, impl_grad=right_gradients)


def test_a_text_that_names_no_function_is_refused() -> None:
    with pytest.raises(FrameworkError, match="impl_grad 'nothing': allowed is MODULE:FUNCTION"):
        alone("nothing")
    with pytest.raises(FrameworkError, match=r"impl_grad 'convmm:nothing' cannot be imported"):
        alone("convmm:nothing")


def test_assertions_take_it_too() -> None:
    assert_parity(PLAIN, ["numpy"], right, impl_grad=right_gradients, grad=True)
    with pytest.raises(AssertionError, match="right native bias_grad") as raised:
        assert_parity(PLAIN, ["numpy"], right, impl_grad=altered(same, same, np.negative), grad=True)
    asked = "--grad --frameworks numpy --impl tests.support.coincidences:right --impl-grad MODULE:FUNCTION"
    assert str(raised.value).splitlines()[-1].endswith(asked)


# On the command line

CASE = "conv2d --input 2,4,6,5 --filters 6 --kernel 3,2 --stride 2 --bias --frameworks numpy".split()


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run_cli(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


def test_a_run_compares_it(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = printed(capsys, "run", *CASE, "--grad", "--impl-grad", NAME, "--json")
    record = json.loads(out)
    assert code == Outcome.EXPLAINED
    assert [each["output"] for each in record["results"]] == ["value", *GRADIENTS, *GRADIENTS]
    assert record["command"].endswith(f"--bias --grad --frameworks numpy --impl-grad {NAME}")
    assert printed(capsys, *record["command"].split()[1:], "--json") == (code, out, "")
    code, out, _ = printed(capsys, "run", *CASE, "--grad", "--impl-grad", NAME)
    assert out.count("functools.partial(tests.support.gradient_functions.right_gradients, ") == 1
    wrong = NAME.replace("right", "flipped")
    code, out, _ = printed(capsys, "run", *CASE, "--grad", "--impl-grad", wrong, "--json")
    assert code == Outcome.UNEXPLAINED
    assert [each["output"] for each in json.loads(out)["results"] if not each["explained"]] == ["weight_grad"]


def test_a_sweep_counts_it(capsys: pytest.CaptureFixture[str]) -> None:
    sweep = ["sweep", "article", "--limit", "2", "--grad", "--frameworks", "numpy", "--impl-grad", NAME]
    code, out, _ = printed(capsys, *sweep, "--json")
    own = [each for line in out.splitlines()[1:] for each in json.loads(line)["results"]]
    outputs = {each["output"] for each in own if each["framework"].endswith("right_gradients")}
    assert (code, outputs) == (Outcome.EXPLAINED, {"input_grad", "weight_grad"})


def test_it_runs_in_a_process_of_its_own() -> None:
    asked = [sys.executable, "-m", "parity", "run", *CASE, "--grad", "--json", "--impl"]
    given = ["tests.support.coincidences:right", "--impl-grad", NAME.replace("right", "aborting")]
    done = subprocess.run(
        [*asked, *given], cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False
    )
    results = [each for each in json.loads(done.stdout)["results"] if each["framework"] != "numpy"]
    assert done.returncode == Outcome.CRASHED
    assert [each["status"] for each in results] == ["ok", *["crashed"] * 3]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["run", *CASE], "allowed where gradients are asked for, with grad"),
        (["sweep", "article", "--limit", "1"], "allowed where gradients are asked for, with grad"),
        (["fuzz", "--examples", "1"], "allowed where gradients are asked for, with grad"),
        (["check", *CASE], "allowed is one beside an impl"),
    ],
    ids=lambda options: options[0] if isinstance(options, list) else "",
)
def test_it_is_refused_in_one_sentence_where_it_means_nothing(
    capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    code, out, err = printed(capsys, *options, "--impl-grad", NAME)
    assert (code, out, err.count("\n")) == (Outcome.WRONG_INPUT, "", 1)
    assert said in err
    assert NAME in err
