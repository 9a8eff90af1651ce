"""Who has which padding modes: torch and what it refuses, functions, programs, and all others."""

from __future__ import annotations

import functools
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import convmm
from parity import Case, run, translate
from parity.cases.arrays import Array
from parity.cases.memory import bytes_needed
from parity.cases.op import OPS
from parity.cases.suites import load_suite
from parity.frameworks.function import implementation
from parity.frameworks.interface import Framework
from parity.frameworks.known.registry import layers_of
from parity.frameworks.memory import bytes_taken
from parity.frameworks.padding_modes import exact_by_mode
from parity.frameworks.signature import with_torch_signature
from parity.frameworks.spelling import Spelling, Unsupported, windows_agree
from parity.frameworks.table import BUILT_IN, find_framework
from parity.frameworks.torch.fillings import fillings
from parity.laws.check import self_check
from parity.laws.subject import choose_subject
from tests.support.filled import FILLED, WAYS, filled_cases
from tests.support.findings import check_scripts
from tests.support.strategies import EVERY_DTYPE, changed, examples

pytestmark = pytest.mark.usefixtures("shared_processes")

EVERY_VALUE = ("integers", "normal", "wide", "special", "digits")
CASE = Case("conv2d", (1, 4, 4, 5), 4, 3, padding=1, groups=2, bias=True, padding_mode="reflect")
TYPICAL = [changed(CASE, padding_mode=mode) for mode in FILLED] + [
    Case("conv1d", (2, 2, 3), 2, 2, 2, ((2, 1),), padding_mode="circular"),
    Case("conv3d", (1, 2, 3, 3, 3), 2, 2, padding="same", padding_mode="replicate"),
]


@dataclass(frozen=True)
class Forgetful(Framework):
    """A framework whose adapter looks at no padding mode."""

    name = "forgetful"

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        assert case.padding_mode == "zeros"
        return find_framework("torch").spell(case)

    def exact(self, case: Case, *, any_size: bool = False) -> list[Spelling]:
        assert case.padding_mode == "zeros"
        return find_framework("torch").exact(case, any_size=any_size)


@pytest.mark.parametrize("case", TYPICAL)
def test_a_framework_is_asked_for_no_mode_that_it_does_not_say_it_has(case: Case) -> None:
    [found] = layers_of(Forgetful(), case)
    assert isinstance(found, Unsupported)
    assert f"padding_mode={case.padding_mode!r}" in found.reason
    assert exact_by_mode(Forgetful(), case) == []


def test_where_nothing_is_padded_it_is_asked_for_zeros() -> None:
    case = changed(CASE, padding=0)
    [found] = layers_of(Forgetful(), case)
    assert isinstance(found, Spelling)
    assert windows_agree(found.meaning, case)
    assert exact_by_mode(Forgetful(), case)


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("case", TYPICAL)
def test_no_framework_spells_another_padding_for_it(name: str, case: Case) -> None:
    made: type[Framework] = EntryPoint(name, BUILT_IN[name], "").load()
    found = layers_of(made(), case)
    meant = [each for each in found if isinstance(each, Spelling) and each.kind != "lookalike"]
    assert all(windows_agree(each.meaning, case) for each in meant)
    assert meant or all(isinstance(each, Unsupported) and each.reason for each in found)


# torch


@examples(120)
@given(filled_cases(EVERY_DTYPE, EVERY_VALUE, min_batch=0, min_channels=0))
def test_torch_and_its_routes_are_as_their_rules_say_gradients_too(case: Case) -> None:
    names = ["torch"] if case.rank == 1 else ["torch", "torch+channels_last"]
    # In gradients of bfloat16 infinite operands meet zeros, and flushed numbers, that no rule tells of.
    grad = (case.dtype, case.values) != ("bfloat16", "special")
    found = run(case, names, grad=grad, isolated=False)
    assert [(each.status, each.reason) for each in found.results if not each.explained] == []


