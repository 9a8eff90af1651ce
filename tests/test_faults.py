"""The tester tested: wrong implementations, each of which must be caught, and named where it has a name.

Each mistake is made twice: in a user's own function, around convmm, and in an adapter, around PyTorch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import hypothesis.strategies as st
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given

import convmm
from parity import Case, run
from parity.cases.arrays import Array
from parity.cases.case import OPS
from parity.cli.main import run_cli
from parity.frameworks import table
from parity.frameworks.interface import Framework
from parity.frameworks.precision import Mode
from parity.frameworks.spelling import Spelling, Unsupported
from parity.frameworks.table import find_framework
from parity.frameworks.task import Task, Wait, here
from parity.records.counts import Outcome
from parity.records.result import Result
from parity.running import run_with
from parity.workers.workers import Workers
from tests.support import naive
from tests.support.faults import (
    Change,
    Wrong,
    accumulating,
    exchanged,
    first_sample_always,
    flipped,
    in_arguments,
    in_bias,
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
    output_padding_first,
    overwriting,
    padded,
    product,
    read_channels_last,
    remembering,
    rolled,
    spoilt,
    spoilt_one_in,
    summed,
    through,
    truncated,
    view_of_input,
    without,
    without_last_tap,
    wrapped_to_16_bits,
)
from tests.support.strategies import CONVS, TRANSPOSES, changed, exact_cases_with_an_output, examples

MANY_AXES = tuple(op for op in OPS if not op.endswith("1d"))
SIZES = (9, 8, 7)


@dataclass(frozen=True)
class Fault:
    """A mistake, and what parity has to say of it.

    Attributes:
        wrong: makes it.
        relation: its name in the diagnosis; None where it has none, so that it is only to be caught.
        says: what stands in the reason.
        ops: those that it can be made in.
        case: how the case that exposes it differs from :func:`typical`.
    """

    wrong: Wrong
    relation: str | None = None
    says: str = ""
    ops: Sequence[str] = OPS
    case: tuple[tuple[str, object], ...] = ()


def fault(
    wrong: Wrong, relation: str | None = None, says: str = "", ops: Sequence[str] = OPS, **case: object
) -> Fault:
    """A :class:`Fault`, its case's arguments by name."""
    return Fault(wrong, relation, says, ops, tuple(case.items()))


def typical(op: str, **arguments: object) -> Case:
    """Two samples, two groups of two channels, every argument in use."""
    rank = int(op[-2])
    own: dict[str, Any] = {"stride": 2, "padding": 1, "groups": 2, "bias": True}
    if op in TRANSPOSES:
        own["output_padding"] = 1
    case = Case(op, (2, 4, *SIZES[:rank]), 4, 3, **own)
    return changed(case, **arguments)


REAL: dict[str, Any] = {"values": "normal"}
LONG_SUMS: dict[str, Any] = {"values": "normal", "stride": 1, "output_padding": None}

