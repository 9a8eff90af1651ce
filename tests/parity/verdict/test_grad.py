"""Gradients through the frameworks: `grad=True` and `--grad`."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given

from convmm.fast.kernels import totals
from parity import Case, run
from parity.cases.arrays import SIGNIFICAND_BITS, Array, numpy_dtype
from parity.cases.case import DTYPES
from parity.cases.op import OPS, Op
from parity.cases.values.drawing import draw_arrays
from parity.cases.values.integers import LARGEST_INTEGER
from parity.cli.main import run_cli
from parity.frameworks.keras import differentiate
from parity.frameworks.known.registry import layers_of
from parity.frameworks.numpy import NumPy
from parity.frameworks.spelling import Spelling, Unsupported
from parity.frameworks.table import FrameworkError, find_framework
from parity.frameworks.task import Task, here
from parity.records.counts import Outcome, Report
from parity.records.result import Record, Result
from parity.running import run_with
from parity.verdict.gradients import make_backward
from parity.verdict.judge import gradient_results
from tests.support.gradients import GRADIENTS, VALID, gradients_of, unexplained
from tests.support.strategies import agreeing_cases, cases, changed, examples

pytestmark = pytest.mark.usefixtures("shared_processes")

FRAMEWORKS = ("numpy", "torch", "keras")
PLAIN = Case("conv2d", (2, 4, 6, 5), 6, (3, 2), stride=2, padding=1, groups=2, bias=True)
core = NumPy()

Weights = Sequence[Array]


@dataclass(frozen=True)
class Altered(NumPy):
    """The NumPy core as a framework of which the gradients are altered."""

    change: Callable[[Array, Array, Array], Any]

    def backward(self, layer: Any, weights: Weights, x: Array, dy: Array) -> Any:  # noqa: ANN401 - right or wrong
        by_input, (by_kernel, by_bias) = super().backward(layer, weights, x, dy)
        by_input, *by_weights = self.change(by_input, by_kernel, by_bias)
        return by_input, by_weights


def run_altered(change: Callable[[Array, Array, Array], Any], case: Case = PLAIN) -> dict[str, Result]:
    """The results by output, of gradients so altered."""
    altered: Any = Altered(change)
    return {result.output: result for result in run_with(case, [altered], grad=True).results}


def sizes(case: Case) -> dict[str, tuple[int, ...]]:
    return {"input_grad": case.input, "weight_grad": case.kernel_shape, "bias_grad": (case.filters,)}


# What frameworks give


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"stride": 2, "bias": True},
        {"dilation": 2},
        {"groups": 2, "bias": True},
        {"padding": "same"},
        {"dtype": "float64"},
        {"dtype": "float16", "bias": True},
        {"dtype": "bfloat16"},
    ],
    ids=str,
)
def test_the_gradients_of_a_native_layer_are_the_cores(
    framework: str, op: str, arguments: dict[str, Any]
) -> None:
    size = (6, 5, 4)[: Op.of(op).rank]
    case = changed(Case(op, (2, 4, *size), 6, 2, padding="valid"), **arguments)
    found = run(case, [framework], grad=True)
    assert unexplained(found) == []
    value = found.results[0]
    if value.status != "ok":
        assert value.status in {"unsupported", "rejected"}
        assert framework != "numpy"
        return
    results = gradients_of(found, framework)
    assert list(results) == [name for name in GRADIENTS if case.bias or name != "bias_grad"]
    for name, result in results.items():
        assert (result.status, result.relation, result.predicted) == ("ok", "identical", "identical")
        assert (result.exact, result.allclose, result.bound_ratio) == (True, True, 0.0)
        assert result.shape == sizes(case)[name]
        assert (result.spelling, result.layer) == ("native", value.layer)
        assert result.label == f"{framework} native {name}"


@examples(100)
@given(agreeing_cases(values=("integers",)))
def test_no_gradient_of_torch_is_unexplained(case: Case) -> None:
    found = run(case, ["numpy", "torch"], grad=True)
    assert unexplained(found) == []
    for result in found.results:
        if result.output != "value":
            assert result.exact
            assert result.shape == sizes(case)[result.output]


@examples(25)
@given(cases(values=("integers",)))
def test_no_gradient_of_keras_is_unexplained(case: Case) -> None:
    assert unexplained(run(case, ["keras"], grad=True)) == []


@examples(30)
@given(cases(values=("normal", "wide")))
def test_gradients_of_real_numbers_are_within_their_bounds(case: Case) -> None:
    found = run(case, ["numpy", "torch"], grad=True)
    assert not any(each.exact for each in make_backward(case, draw_arrays(case)).expected.values())
    assert unexplained(found) == []


@pytest.mark.parametrize("values", ["normal", "wide", "special"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("padding", [1, "same"])
def test_every_dtype_and_kind_of_values_has_its_bound(values: str, dtype: str, padding: int | str) -> None:
    case = Case("conv2d", (2, 4, 9, 9), 3, 3, padding=padding, bias=True, dtype=dtype, values=values)
    assert unexplained(run(case, FRAMEWORKS, grad=True)) == []


def test_a_gradient_beyond_its_bound_is_unexplained() -> None:
    case = changed(PLAIN, values="normal")
    results = run_altered(lambda x, w, b: (x, w * np.float32(1 + 1e-4), b), case)
    assert [name for name, result in results.items() if not result.explained] == ["weight_grad"]
    assert (results["weight_grad"].bound_ratio or 0) > 1
    ratio = results["input_grad"].bound_ratio
    assert ratio is not None
    assert 0 <= ratio <= 1


@pytest.mark.parametrize("backend", ["torch"])
def test_keras_differentiates_on_another_backend(backend: str) -> None:
    code = f"""
