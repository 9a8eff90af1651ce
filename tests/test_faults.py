"""The tester tested: wrong implementations, each of which must be caught, and named where it has a name.

Each mistake is made twice: in a user's own function, around convmm, and in an adapter, around PyTorch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given

from parity import Case, run
from parity.cases.arrays import Array
from parity.cases.op import OPS, Op
from parity.cli.main import run_cli
from parity.frameworks import table
from parity.frameworks.interface import Framework
from parity.frameworks.precision import Mode
from parity.frameworks.spelling import Spelling, Unsupported
from parity.frameworks.table import find_framework
from parity.records.counts import Outcome
from parity.records.result import Result
from parity.running import run_with
from tests.support.faults import (
    Change,
    Wrong,
    accumulating,
    first_sample_always,
    in_input,
    in_kernel,
    in_operands,
    in_result,
    in_wider,
    interleaved,
    junk_at_the_border,
    moved,
    one_ulp,
    only_if,
    product,
    remembering,
    spoilt,
    through,
    truncated,
    without_last_tap,
)
from tests.support.implementations import RIGHT, of_convmm
from tests.support.lent import Here, lend
from tests.support.mistakes import FAULTS, REAL, Fault, case_of, fault, typical
from tests.support.strategies import changed, exact_cases_with_an_output, examples, share


@dataclass(frozen=True)
class Faulty(Framework):
    """A framework whose rules are right, with a mistake between it and what calls it."""

    own: Framework
    wrong: Wrong
    case: Case

    @property
    def name(self) -> str:
        return self.own.name

    @property
    def padding_modes(self) -> tuple[str, ...]:
        return self.own.padding_modes

    def version(self) -> str | None:
        return self.own.version()

    def backend(self) -> str | None:
        return self.own.backend()

    def load(self) -> object:
        return self.own.load()

    def pin(self, threads: int) -> dict[str, Any]:
        return self.own.pin(threads)

    def mode(self, case: Case) -> Mode:
        return self.own.mode(case)

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        return self.own.spell(case)

    def call(self, layer: object, weights: Sequence[Array], x: Array) -> Array:
        """Wrong, by another layer of the framework where the mistake is in the arguments."""
        del layer
        called = self.wrong(self.compute)
        return called(x, *weights, **self.case.explicit)  # type: ignore[no-any-return] # it may be anything

    def compute(self, x: Array, w: Array, *bias: Array, **arguments: Any) -> Array:  # noqa: ANN401 - ints and pairs
        meant = changed(
            self.case, input=x.shape, kernel=w.shape[2:], bias=bool(bias), dtype=x.dtype.name, **arguments
        )
        (spelling,) = self.own.exact(meant)
        return self.own.call(spelling.layer.call(), spelling.convert([w, *bias]), x)


# Each mistake is caught

EVERY = [pytest.param(name, op, id=f"{name}-{op}") for name, each in FAULTS.items() for op in each.ops]


def by_function(case: Case, wrong: Wrong, mode: str | None = None) -> Result:
    (result,) = run(case, [], impl=wrong(partial(of_convmm, case.op)), mode=mode).results
    return result


def by_adapter(case: Case, wrong: Wrong) -> Result:
    result, *_ = run_with(case, [Faulty(find_framework("torch"), wrong, case)]).results
    return result


@pytest.mark.parametrize(("name", "op"), EVERY)
@pytest.mark.parametrize("made", [by_function, by_adapter])
def test_a_mistake_is_caught_and_named(made: Callable[[Case, Wrong], Result], name: str, op: str) -> None:
    mistake = FAULTS[name]
    result = made(case_of(mistake, op), mistake.wrong)
    assert not result.explained
    assert mistake.says in str(result.reason)
    assert result.relation == mistake.relation or mistake.relation is None


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("made", [by_function, by_adapter])
def test_without_a_mistake_the_same_cases_agree(made: Callable[[Case, Wrong], Result], op: str) -> None:
    for case in {case_of(each, op) for each in FAULTS.values() if op in each.ops}:
        result = made(case, lambda right: right)
        assert (result.relation, result.explained) == ("identical", True), case.command


@dataclass(frozen=True)
class Spoiling(Faulty):
    """A framework of which every layer's result is spoilt, whatever its spelling."""

    change: Change = np.zeros_like

    def call(self, layer: object, weights: Sequence[Array], x: Array) -> Array:
        return self.change(np.array(self.own.call(layer, weights, x)))  # type: ignore[no-any-return] # as above