FAULTS: dict[str, Fault] = {
    # windows
    "the window begins one later": fault(moved(-1), "window", "begins"),
    "the window begins one sooner": fault(moved(1), "window", "begins"),
    "the window begins later on the last axis only": fault(
        moved(-1, np.s_[-1:]), "window", "begins", MANY_AXES
    ),
    "padding is ignored": fault(without("padding"), "window", "its shape is"),
    "output padding is ignored": fault(without("output_padding"), "window", "its shape is", TRANSPOSES),
    "output padding comes before the output": fault(
        output_padding_first(of_zeros=False), "window", "added before it, not after", TRANSPOSES, padding=2
    ),
    "output padding is zeros before the output": fault(
        output_padding_first(of_zeros=True), "output padding side", "zeros before the output", TRANSPOSES
    ),
    "the result lacks its last row": fault(in_result(lambda y: y[..., :-1]), "window", "its shape is"),
    "edge padding": fault(padded("edge"), "padding values", "edge values", CONVS),
    "reflected padding": fault(padded("reflect"), "padding values", "reflect values", CONVS),
    "wrapped padding": fault(padded("wrap"), "padding values", "wrap values", CONVS),
    # order
    "the kernel is flipped": fault(flipped(), "flipped", "flipped on"),
    "the kernel is flipped on one axis": fault(flipped(2), "flipped", "1 of", MANY_AXES),
    "the kernel's axes are swapped": fault(
        in_kernel(lambda w: w.swapaxes(2, 3)), "axes swapped", "order (1, 0", MANY_AXES
    ),
    "the result's axes are swapped": fault(
        in_result(lambda y: y.swapaxes(2, 3)), None, "unrelated", ("conv2d",), input=[2, 4, 9, 9]
    ),
    "the kernel's channels are swapped": fault(
        in_kernel(lambda w: w.swapaxes(0, 1)), "channels swapped", "swapped", groups=1
    ),
    "the result's channels are reversed": fault(in_result(lambda y: y[:, ::-1]), groups=1),
    "the input's groups are permuted": fault(in_input(rolled(2)), "groups permuted", "order (1, 0)"),
    "the input's groups are interleaved": fault(in_input(interleaved(2)), "groups permuted", "channel % 2"),
    "the result's groups are permuted": fault(in_result(rolled(2)), "groups permuted", "output"),
    "samples are swapped": fault(in_result(lambda y: y[::-1])),
    "every sample is the first": fault(in_result(first_sample_always), None, "the last of 2 samples"),
    "the input is read as channels last": fault(in_input(read_channels_last), "layout", "the input"),
    "the kernel is read as channels last": fault(in_kernel(read_channels_last), "layout", "the kernel"),
    "the channels-last result is reshaped": fault(in_result(read_channels_last), "layout", "the output"),
    "the result is channels last": fault(
        in_result(lambda y: np.moveaxis(y, 1, -1)), "layout", "channels last"
    ),
    # arguments
    "the bias is dropped": fault(in_bias(lambda _: None), "bias", "missing"),
    "the bias is added twice": fault(in_bias(lambda b: b + b), "bias", "twice"),
    "the bias is subtracted": fault(in_bias(np.negative)),
    "the bias is in another order": fault(in_bias(lambda b: b[::-1])),
    "the stride is ignored": fault(without("stride", "output_padding"), ops=TRANSPOSES),
    "the stride is ignored in a convolution": fault(without("stride"), ops=CONVS),
    "the dilation is ignored": fault(without("dilation"), dilation=2),
    "stride and dilation are exchanged": fault(
        in_arguments(exchanged), "stride and dilation exchanged", "for (3", stride=3, dilation=2
    ),
    "the last tap is skipped": fault(in_kernel(without_last_tap)),
    "the mean is taken for the sum": fault(in_result(lambda y: y / 3), "scaled", "0.333333 times"),
    "the sign is lost": fault(in_result(np.negative), "scaled", "-1 times"),
    "a ReLU follows": fault(in_result(lambda y: np.maximum(y, 0))),
    # precision
    "one unit in the last place": fault(in_result(one_ulp), "numeric", "integers have to be exact"),
    "operands rounded to bfloat16": fault(
        in_operands(through(ml_dtypes.bfloat16)), "numeric", "operands are rounded to bfloat16", **REAL
    ),
    "operands rounded to float16": fault(
        in_operands(through(np.float16)), "numeric", "operands are rounded to float16", **REAL
    ),
    "the result rounded to bfloat16": fault(
        in_result(through(ml_dtypes.bfloat16)), "numeric", "result is rounded to bfloat16"
    ),
    "the result rounded to float16": fault(
        in_result(through(np.float16)), "numeric", "result is rounded to float16", **REAL
    ),
    "float32 sums accumulated in float16": fault(summed(through(np.float16)), **LONG_SUMS),
    "float32 sums accumulated in bfloat16": fault(summed(through(ml_dtypes.bfloat16)), **LONG_SUMS),
    "float64 computed in float32": fault(
        in_operands(through(np.float32)), "numeric", "float32", dtype="float64", **REAL
    ),
    "float32 cut to 18 bits": fault(in_result(truncated(18)), "numeric", "within the bound of", **REAL),
    "float64 cut to 32 bits": fault(
        in_result(truncated(32)), "numeric", "within the bound of", dtype="float64", **REAL
    ),
    "float16 sums cut off after each tap": fault(summed(truncated(6)), dtype="float16", **LONG_SUMS),
    "sums wrapped to 16 bits": fault(in_result(wrapped_to_16_bits)),
    "noise in the last bits": fault(
        in_result(lambda y: y * (1 + np.float32(2**-23))), "numeric", "integers have to be exact"
    ),
    # values and shapes
    "another dtype": fault(in_result(lambda y: y.astype(np.float64)), None, "dtype float64"),
    "a half type": fault(in_result(lambda y: y.astype(np.float16)), None, "dtype float16"),
    "no array": fault(in_result(lambda y: y.tolist()), None, "no array but list"),
    "one sample, broadcastable": fault(in_result(lambda y: y[:1]), None, "its shape is"),
    "one channel, broadcastable": fault(in_result(lambda y: y[:, :1]), None, "its shape is"),
    "one element, broadcastable": fault(in_result(lambda y: y.ravel()[:1]), None, "its shape is"),
    "zeros": fault(in_result(np.zeros_like), None, "unrelated"),
    "NaN somewhere": fault(in_result(spoilt(-1, -1, by=lambda y: y * np.nan)), None, "nan"),
    "one infinity": fault(in_result(spoilt(0, 0, ..., 0, by=lambda y: y + np.inf)), None, "inf"),
    "an uninitialised border": fault(in_result(junk_at_the_border), None, "elements differ"),
    "the last channel is wrong": fault(
        in_result(spoilt(np.s_[:], -1, by=lambda y: y + 1)), None, "only in the last of 4 channels"
    ),
    "one value in 10^4": fault(
        in_result(spoilt_one_in(10**4)), None, "2 of 28800", ("conv2d",), input=[4, 4, 60, 60], filters=8
    ),
    "one value in 10^4 of a transposed convolution": fault(
        in_result(spoilt_one_in(10**4)), None, "1 of 12800", ("conv_transpose2d",), input=[2, 4, 20, 20]
    ),
    "negative inputs are taken for zero": fault(in_input(lambda x: np.maximum(x, 0))),
    # memory
    "the input is overwritten before it is read": fault(overwriting(0, first=True), None, "changed x"),
    "the input is overwritten after it was read": fault(overwriting(0, first=False), None, "changed x"),
    "the kernel is overwritten before it is read": fault(overwriting(1, first=True), None, "changed w"),
    "the kernel is overwritten after it was read": fault(overwriting(1, first=False), None, "changed w"),
    "a view of the input is returned": fault(view_of_input, None, "unrelated", stride=1, output_padding=None),
}