def test_torchs_gradients_of_bfloat16_may_flush_subnormal_numbers() -> None:
    case = Case("conv1d", (1, 2, 1), 2, 1, dtype="bfloat16", values="special", padding_mode="reflect")
    found = run(case, ["torch"], grad=True, isolated=False)  # whose gradient by the kernel is such a number
    assert [(each.status, each.reason) for each in found.results if not each.explained] == []


@pytest.mark.parametrize(
    ("mode", "size", "pads", "status"),
    [
        ("reflect", 4, 3, "ok"),
        ("reflect", 4, 4, "rejected"),
        ("reflect", 1, 1, "rejected"),
        ("circular", 4, 4, "ok"),
        ("circular", 4, 5, "rejected"),
        ("replicate", 1, 9, "ok"),
    ],
)
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_torch_refuses_to_go_over_the_input_twice_and_an_exact_spelling_does_it(
    mode: str, size: int, pads: int, status: str, rank: int
) -> None:
    case = Case(f"conv{rank}d", (1, 2, *(size,) * rank), 2, 2, padding=pads, padding_mode=mode)
    found = run(case, ["torch"], isolated=False)
    native, *exact = found.results
    assert native.status == status
    assert native.explained
    assert [each.relation for each in exact] == (["identical"] if status == "rejected" else [])
    assert found.verdict == ("explained" if status == "rejected" else "agree")


@examples(200)
@given(st.sampled_from(FILLED), st.integers(1, 6), st.tuples(st.integers(0, 40), st.integers(0, 40)))
def test_fillings_come_to_the_same_in_steps_that_torch_takes(
    mode: str, size: int, pads: tuple[int, int]
) -> None:
    x = found = np.arange(size)
    for each, (pair,) in fillings(mode, [size], (pads,)):
        assert max(pair) <= {"reflect": len(found) - 1, "circular": len(found), "replicate": 99}[each]
        found = np.pad(found, pair, WAYS[each])
    np.testing.assert_array_equal(found, np.pad(x, pads, WAYS[mode]))


def test_more_before_than_after_is_an_exact_spelling_of_its_own_class() -> None:
    case = Case("conv2d", (1, 2, 4, 5), 2, 3, padding=((1, 2), (3, 0)), padding_mode="reflect")
    missing, exact = layers_of(find_framework("torch"), case)
    assert isinstance(missing, Unsupported)
    assert isinstance(exact, Spelling)
    assert "torch.nn.ReflectionPad2d((3, 0, 1, 2))" in str(exact.layer)


# Functions and programs