SPOILT: dict[str, Change] = {
    "zeros": np.zeros_like,
    "one unit in the last place": one_ulp,
    "an uninitialised border": junk_at_the_border,
    "another dtype": lambda y: y.astype(np.float64),
    "one sample, broadcastable": lambda y: y[:1],
    "channels last": lambda y: np.moveaxis(y, 1, -1),
    "NaN somewhere": spoilt(-1, -1, by=lambda y: y * np.nan),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_result_is_caught_in_every_spelling_whether_or_not_it_should_differ(name: str) -> None:
    case = Case("conv_transpose2d", (5, 3, 2, 2), 1, 3, stride=2, output_padding=1)
    right = run(case, ["keras"])
    wrong = run_with(case, [Spoiling(find_framework("keras"), lambda own: own, case, change=SPOILT[name])])
    assert {result.spelling: result.explained for result in right.results} == {
        "native": True,
        "lookalike": True,
    }
    assert {result.spelling: result.explained for result in wrong.results} == {
        "native": False,
        "lookalike": False,
    }


# Mistakes that are made sometimes


def spread(op: str) -> list[Case]:
    """24 cases: even and odd sizes, strides, dilations, batches; every second one in two groups."""
    alternatives = {"size": (8, 9), "stride": (1, 2, 3), "dilation": (1, 2), "batch": (1, 2)}
    return [
        Case(
            op,
            (each["batch"], 4, *[each["size"]] * Op.of(op).rank),
            4,
            3,
            stride=each["stride"],
            padding=1,
            dilation=each["dilation"],
            groups=1 + (number // 2 + number) % 2,
            bias=True,
            seed=number,
        )
        for number, each in enumerate(product(alternatives))
    ]


Condition = Callable[..., bool]

SOMETIMES: dict[str, tuple[Condition, Wrong, str]] = {
    "for even sizes": (lambda x, _, **__: x.shape[-1] % 2 == 0, moved(-1), "window"),
    "at stride 3": (lambda *_, stride, **__: stride[0] == 3, moved(1), "window"),
    "for batches of more than one": (
        lambda x, _, **__: len(x) > 1,
        in_result(first_sample_always),
        "unrelated",
    ),
    "in groups": (lambda *_, groups, **__: groups > 1, in_input(interleaved(2)), "groups permuted"),
    "where dilation 2 meets stride 3": (
        lambda *_, stride, dilation, **__: (stride[0], dilation[0]) == (3, 2),
        in_kernel(without_last_tap),
        "unrelated",
    ),
}


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("name", SOMETIMES)
def test_a_mistake_that_is_made_sometimes_is_caught_in_24_cases(name: str, op: str) -> None:
    condition, wrong, relation = SOMETIMES[name]
    made = {case for case in spread(op) if condition(np.empty(case.input), np.empty(1), **case.explicit)}
    results = {case: by_function(case, only_if(condition, wrong)) for case in spread(op)}
    assert 0 < len(made) < len(results)
    assert {case for case, result in results.items() if not result.explained} == made
    assert {results[case].relation for case in made} == {relation}


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("wrong", [accumulating, remembering])
def test_a_state_kept_between_calls_is_caught_in_the_second_case(wrong: Wrong, op: str) -> None:
    function = wrong(partial(of_convmm, op))
    first, second = (run(typical(op, seed=seed), [], impl=function) for seed in (0, 1))
    assert (first.verdict, second.verdict) == ("agree", "unexplained")


# What is not caught


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize(
    ("dtype", "narrower"), [("float32", ml_dtypes.bfloat16), ("float64", np.float32)], ids=str
)
def test_integers_fit_in_narrower_operands_and_normal_values_do_not(
    op: str,
    dtype: str,
    narrower: Any,  # noqa: ANN401 - a dtype
) -> None:
    wrong = in_operands(through(narrower))
    assert by_function(typical(op, dtype=dtype), wrong).relation == "identical"
    assert by_function(typical(op, dtype=dtype, values="normal"), wrong).relation == "numeric"


# Caught where the function's precision is declared

HIDDEN: dict[str, Fault] = {
    "bfloat16 cut off instead of rounded": fault(
        in_wider(np.float32, truncated(8)), "numeric", "cut off", dtype="bfloat16", **REAL
    ),
    "float16 cut off instead of rounded": fault(
        in_wider(np.float32, truncated(11)), "numeric", "cut off", dtype="float16", **REAL
    ),
}


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("name", HIDDEN)
def test_what_the_bound_of_an_unknown_accumulator_hides_is_caught_where_one_is_declared(
    name: str, op: str
) -> None:
    mistake = HIDDEN[name]
    result = by_function(case_of(mistake, op), mistake.wrong, "float32-sums")
    assert (result.relation, result.explained) == (mistake.relation, False)
    assert mistake.says in str(result.reason)


# Through the command line

A_FEW = [
    "the window begins one later",
    "the kernel is flipped",
    "the bias is dropped",
    "one unit in the last place",
    "another dtype",
    "one sample, broadcastable",
    "zeros",
    "NaN somewhere",
]


def exit_code(case: Case, *options: str) -> int:
    return run_cli([*case.command.split()[1:], *options, "--json"])


KERNELS = """
from functools import partial

from tests.support.implementations import of_convmm
from tests.support.mistakes import FAULTS

right = partial(of_convmm, {op!r})
wrong = FAULTS[{name!r}].wrong(right)
"""
"""A user's module: the right function, and the faulty one."""


@pytest.mark.parametrize("name", A_FEW)
@pytest.mark.parametrize("op", ["conv2d", "conv_transpose2d"])
def test_a_wrong_function_ends_the_command_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, op: str
) -> None:
    case = case_of(FAULTS[name], op)
    lend(monkeypatch)
    module = tmp_path.name
    (tmp_path / f"{module}.py").write_text(KERNELS.format(name=name, op=op), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    options = "--frameworks", "numpy", "--impl"
    assert exit_code(case, *options, f"{module}:right") == Outcome.EXPLAINED
    assert exit_code(case, *options, f"{module}:wrong") == Outcome.UNEXPLAINED
    assert '"verdict": "unexplained"' in capsys.readouterr().out


@pytest.mark.parametrize("name", A_FEW)
@pytest.mark.parametrize("op", ["conv2d", "conv_transpose2d"])
def test_a_faulty_adapter_ends_the_command_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, op: str
) -> None:
    case, torch = case_of(FAULTS[name], op), find_framework("torch")
    made = {"torch": Faulty(torch, FAULTS[name].wrong, case)}
    right = table._made  # noqa: SLF001 - what the table has made is what is replaced
    monkeypatch.setattr(table, "_made", lambda framework: made.get(framework) or right(framework))
    lend(monkeypatch, Here)
    assert exit_code(case) == Outcome.UNEXPLAINED
    results = json.loads(capsys.readouterr().out)["results"]
    assert {each["framework"] for each in results if not each["explained"]} == {"torch"}


# Right implementations pass


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("name", RIGHT)
@examples(25)
@given(st.data())
def test_a_right_implementation_passes(name: str, op: str, data: st.DataObject) -> None:
    case = data.draw(exact_cases_with_an_output((op,)))
    (result,) = run(case, [], impl=partial(RIGHT[name], op)).results
    assert (result.relation, result.explained) == ("identical", True)


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("name", RIGHT)
def test_a_right_implementation_passes_on_real_values(name: str, op: str) -> None:
    for case in spread(op)[:: 4 * share(2)]:
        (result,) = run(changed(case, values="normal"), [], impl=partial(RIGHT[name], op)).results
        assert (result.relation, result.explained) == ("identical", True)