# Who computes


def of_convmm(op: str, x: Array, w: Array, *bias: Array, **arguments: Any) -> Array:  # noqa: ANN401 - ints and pairs
    return np.asarray((convmm.conv_transpose if op in TRANSPOSES else convmm.conv)(x, w, *bias, **arguments))


def of_loops(op: str, x: Array, w: Array, *bias: Array, **arguments: Any) -> Array:  # noqa: ANN401 - as above
    function = naive.conv_transpose if op in TRANSPOSES else naive.conv
    return np.asarray(function(x, w, *bias, **arguments)).astype(x.dtype)


def of_torch(op: str, x: Array, w: Array, *bias: Array, **arguments: Any) -> Array:  # noqa: ANN401 - as above
    """By ``torch.nn.functional``, all pads and crops outside."""
    torch = pytest.importorskip("torch")
    padding, added = arguments.pop("padding"), arguments.pop("output_padding", None)
    given_x, *weights = (torch.from_numpy(np.ascontiguousarray(array)) for array in (x, w, *bias))
    convolve, pad = getattr(torch.nn.functional, op), torch.nn.functional.pad
    if added is None:
        ends = [(before, after) for before, after in padding]
        return np.asarray(convolve(pad(given_x, last_first(ends)), *weights, **arguments).numpy())
    # Longer first: what is cropped before an axis may be more than there is without the output padding.
    longer = pad(convolve(given_x, weights[0], **arguments), last_first([(0, q) for q in added]))
    y = pad(longer, last_first([(-before, -after) for before, after in padding])).numpy()
    return np.asarray(y + bias[0].reshape(-1, *[1] * (x.ndim - 2)) if bias else y)