def takes_it(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401 - ints and pairs
    return convmm.conv(x, w, bias, **arguments)


def takes_it_by_name(
    x: Array,
    w: Array,
    bias: Array | None = None,
    *,
    padding_mode: str = "zeros",
    **arguments: Any,  # noqa: ANN401 - as above
) -> Array:
    return convmm.conv(x, w, bias, padding_mode=padding_mode, **arguments)


def takes_none(
    x: Array,
    w: Array,
    bias: Array | None = None,
    *,
    stride: Any,  # noqa: ANN401 - as above
    padding: Any,  # noqa: ANN401 - as above
    dilation: Any,  # noqa: ANN401 - as above
    groups: int,
) -> Array:
    return convmm.conv(x, w, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)


def gradients_without(*_arrays: Array, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:  # noqa: ANN401 - as above
    raise AssertionError((stride, padding, dilation, groups))


@pytest.mark.parametrize("function", [takes_it, takes_it_by_name, functools.partial(takes_it)])
def test_a_function_is_given_the_mode_where_it_is_not_zeros(function: Callable[..., Array]) -> None:
    assert run(CASE, [], impl=function).verdict == "agree"
    assert run(changed(CASE, padding_mode="zeros"), [], impl=function).verdict == "agree"


@pytest.mark.parametrize("where", ["given", "named"])
def test_a_function_that_does_not_take_it_is_not_called_and_that_is_said(where: str) -> None:
    function: Any = takes_none if where == "given" else implementation(f"{__name__}:takes_none")
    [found] = run(CASE, [], impl=function).results
    assert (found.status, found.explained) == ("unsupported", True)
    assert found.reason == "the function takes no padding_mode, and this case's is 'reflect'"
    for case in (changed(CASE, padding_mode="zeros"), changed(CASE, padding=0)):
        assert run(case, [], impl=function).verdict == "agree"


def test_so_is_a_function_of_gradients() -> None:
    found = run(CASE, [], impl=takes_it, impl_grad=gradients_without, grad=True).results
    assert [each.status for each in found] == ["ok", *["unsupported"] * 3]


def test_a_function_with_torchs_signature_has_zeros_alone() -> None:
    torch = pytest.importorskip("torch")
    wrapped = with_torch_signature(torch.nn.functional.conv2d)
    [found] = run(CASE, [], impl=wrapped, arrays="torch").results
    assert (found.status, found.reason) == (
        "unsupported",
        "padding_mode='reflect': the function pads with zeros alone",
    )


def test_a_program_is_not_asked(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(
        """\
import json, sys
for line in sys.stdin:
    assert "protocol" in json.loads(line)
    print(json.dumps({"protocol": 1, "name": "n", "version": "1"}), flush=True)
"""
    )
    [found] = run(CASE, [], programs=[f"mine={shlex.join([sys.executable, str(path)])}"]).results
    assert (found.status, found.explained) == ("unsupported", True)
    assert "mine is asked for padding of zeros alone" in str(found.reason)


# What else is made of a case


@pytest.mark.parametrize("to", ["torch", "numpy", "keras", "torch+channels_last"])
@pytest.mark.parametrize(
    "line",
    [
        "nn.Conv2d(3, 4, 3, padding=1, padding_mode='reflect')",
        "nn.Conv2d(3, 4, (3, 2), stride=2, padding=(2, 0), padding_mode='circular')",
        "nn.Conv2d(2, 4, 4, padding='same', padding_mode='replicate', groups=2)",
    ],
)
def test_a_torch_layer_is_translated_with_its_mode(line: str, to: str) -> None:
    found = translate(line, to)
    assert found.verified
    assert found.spelling == ("exact" if to == "keras" else "native")


@pytest.mark.parametrize("case", TYPICAL)
def test_the_laws_hold_and_no_transposed_layer_is_the_adjoint(case: Case) -> None:
    for subject in (
        choose_subject(["torch"], None, None, None),
        choose_subject(None, f"{__name__}:takes_it", None, None),
    ):
        found = self_check(case, subject).laws
        assert "broken" not in {each.status for each in found.values()}
        own = subject.opposite is not None
        assert found["adjointness"].status == ("not applicable" if own else "holds")
        assert ("no transposed convolution does" in found["adjointness"].message) == own


@examples(30)
@given(filled_cases(("float32", "float16"), ("integers", "normal", "special")))
def test_a_findings_script_asserts_what_the_definition_says(case: Case) -> None:
    torch = find_framework("torch")
    check_scripts(case, torch, run(case, ["torch"], grad=True))


def test_the_suite_has_every_mode_of_every_rank() -> None:
    found = {(each.case.op, each.case.padding_mode) for each in load_suite("padding_modes").cases}
    assert found == {(op, mode) for op in OPS[:3] for mode in FILLED} | {("conv2d", "zeros")}


@pytest.mark.parametrize("name", ["torch", "numpy"])
def test_the_padding_that_a_layer_fills_counts_with_its_memory(name: str) -> None:
    case = Case("conv1d", (1, 1, 4), 1, 2, 10**6, 10**6, padding_mode="replicate", dtype="float64")
    first = layers_of(find_framework(name), case)[0]
    assert isinstance(first, Spelling)
    assert min(bytes_taken(find_framework(name), first), bytes_needed(case)) > 8 * 2 * 10**6
