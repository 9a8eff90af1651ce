"""Which arguments give a wanted size: all that there are, and each output begins where it is said."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given

import convmm
from convmm.geometry import GeometryError
from parity.cases.arrays import Array as AnyArray
from parity.cases.case import Case
from parity.explain.wanted import MOST_WINDOWS, Answer, Answers, Wanted, find_wanted
from parity.frameworks.code.expression import parse_call
from parity.frameworks.code.script import execute
from parity.frameworks.table import find_framework
from tests.support.strategies import cases, examples


def answers_of(wanted: Wanted, framework: str) -> Answers:
    return next(each for each in wanted.answers if each.framework == framework)


def question(op: str, size: int, kernel: int, stride: int, dilation: int = 1) -> Case:
    shape = (1, 2, *(size,) * int(op[-2]))
    return Case(op, shape, 2, kernel, stride=stride, padding="same", dilation=dilation)


def read_back(framework: str, answer: Answer, case: Case) -> Case:
    """The case that the printed code means to the framework's own reader."""
    reading = find_framework(framework).read(parse_call(answer.layer))
    return reading.on(case.input)


@given(cases(dtypes=("float32",)))
@examples(60)
def test_every_layer_that_is_listed_gives_the_wanted_size_and_begins_where_it_is_said(case: Case) -> None:
    want = case.output_shape[2:]
    assume(min(want) > 0)
    wanted = find_wanted(case.padded("same", None), want)
    for framework in ("torch", "keras"):
        for answer in answers_of(wanted, framework).layers:
            found = read_back(framework, answer, case)
            assert found.output_shape == case.output_shape
            assert found.geometry.before == answer.begins


@given(cases(dtypes=("float32",)))
@examples(60)
def test_the_window_that_a_case_has_is_among_the_cores(case: Case) -> None:
    want = case.output_shape[2:]
    assume(min(want) > 0)
    axes = {replace(axis, before=0): axis.before for axis in case.geometry.axes}
    assume(all(axes[replace(axis, before=0)] == axis.before for axis in case.geometry.axes))
    wanted = find_wanted(case.padded("same", None), want)
    assume(wanted.windows <= MOST_WINDOWS ** (1 / len(axes)))
    begins = {answer.begins for answer in answers_of(wanted, "numpy").layers}
    assert case.geometry.before in begins
    assert wanted.asked == len(begins) == wanted.windows


def numbers_of(answers: Answers) -> Iterator[tuple[int, int]]:
    """The padding and the output padding of layers over one axis."""
    for each in answers.layers:
        call = ast.parse(each.layer, mode="eval").body
        assert isinstance(call, ast.Call)
        found = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
        yield found["padding"][0], found.get("output_padding", (0,))[0]


SMALL = {"size": st.integers(1, 6), "kernel": st.integers(1, 4), "stride": st.integers(1, 4)}


@given(**SMALL, dilation=st.integers(1, 3), want=st.integers(1, 24))
@examples(150)
def test_torch_has_what_the_formula_of_its_documentation_gives_and_no_more(
    size: int, kernel: int, stride: int, dilation: int, want: int
) -> None:
    shortest = (size - 1) * stride + dilation * (kernel - 1) + 1
    due = {
        (pad, added)
        for pad in range(shortest + stride + dilation)
        for added in range(max(stride, dilation))
        if shortest - 2 * pad + added == want
    }
    wanted = find_wanted(question("conv_transpose1d", size, kernel, stride, dilation), want)
    found = answers_of(wanted, "torch")
    assert set(numbers_of(found)) == due
    assert (found.reason is None) == bool(due)