def last_first(ends: Sequence[tuple[int, int]]) -> list[int]:
    """Pads in torch's order: the last axis first."""
    return [end for pair in reversed(ends) for end in pair]


RIGHT: dict[str, Callable[..., Array]] = {
    "convmm": of_convmm,
    "the definition": of_loops,
    "torch.nn.functional": of_torch,
}


@dataclass(frozen=True)
class Faulty(Framework):
    """A framework whose rules are right, with a mistake between it and what calls it."""

    own: Framework
    wrong: Wrong
    case: Case

    @property
    def name(self) -> str:
        return self.own.name

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

EVERY = [pytest.param(name, op, id=f"{name}-{op}") for name, fault in FAULTS.items() for op in fault.ops]


def case_of(fault: Fault, op: str) -> Case:
    arguments = dict(fault.case)
    if op in CONVS:
        arguments.pop("output_padding", None)
    return typical(op, **arguments)


def by_function(case: Case, wrong: Wrong, mode: str | None = None) -> Result:
    (result,) = run(case, [], impl=wrong(partial(of_convmm, case.op)), mode=mode).results
    return result


def by_adapter(case: Case, wrong: Wrong) -> Result:
    result, *_ = run_with(case, [Faulty(find_framework("torch"), wrong, case)]).results
    return result


@pytest.mark.parametrize(("name", "op"), EVERY)
@pytest.mark.parametrize("made", [by_function, by_adapter])
def test_a_mistake_is_caught_and_named(made: Callable[[Case, Wrong], Result], name: str, op: str) -> None:
    fault = FAULTS[name]
    result = made(case_of(fault, op), fault.wrong)
    assert not result.explained
    assert fault.says in str(result.reason)
    assert result.relation == fault.relation or fault.relation is None


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("made", [by_function, by_adapter])
def test_without_a_mistake_the_same_cases_agree(made: Callable[[Case, Wrong], Result], op: str) -> None:
    for case in {case_of(fault, op) for fault in FAULTS.values() if op in fault.ops}:
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
            (each["batch"], 4, *[each["size"]] * int(op[-2])),
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
    fault = HIDDEN[name]
    result = by_function(case_of(fault, op), fault.wrong, "float32-sums")
    assert (result.relation, result.explained) == (fault.relation, False)
    assert fault.says in str(result.reason)


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

from tests.test_faults import FAULTS, of_convmm

right = partial(of_convmm, {op!r})
wrong = FAULTS[{name!r}].wrong(right)
"""
"""A user's module: the right function, and the faulty one."""


class Here(Workers):
    """Frameworks in this very process, where a faulty one can be put in a real one's place."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def switches(self) -> list[dict[str, Any] | None]:
        return []

    def submit(self, found: Framework, task: Task) -> Wait:
        return here(found, task)


@pytest.mark.parametrize("name", A_FEW)
@pytest.mark.parametrize("op", ["conv2d", "conv_transpose2d"])
def test_a_wrong_function_ends_the_command_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, op: str
) -> None:
    case = case_of(FAULTS[name], op)
    (tmp_path / "kernels_of_a_user.py").write_text(KERNELS.format(name=name, op=op), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    options = "--frameworks", "numpy", "--impl"
    assert exit_code(case, *options, "kernels_of_a_user:right") == Outcome.EXPLAINED
    assert exit_code(case, *options, "kernels_of_a_user:wrong") == Outcome.UNEXPLAINED
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
    monkeypatch.setattr("parity.cli.run.Workers", Here)
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
    for case in spread(op)[::4]:
        (result,) = run(changed(case, values="normal"), [], impl=partial(RIGHT[name], op)).results
        assert (result.relation, result.explained) == ("identical", True)
