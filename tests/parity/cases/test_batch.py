"""Shapes in every form that people write them in, and inputs without a batch."""

from __future__ import annotations

import re

import hypothesis.strategies as st
import pytest
from hypothesis import given

from parity.cases.batch import batched
from parity.cases.case import Case
from parity.cases.notation import NotationError, parse_shape
from parity.cli.main import run_cli
from parity.frameworks.code.expression import ExpressionError
from parity.frameworks.table import FrameworkError, find_framework
from tests.support.strategies import examples
from tests.support.translations import layer_draft

FORMS = (
    *("{},{},{},{}", "{}x{}x{}x{}", "({},{},{},{})", "[{}, {}, {}, {}]", "{}, {}, {}, {}"),
    " ({} , {},{},{},) ",
)


@examples(60)
@given(st.tuples(*[st.integers(0, 999)] * 4), st.sampled_from(FORMS))
def test_a_shape_is_read_in_every_form(sizes: tuple[int, ...], form: str) -> None:
    text = form.format(*sizes)
    assert parse_shape(text) == sizes
    whole = [max(size, 1) for size in sizes]
    read = Case.from_command(f"parity run conv2d --input '{form.format(*whole)}' --filters 1 --kernel 1")
    assert read.input == tuple(whole)


@pytest.mark.parametrize(
    "text",
    [
        *("", "()", "[1,2)", "((1,2))", "1x2,3", "1,,2", ",1", "1,2,,", "a", "1;2", "\0", "\ud800", "(", "x"),
        *("1xx2", "1," * 10**6, "(" * 10**6, "9" * 10**6, "1x" * 10**6),
    ],
    ids=lambda text: repr(text[:8]),
)
def test_what_is_no_shape_is_refused_with_examples(text: str) -> None:
    with pytest.raises(NotationError) as raised:
        parse_shape(text)
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize(
    ("shape", "whole"), [((3, 8, 9), (1, 3, 8, 9)), ((2, 3, 8, 9), (2, 3, 8, 9)), ((3,), (3,)), ((), ())]
)
def test_a_shape_without_a_batch_gets_one(shape: tuple[int, ...], whole: tuple[int, ...]) -> None:
    found, said = batched(shape, 2)
    assert (found, said is None) == (whole, shape == whole)


@pytest.mark.parametrize("command", ["run", "explain", "sizes", "check"])
def test_every_command_says_that_it_read_an_input_without_a_batch(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rest = ["--frameworks", "numpy"] if command in {"run", "check"} else []
    run_cli([command, "--input", "3x4x5", "conv2d", "--filters", "2", "--kernel", "3", *rest])
    printed = capsys.readouterr()
    assert "input=3,4,5 has no batch: it is read as 1x3x4x5\n" in printed.err
    run_cli([command, "--input", "1,3,4,5", "conv2d", "--filters", "2", "--kernel", "3", *rest])
    assert printed.out == capsys.readouterr().out


def test_a_translation_says_it_too() -> None:
    written = layer_draft("nn.Conv2d(3, 8, 3)", "numpy", (3, 8, 9))
    assert written.cases[0].input == (1, 3, 8, 9)
    assert written.reading.notes == ("input=3,8,9 has no batch: it is read as 1x3x8x9",)


@pytest.mark.parametrize(("shape", "first"), [((1, 8, 9, 3), "1,3,8,9"), ((8, 9, 3), "1,3,8,9")])
def test_an_input_with_its_channels_last_is_refused_with_the_right_one(
    shape: tuple[int, ...], first: str
) -> None:
    with pytest.raises(ExpressionError, match=f"the layer 3: give the channels first, {first}, in"):
        layer_draft("nn.Conv2d(3, 8, 3)", "numpy", shape)


def test_an_input_of_other_channels_has_no_such_hint() -> None:
    with pytest.raises(ExpressionError, match="and the layer 3, in"):
        layer_draft("nn.Conv2d(3, 8, 3)", "numpy", (1, 8, 9, 4))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *(("pytorch", "torch"), ("PyTorch", "torch"), ("TORCH", "torch"), ("tensorflow", "keras")),
        *(("tf", "keras"), ("Keras", "keras"), ("kreas", "keras"), ("np", "numpy")),
        *(("onxruntime", "onnxruntime"), ("tf.nn", "keras+ops")),
        ("pytorch+compile@cuda", "torch"),
    ],
)
def test_a_frameworks_other_name_has_a_hint(name: str, meant: str) -> None:
    with pytest.raises(FrameworkError, match=re.escape(f"did you mean {meant}? allowed are numpy, torch")):
        find_framework(name)


@pytest.mark.parametrize(
    "name", ["caffe", "", "x" * 10**6, "\0", "\ud800", "tf" * 10**5], ids=lambda name: repr(name[:8])
)
def test_a_name_of_nothing_has_none(name: str) -> None:
    with pytest.raises(FrameworkError, match=r"framework .{0,200}: allowed are numpy"):
        find_framework(name)