from parity import run
from tests.support.gradients import GRADIENTS, VALID, gradients_of, unexplained
found = run(VALID, ["keras"], grad=True)
assert unexplained(found) == [], unexplained(found)
assert found.results[0].backend.startswith({backend!r}), found.results[0].backend
results = gradients_of(found, "keras")
assert tuple(results) == GRADIENTS, results
assert all(result.exact for result in results.values()), results
"""
    environment = {**os.environ, "KERAS_BACKEND": backend}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)


# What is asked for


@examples(60)
@given(cases(dtypes=("float64",), values=("integers",)))
def test_what_gradients_have_to_be_follows_from_the_output_being_linear(case: Case) -> None:
    found = run(changed(case, bias=False), ["numpy"], grad=True)
    assert found.gradients is not None
    x, w, _ = draw_arrays(found.case)
    expected = found.gradients.expected
    total = (found.reference * found.gradients.dy).sum()
    assert (expected["input_grad"] * x).sum() == total
    assert (expected["weight_grad"] * w).sum() == total


@examples(60)
@given(cases(values=("integers",)))
def test_integers_have_exact_gradients_in_every_dtype(case: Case) -> None:
    dy, expected = (backward := make_backward(case, draw_arrays(case))).dy, backward.expected
    assert dy.shape == case.output_shape
    assert dy.dtype == numpy_dtype(case.dtype)
    magnitudes = np.abs(dy.astype(np.float64))
    assert all(each.exact for each in expected.values())
    assert magnitudes.max(initial=0) <= LARGEST_INTEGER
    assert magnitudes.any() or not dy.size
    if case.bias:
        over_places = magnitudes.sum(axis=(0, *range(2, dy.ndim)))
        assert over_places.max() <= 2 ** SIGNIFICAND_BITS[case.dtype]


def test_where_ones_are_too_large_some_of_the_gradient_by_the_output_is_zero() -> None:
    case = Case("conv2d", (4, 8, 16, 16), 8, 3, dtype="bfloat16", bias=True)
    backward = make_backward(case, draw_arrays(case))
    assert set(np.unique(backward.dy.astype(np.float64))) == {-1.0, 0.0, 1.0}
    assert all(each.exact for each in backward.expected.values())


def test_numbers_that_the_dtype_rounds_have_gradients_within_bounds() -> None:
    case = Case("conv1d", (1, 1, 5000), 1, 1, dtype="float16", values="arange")
    expected = make_backward(case, draw_arrays(case)).expected
    assert not expected["weight_grad"].exact
    assert expected["input_grad"].exact


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_seed_alone_gives_the_gradient_by_the_output(dtype: str) -> None:
    case = changed(PLAIN, dtype=dtype)
    once, again = (make_backward(case, draw_arrays(case)).dy for _ in range(2))
    np.testing.assert_array_equal(once, again)
    other = changed(case, seed=1)
    assert not np.array_equal(once, make_backward(other, draw_arrays(other)).dy)


@examples(20)
@given(cases(values=("integers",)))
def test_asking_for_gradients_changes_nothing_else(case: Case) -> None:
    plain, full = (run(case, ["numpy", "torch"], grad=grad).to_dict() for grad in (False, True))
    values = [result for result in full["results"] if result["output"] == "value"]
    assert values == plain["results"]
    assert full["pairs"] == plain["pairs"]
    assert full["command"] == plain["command"].replace(" --frameworks", " --grad --frameworks")


# What has no gradients


def test_what_has_no_output_and_what_means_another_case_has_no_gradients() -> None:
    for case, frameworks, having in [
        (Case("conv2d", (1, 2, 6, 6), 2, 3, padding=((0, 1), (1, 0))), ["torch"], {"exact"}),
        (Case("conv2d", (1, 2, 9, 9), 2, 3, stride=2, dilation=2, padding="same"), ["keras"], {"exact"}),
        (Case("conv_transpose1d", (1, 1, 2), 1, 2, padding=((1, 2),)), ["numpy", "torch"], set()),  # empty
    ]:
        found = run(case, frameworks, grad=True)
        assert {result.spelling for result in found.results if result.output != "value"} == having
        assert unexplained(found) == []


EXACT = {
    "zeros around": Case("conv2d", (2, 2, 6, 5), 3, 3, padding=((0, 1), (2, 0)), bias=True),
    "a crop": Case("conv_transpose2d", (2, 2, 4, 3), 3, 3, stride=2, padding=((0, 1), (1, 0)), bias=True),
    "a zero-stuffed kernel": Case("conv2d", (2, 2, 9, 9), 3, (3, 2), stride=2, dilation=2, bias=True),
    "a layer a group": Case("conv_transpose2d", (2, 4, 4, 3), 6, 3, stride=2, groups=2, bias=True),
    "groups without a bias": Case("conv_transpose1d", (2, 6, 4), 6, 3, groups=3),
    "groups of zero-stuffed kernels": Case(
        "conv_transpose1d", (2, 6, 4), 6, 3, stride=3, dilation=2, groups=3, bias=True
    ),
}


@pytest.mark.parametrize("framework", ["torch", "keras"])
@pytest.mark.parametrize("name", EXACT)
def test_the_gradients_of_an_exact_layer_are_those_of_the_case(name: str, framework: str) -> None:
    case = EXACT[name]
    found = [
        result
        for spelling in find_framework(framework).exact(case)
        for result in gradients_by(spelling, case)
    ]
    assert [result.output for result in found] == list(make_backward(case, draw_arrays(case)).expected)
    assert [(result.relation, result.exact) for result in found] == [("identical", True)] * len(found)


def gradients_by(spelling: Spelling, case: Case) -> list[Result]:
    """Those of a layer of the framework that its call names, whether or not the case has a native one."""
    found = find_framework(str(spelling.layer.imports[0]))
    backward = make_backward(case, draw_arrays(case))
    answer = here(found, Task.of(spelling, draw_arrays(case), backward.dy))()
    about = {"framework": found.name, "version": None, "backend": None, "spelling": "exact", "layer": ""}
    judged = gradient_results(about, answer, backward, found.mode_of_gradients(case))
    return [result for result, _ in judged]


def test_a_function_has_no_gradients_and_that_is_said() -> None:
    def zeros(*_: Array, **__: Any) -> Array:  # noqa: ANN401 - whatever it is called with
        return np.zeros(PLAIN.output_shape, np.float32)

    found = run(PLAIN, ["numpy"], impl=zeros, grad=True)
    results = gradients_of(found, f"{__name__}:zeros")
    assert tuple(results) == GRADIENTS
    for result in results.values():
        assert (result.status, result.predicted, result.explained) == ("unsupported", "unsupported", True)
        assert "no impl_grad gives a backward pass" in str(result.reason)


def test_gradients_of_nothing_that_has_any_are_an_error() -> None:
    with pytest.raises(FrameworkError, match=r"gradients were asked for.* and no impl_grad"):
        run(PLAIN, [], impl=print, grad=True)


def test_a_backend_that_only_infers_has_no_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "openvino")
    assert "'openvino' only infers" in str(differentiate.why_no_gradients())
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert differentiate.why_no_gradients() is None


@pytest.mark.parametrize(
    ("changes", "run_at_all"),
    [
        ({"kernel": 1, "stride": 2}, False),
        ({"kernel": 1, "stride": 1}, True),
        ({"kernel": 2, "stride": 3}, True),
        ({"kernel": 1, "stride": 2, "dtype": "float64"}, True),
    ],
    ids=str,
)
def test_what_ends_tensorflows_process_is_not_run(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], *, run_at_all: bool
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    native = layers_of(find_framework("keras"), changed(VALID, **changes))[0]
    assert isinstance(native, Spelling)
    assert (native.no_backward is None) == run_at_all


class NotRun(NumPy):
    """The NumPy core as a framework whose backward pass is not to be run."""

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        layers = (layer for layer in super().spell(case) if isinstance(layer, Spelling))
        return [replace(layer, no_backward="it may not") for layer in layers]


def test_what_is_not_run_is_recorded_with_its_reason() -> None:
    results = gradients_of(run_with(PLAIN, [NotRun()], grad=True), "numpy")
    assert [(each.status, each.reason) for each in results.values()] == [("unsupported", "it may not")] * 3


# Wrong gradients


Change = Callable[[Array, Array, Array], Any]

WRONG: dict[str, tuple[str, Change]] = {
    "one pixel off": ("input_grad", lambda x, w, b: (np.roll(x, 1, axis=-1), w, b)),
    "the first sample's in all": ("input_grad", lambda x, w, b: (x[:1] + 0 * x, w, b)),
    "another sign": ("input_grad", lambda x, w, b: (-x, w, b)),
    "flipped kernel": ("weight_grad", lambda x, w, b: (x, w[:, :, ::-1], b)),
    "mean, not sum": ("weight_grad", lambda x, w, b: (x, w / 2, b)),
    "another layout": ("weight_grad", lambda x, w, b: (x, w.swapaxes(0, 1), b)),
    "no bias": ("bias_grad", lambda x, w, b: (x, w, b * 0)),
    "reversed bias": ("bias_grad", lambda x, w, b: (x, w, b[::-1])),
    "a short bias": ("bias_grad", lambda x, w, b: (x, w, b[:1])),
}


@pytest.mark.parametrize(("output", "change"), WRONG.values(), ids=WRONG)
def test_a_wrong_gradient_is_caught_and_no_other_is_blamed(output: str, change: Change) -> None:
    results = run_altered(change)
    assert [name for name, result in results.items() if not result.explained] == [output]
    wrong = results[output]
    assert (wrong.status, wrong.relation, wrong.exact) == ("ok", "unrelated", False)
    assert "against" in str(wrong.reason)


def test_one_wrong_element_is_named_with_its_place() -> None:
    def change(x: Array, w: Array, b: Array) -> tuple[Array, Array, Array]:
        x[1, 2, 3, 4] += 7
        return x, w, b

    reason = str(run_altered(change)["input_grad"].reason)
    assert "at index (1, 2, 3, 4)" in reason
    assert "1 of 240 elements differ" in reason


def test_a_gradient_that_is_close_is_not_exact() -> None:
    results = run_altered(lambda x, w, b: (np.nextafter(x, np.float32(np.inf)), w, b))
    assert results["input_grad"].relation == "numeric"
    assert not results["input_grad"].explained
    assert results["weight_grad"].explained


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x, w, b: (x.astype(np.float64), w, b), "dtype float64"),
        (lambda x, w, b: (x.tolist(), w, b), "no array but list"),
        (lambda _, w, b: (None, w, b), "no array but NoneType"),
    ],
)
def test_a_gradient_of_another_kind_is_invalid(
    change: Callable[[Array, Array, Array], Any], said: str
) -> None:
    result = run_altered(change)["input_grad"]
    assert (result.status, result.explained) == ("invalid", False)
    assert said in str(result.error)


def test_a_backward_pass_that_fails_is_unexplained_in_every_gradient() -> None:
    def fail(*_: Array) -> None:
        raise RuntimeError("no such gradient")

    results = run_altered(fail)
    assert results.pop("value").explained
    assert list(results) == list(GRADIENTS)
    for result in results.values():
        assert (result.status, result.explained) == ("rejected", False)
        assert result.error == "RuntimeError: no such gradient"


def test_a_gradient_too_few_is_unexplained() -> None:
    results = run_altered(lambda x, w, _: (x, w))
    assert [result.status for result in results.values()] == ["ok", *["invalid"] * 3]


def test_a_wrong_gradient_makes_the_verdict() -> None:
    altered: Any = Altered(lambda x, w, b: (x, w, b + 1))
    assert run_with(PLAIN, [altered], grad=True).verdict == "unexplained"
    assert run_with(PLAIN, [altered]).verdict != "unexplained"
    assert run(PLAIN, ["numpy", "torch"], grad=True).verdict == "agree"


# On the command line

COMMAND = (
    "run conv2d --input 2,2,5,5 --filters 2 --kernel 1 --bias --frameworks numpy,torch,keras --grad".split()
)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = run_cli(list(arguments))
    return code, capsys.readouterr().out


def test_gradients_are_printed_beside_their_layers(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = printed(capsys, *COMMAND)
    assert code == Outcome.EXPLAINED
    assert out.count("native weight_grad") == 3
    assert out.count("keras.layers.Conv2D(") == 1
    assert out.splitlines()[-1].startswith("verdict: agree; ")


def test_gradients_as_json_name_their_output(capsys: pytest.CaptureFixture[str]) -> None:
    _, out = printed(capsys, *COMMAND, "--json")
    record = json.loads(out)
    assert record["schema"] == 1
    assert [result["output"] for result in record["results"]] == ["value", *GRADIENTS] * 3
    assert len(record["pairs"]) == 3
    _, again = printed(capsys, *record["command"].split()[1:], "--json")
    assert [each["framework"] for each in json.loads(again)["results"]][:4] == ["numpy"] * 4


def test_the_arrays_of_gradients_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    _, out = printed(capsys, *COMMAND, "--show-arrays")
    for name in ("dy", "reference input_grad", "torch native bias_grad"):
        assert f"\n{name}, " in out
    _, out = printed(capsys, *COMMAND, "--show-arrays", "--json")
    assert list(json.loads(out)["arrays"]) == ["x", "w", "bias", "dy"]


def test_a_sweep_counts_gradients_in_rows_of_their_own(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "record.jsonl"
    sweep = ["sweep", "article", "--limit", "2", "--grad", "--frameworks", "torch", "--output", str(file)]
    code, out = printed(capsys, *sweep)
    assert code == Outcome.EXPLAINED
    assert printed(capsys, "report", str(file)) == (code, out)
    _, as_json = printed(capsys, "report", str(file), "--json")
    rows = [(row["spelling"], row["output"], row["agree"]) for row in json.loads(as_json)["rows"]]
    assert rows == [("native", "value", 2), ("native", "input_grad", 2), ("native", "weight_grad", 2)]


def test_a_record_from_before_there_were_gradients_is_counted_as_values() -> None:
    record = run(PLAIN, ["torch"]).to_dict()
    for result in record["results"]:
        del result["output"]
    assert Report([msgspec.convert(record, Record)]).rows == Report([run(PLAIN, ["torch"]).record]).rows


def test_a_fault_of_the_tuned_route_is_found_in_numpys_gradients_and_in_no_frameworks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = totals.Sums.write

    def off_by_one(sums: totals.Sums, bias: Array | None) -> None:
        write(sums, np.ones((1, 1), np.float32) if bias is None else bias + 1)

    monkeypatch.setattr(totals.Sums, "write", off_by_one)
    case = Case("conv2d", (1, 16, 24, 24), 16, 3, padding=1)
    found = run(case, ["numpy", "torch"], grad=True, isolated=False)
    relations = {(each.framework, each.output): each.relation for each in found.results}
    assert {name for name, relation in relations.items() if relation != "identical"} == {
        ("numpy", output) for output in ("value", "input_grad")
    }
    assert {each.framework for each in found.results if not each.explained} == {"numpy"}
