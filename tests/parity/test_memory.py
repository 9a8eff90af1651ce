"""What a case takes of memory is known before it is allocated."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from parity.cases import memory
from parity.cases.arrays import numpy_dtype
from parity.cases.case import Case
from parity.cases.memory import bytes_needed
from parity.frameworks import turns
from parity.frameworks.interface import Framework
from parity.frameworks.memory import bytes_taken
from parity.frameworks.spelling import Spelling
from parity.frameworks.table import find_framework
from parity.frameworks.task import Answer, Submit, Task, Wait, here
from parity.laws.check import self_check
from parity.laws.subject import choose_subject
from parity.running import Run, run_all
from tests.support.strategies import examples

GIB = 2**30
STUFFED = Case("conv2d", (1, 256, 1001, 1001), 256, 2, stride=2, dilation=1000)


def answering(case: Case) -> Submit:
    """Answer each task at random, so that all that is known of mistakes is tried."""
    random = np.random.default_rng(0)

    def submit(_found: Framework, task: Task) -> Wait:
        gradients = [case.input, case.kernel_shape, *([(case.filters,)] if case.bias else [])]
        shapes = [case.output_shape] if task.dy is None else gradients
        outputs = [random.integers(1, 3, shape).astype(numpy_dtype(case.dtype)) for shape in shapes]
        return lambda: Answer("ok", tuple(outputs))

    return submit


@st.composite
def large_cases(draw: st.DrawFn) -> Case:
    """Cases of which some array has thousands of elements, one of any kind."""
    op = draw(st.sampled_from(["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"]))
    rank = int(op[-2])
    channels, filters = draw(st.sampled_from([(1, 1), (2, 64), (64, 2), (128, 128)]))
    size = draw(st.integers(1, 60 if channels * filters == 1 else 16)) ** (3 - rank) + 8  # the kernel fits
    kernel = draw(st.integers(1, 4))
    return Case(
        op,
        (draw(st.integers(1, 2)), channels, *[size] * rank),
        filters,
        kernel,
        stride=draw(st.integers(1, 3)),
        dilation=draw(st.sampled_from([1, 1, 2])),
        padding="same" if draw(st.booleans()) else 0,
        bias=draw(st.booleans()),
        dtype=draw(st.sampled_from(["bfloat16", "float32", "float64"])),
        values=draw(st.sampled_from(["integers", "normal", "wide", "special", "digits"])),
    )


@example(case=Case("conv2d", (1, 2, 60, 60), 64, 3, padding=1, dtype="float64", values="digits"), grad=False)
@example(case=Case("conv_transpose2d", (1, 2, 60, 60), 64, 2, stride=2), grad=True)
@example(case=Case("conv_transpose2d", (1, 2, 6, 6), 2, 2, dilation=300), grad=False)
@example(case=Case("conv_transpose2d", (1, 256, 4, 4), 256, 3, dtype="float64", values="special"), grad=True)
@examples(40)
@given(case=large_cases(), grad=st.booleans())
def test_judging_a_case_takes_no_more_than_was_said(case: Case, *, grad: bool) -> None:
    adapters = [find_framework("numpy")]
    Run(Case("conv1d", (1, 1, 4), 1, 2), adapters, grad=True, submit=here).finish()  # what is made once
    tracemalloc.start()
    try:
        Run(case, adapters, grad=grad, submit=answering(case)).finish()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= bytes_needed(case, grad=grad) + 2**21  # of objects, and of what diagnosis has to spare


def test_a_kernel_with_zeros_between_its_taps_counts_with_its_zeros() -> None:
    exact = find_framework("keras").exact(STUFFED)[0]
    assert exact.computes.kernel_shape == (256, 256, 1001, 1001)
    assert bytes_taken(find_framework("keras"), exact) > 4 * 256 * 256 * 1001**2 > 200 * GIB
    assert bytes_needed(STUFFED) < 32 * GIB


def test_zeros_around_an_input_count() -> None:
    case = Case("conv2d", (1, 2, 9, 9), 4, 3, padding=((3, 1), (0, 2)))
    for name, size in (("torch", (11, 11)), ("keras", (13, 11))):  # torch's layer pads by the smaller ends
        assert find_framework(name).exact(case)[0].computes.input == (1, 2, *size)


@pytest.mark.parametrize("name", ["torch", "keras"])
@pytest.mark.parametrize(
    "case",
    [
        Case("conv2d", (1, 2, 9, 9), 4, 3, padding=((3, 1), (0, 2)), groups=2),
        Case("conv2d", (1, 2, 9, 9), 4, 3, padding=((3, 1), (0, 2)), stride=2, dilation=2),
        Case("conv_transpose2d", (1, 2, 4, 4), 4, 3, stride=2, padding=((2, 0), (1, 1)), groups=2),
        Case("conv_transpose1d", (2, 2, 4), 4, 3, stride=3, dilation=2, padding=1, output_padding=2),
    ],
    ids=str,
)
def test_what_computes_inside_an_exact_layer_is_no_smaller_than_the_case(name: str, case: Case) -> None:
    for exact in find_framework(name).exact(case):
        inside = exact.computes
        assert (inside.op, inside.dtype, inside.groups) == (case.op, case.dtype, case.groups)
        shapes = [(inside.input, case.input), (inside.kernel_shape, case.kernel_shape)]
        if case.transposed:
            shapes.append((inside.output_shape, case.output_shape))
        else:
            assert inside.output_shape == case.output_shape
        assert all(a >= b for ours, its in shapes for a, b in zip(ours, its, strict=True))


def little(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    for each in (memory, turns):
        monkeypatch.setattr(each, "available", lambda: count)


class Stuffing(type(find_framework("numpy"))):  # type: ignore[misc] # a class that is looked up
    """The core, with a layer whose kernel is too large."""

    def spell(self, case: Case) -> list[Spelling]:
        large = replace(case, input=(1, 1, 10**9), kernel=(10**8,))
        return [replace(super().spell(case)[0], inside=large), super().spell(case)[0]]


def test_a_layer_that_does_not_fit_is_unsupported_and_the_others_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    little(monkeypatch, GIB)
    case = Case("conv1d", (1, 1, 9), 1, 2)
    large, fits, *_ = Run(case, [Stuffing()], grad=True, submit=here).finish().results
    assert large.status == "unsupported"
    assert large.explained
    assert large.reason is not None
    assert "of shape (1, 1, 100000000) and an input of (1, 1, 1000000000), needs about" in large.reason
    assert large.reason.endswith("allowed is what is free beside the case's own, 1 GiB")
    assert fits.status == "ok"


def test_a_layer_that_does_not_fit_is_held_against_no_law(monkeypatch: pytest.MonkeyPatch) -> None:
    little(monkeypatch, GIB)
    subject = replace(choose_subject(["numpy"], None, None), implementation=Stuffing())
    found = self_check(Case("conv1d", (1, 1, 9), 1, 2), subject, here)
    assert {each.status for each in found.laws.values()} == {"not applicable"}


def counting(most: list[int], now: list[int]) -> Submit:
    """Count the tasks that are asked for and have not answered."""

    def submit(found: Framework, task: Task) -> Wait:
        now[0] += 1
        most[0] = max(most[0], now[0])
        answer: Callable[[], Answer] = here(found, task)

        def wait() -> Answer:
            now[0] -= 1
            return answer()

        return wait

    return submit


@pytest.mark.parametrize(("times", "at_once"), [(1.5, 1), (20, 2)])
def test_layers_that_do_not_fit_together_take_turns(
    monkeypatch: pytest.MonkeyPatch, times: float, at_once: int
) -> None:
    case = Case("conv1d", (1, 1, 10**6), 1, 3)
    found = find_framework("numpy")
    one = bytes_taken(found, found.spell(case)[0])  # type: ignore[arg-type] # it has no other
    little(monkeypatch, bytes_needed(case) + int(times * one))
    most, now = [0], [0]
    results = Run(case, [found, found], grad=False, submit=counting(most, now)).finish().results
    assert [each.status for each in results] == ["ok", "ok"]
    assert (most, now) == ([at_once], [0])


def test_large_cases_are_not_asked_for_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("conv1d", (1, 1, 1000), 1, 3)
    for limit, at_once in ((2**30, 3), (10, 1)):
        monkeypatch.setattr("parity.running._MOST_BYTES", limit)
        most, now = [0], [0]
        found = run_all([case] * 5, [find_framework("numpy")], counting(most, now), ahead=2)
        assert len(list(found)) == 5
        assert most == [at_once]