@given(**SMALL, want=st.integers(1, 24))
@examples(150)
def test_keras_has_what_its_formula_gives_and_no_more(size: int, kernel: int, stride: int, want: int) -> None:
    case = question("conv_transpose1d", size, kernel, stride)
    due = set()
    for padding in ("valid", "same"):
        for added in (None, *range(stride)):
            try:
                found = case.padded(padding, added)
            except GeometryError:
                continue
            refused = padding == "same" and -(-want // stride) != size  # by TensorFlow: a known difference
            if found.output_shape[2:] == (want,) and not refused:
                due.add(found.geometry.before)
    answers = answers_of(find_wanted(case, want), "keras")
    assert {each.begins for each in answers.layers} == due
    assert (answers.reason is None) == bool(due)


@given(size=st.integers(1, 12), kernel=st.integers(1, 5), stride=st.integers(1, 4), want=st.integers(1, 14))
@examples(150)
def test_torch_has_every_even_padding_of_a_convolution_and_no_more(
    size: int, kernel: int, stride: int, want: int
) -> None:
    due = {
        (pad,)
        for pad in range(stride * want + kernel)
        if size + 2 * pad >= kernel and (size + 2 * pad - kernel) // stride + 1 == want
    }
    if (stride, want) == (1, size):
        due.add(((kernel - 1) // 2,))  # "same", which reads one zero more behind an even kernel
    found = answers_of(find_wanted(question("conv1d", size, kernel, stride), want), "torch")
    assert {each.begins for each in found.layers} == due
    assert (found.reason is None) == bool(due)


@pytest.mark.parametrize("framework", ["torch", "keras"])
@pytest.mark.parametrize(
    ("case", "want"),
    [
        (question("conv_transpose2d", 16, 2, 2), 33),
        (question("conv_transpose2d", 16, 3, 2), 32),
        (question("conv_transpose1d", 5, 4, 3), 15),
        (question("conv_transpose3d", 2, 3, 2), 5),
        (question("conv2d", 16, 3, 2), 8),
        (question("conv1d", 9, 3, 1, 2), 9),
        (Case("conv_transpose2d", (1, 2, 4, 5), 3, (3, 2), (2, 3), "same"), (9, 15)),
    ],
    ids=str,
)
def test_a_layer_that_is_run_gives_the_size_and_begins_where_it_is_said(
    framework: str, case: Case, want: int | tuple[int, ...]
) -> None:
    random = np.random.default_rng(0)
    x, w = (random.integers(-4, 5, shape).astype("float32") for shape in (case.input, case.kernel_shape))
    adapter = find_framework(framework)
    adapter.load()
    answers = answers_of(find_wanted(case, want), framework).layers
    assert answers
    for answer in answers:
        layer = execute(f"import {framework}\nlayer = {answer.layer}")["layer"]
        y = adapter.call(layer, adapter.from_convmm([w]), x)
        assert y.shape[2:] == (want if isinstance(want, tuple) else (want,) * case.rank)
        np.testing.assert_array_equal(y, beginning_at(answer.begins, y.shape[2:], case, x, w))


def beginning_at(
    begins: tuple[int, ...], sizes: tuple[int, ...], case: Case, x: AnyArray, w: AnyArray
) -> AnyArray:
    """The output by the definition: a window of the full response, or of an input between many zeros."""
    arguments: dict[str, Any] = {"stride": case.stride, "dilation": case.dilation}
    ends = [begin + size for begin, size in zip(begins, sizes, strict=True)]
    if case.transposed:
        full = convmm.conv_transpose(x, w, **arguments)
        longer = np.pad(full, [(0, 0), (0, 0), *((0, end) for end in ends)])
        return longer[:, :, *map(slice, begins, ends)]
    longer = np.pad(x, [(0, 0), (0, 0), *((begin, 4 * end) for begin, end in zip(begins, ends, strict=True))])
    return convmm.conv(longer, w, **arguments)[:, :, *map(slice, sizes)]


def test_torch_takes_the_size_itself_in_place_of_an_output_padding() -> None:
    torch: Any = find_framework("torch").load()
    (first, *_) = answers_of(find_wanted(question("conv_transpose2d", 16, 3, 2), 32), "torch").layers
    assert "output_padding=(1, 1)" in first.layer
    assert first.call is not None
    assert "output_padding" not in first.call
    torch.manual_seed(0)
    expected = execute(f"import torch\nlayer = {first.layer}")["layer"]
    x = torch.ones(1, 2, 16, 16)
    torch.manual_seed(0)
    found = execute(f"import torch\nx = torch.ones(1, 2, 16, 16)\ny = {first.call}")["y"]
    assert found.shape == (1, 2, 32, 32)
    assert torch.equal(found, expected(x))


@pytest.mark.parametrize(
    ("case", "want", "framework", "why"),
    [
        (question("conv_transpose2d", 16, 2, 2), 35, "torch", "at most 33 can be had of an input of 16"),
        (question("conv_transpose2d", 16, 2, 2), 35, "keras", "the larger of stride=2 and dilation=1"),
        (question("conv_transpose1d", 4, 2, 1, 3), 9, "keras", "output_padding that is not below the stride"),
        (question("conv_transpose1d", 4, 2, 1), 4, "torch", "output_padding, 0 to less than the larger of"),
        (question("conv_transpose1d", 4, 2, 2, 3), 11, "keras", "no stride together with a dilation"),
        (question("conv2d", 16, 3, 1), 4, "torch", "without padding an input of 16 gives 14"),
        (question("conv1d", 16, 3, 1), 15, "torch", "pads both ends of an axis alike"),
        (question("conv1d", 16, 3, 1), 15, "keras", "neither 'valid' nor 'same'"),
    ],
)
def test_a_framework_without_such_a_layer_says_why(case: Case, want: int, framework: str, why: str) -> None:
    answers = answers_of(find_wanted(case, want), framework)
    assert answers.layers == ()
    assert why in str(answers.reason)


def test_the_most_even_window_is_the_first() -> None:
    wanted = find_wanted(question("conv2d", 16, 3, 2), 8)
    begins = [each.begins for each in answers_of(wanted, "numpy").layers]
    assert begins[0] == (1, 1)
    assert (0, 0) in begins


def test_a_huge_question_is_answered_for_the_most_even_windows() -> None:
    wanted = find_wanted(Case("conv1d", (1, 1, 10**12), 1, 3, 3, "same"), 10**13)
    assert wanted.asked == MOST_WINDOWS < wanted.windows
    assert answers_of(wanted, "torch").layers
