"""Lines as they stand in files: what is around a layer is left out, and numbers are worked out."""

from __future__ import annotations

import time
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from convmm.geometry import LARGEST
from parity.frameworks.code.expression import UNREAD, Call, ExpressionError, parse_call
from tests.support.strategies import examples

LINE = "nn.Conv2d(3, 8, (3, 5), stride=2, padding='same')"

AROUND = (
    "{}",
    "  {}  ",
    "{},",
    "{};",
    "({})",
    "{}  # the 'stem', of 3 channels",
    "up = {}",
    "self.up = {}",
    "self.blocks[0].up = {},",
    "up = self.up = {}",
    "up: nn.Module = {}",
    "self.up: 'nn.Module' = {};",
    "(up := {})",
    "return {}",
    "return {}(x)",
    "{}(x)",
    "x = {}(self.a(x))",
    "x = {}(x[:, 1:], training=True)  # twice",
    "layer = lambda x, w: {}",
    "model.add({})",
    "self.layers.append({})",
    ">>> {}",
    ">>> up = {}",
    "\n    self.up = {}\n",
)


def values(call: Call) -> list[tuple[str | None, Any]]:
    return [(argument.name, argument.value) for argument in call.arguments]


@st.composite
def sums(draw: st.DrawFn) -> str:
    """Arithmetic of a few numbers as text; shrinks towards "0"."""
    numbers = st.one_of(st.integers(0, 9).map(str), st.sampled_from(["0.5", "1e2", "2**3", "0x10"]))
    return draw(
        st.recursive(
            numbers,
            lambda inner: st.one_of(
                st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "/", "%"]), inner).map(
                    lambda parts: f"({' '.join(parts)})"
                ),
                st.tuples(st.sampled_from("+-"), inner).map("".join),
            ),
            max_leaves=6,
        )
    )


@examples(200)
@given(sums(), st.sampled_from(["{}", "({},)", "[1, {}]", "((0, {}), (0, 0))", "{{'a': {}}}"]))
def test_arithmetic_of_literals_is_what_python_makes_of_it(text: str, around: str) -> None:
    written = around.format(text)
    try:
        expected = eval(written, {"__builtins__": {}})  # noqa: S307 - drawn here, of digits and signs
    except ZeroDivisionError:
        with pytest.raises(ExpressionError, match="divided by zero"):
            parse_call(f"f({written})")
        return
    (found,) = values(parse_call(f"f({written})"))
    assert repr(found[1]) == repr(expected)


@examples(100)
@given(st.sampled_from(AROUND), st.sampled_from(AROUND), st.sampled_from([" ", "\n", " # a\n   ", " \\\n "]))
def test_what_stands_around_a_layer_is_left_out(around: str, other: str, between: str) -> None:
    plain = parse_call(LINE)
    line = LINE.replace(", ", f",{between}")
    for text in (around.format(line), other.format(LINE)):
        call = parse_call(text)
        assert (call.path, values(call)) == (plain.path, values(plain))
        assert "\n" not in call.text
        assert "#" not in call.text


@pytest.mark.parametrize("around", AROUND)
def test_an_errors_place_is_that_in_the_line(around: str) -> None:
    with pytest.raises(ExpressionError, match="→q←"):
        parse_call(around.format("nn.Conv2d(3, q, 3)")).bind(("a", "b", "c"))


def test_a_prompt_with_lines_that_go_on_is_one_line() -> None:
    call = parse_call(">>> m = nn.Conv2d(16,  # in\n...               33,\n... 3)\n")
    assert values(call) == [(None, 16), (None, 33), (None, 3)]


def test_a_hash_in_a_text_is_no_comment() -> None:
    assert values(parse_call("f('a#b', \"c'#d\")  # e")) == [(None, "a#b"), (None, "c'#d")]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("9**9**9", "too large"),
        ("2**63", "too large"),
        ("-2**64", "too large"),
        ("9.0**400", "too large"),
        ("1e300*1e300 * 9**60", "too large"),
        (f"{LARGEST} + 1", "too large"),
        (f"-{LARGEST} - 1", "too large"),
        (f"{LARGEST}*{LARGEST}", "too large"),
        ("0**-1", "divided by zero"),
        ("1 % 0", "divided by zero"),
        ("+".join("1" * 200), "nested too deeply"),
        ("(" * 60 + "1" + ",)" * 60, "nested too deeply"),
    ],
)
def test_arithmetic_that_is_not_worked_out_is_refused_with_its_place(written: str, said: str) -> None:
    with pytest.raises(ExpressionError, match=said) as raised:
        parse_call(f"nn.Conv2d(3, {written}, 3)")
    assert "→" in str(raised.value)


@pytest.mark.parametrize(
    "written",
    [
        *("True + 1", "1 + 1j", "'a' * 3", "'a' + 'b'", "[1] * 3", "(-8)**0.5", "1 << 3", "~1", "1 < 2"),
        *("f'{1}'", "x + 1", "x[0]", "(x, 1)", "lambda: 1", "[a for a in 'ab']", "not 1", "1 if 2 else 3"),
        *("{1, 2}", "{**a}", "{(1,): 2}"),
    ],
)
def test_nothing_else_is_worked_out(written: str) -> None:
    call = parse_call(f"nn.Conv2d(3, {written}, 3)")
    assert call.arguments[1].value is UNREAD
    with pytest.raises(ExpressionError, match="every argument is a literal"):
        call.bind(("a", "b", "c"))
    assert call.bind(("a", "b", "c"), arrays=("b",)).number("c") == 3


@pytest.mark.parametrize(
    "line",
    [
        *("", "# nn.Conv2d(3, 8, 3)", "nn.Conv2d(3, 8, 3); nn.Conv2d(3, 8, 3)", "import os", "nn.Conv2d"),
        *("x += nn.Conv2d(3, 8, 3)", "x: int", "return", "del x", "()"),
        "def f(): pass",
    ],
)
def test_a_line_that_is_no_layer_is_refused(line: str) -> None:
    with pytest.raises(ExpressionError, match="no call of a layer"):
        parse_call(line)


@pytest.mark.parametrize("line", ["nn.Conv2d(3, 8, 3), nn.ReLU()", "[nn.Conv2d(3, 8, 3), nn.ReLU()]"])
def test_several_layers_in_a_line_are_refused_with_what_to_give(line: str) -> None:
    with pytest.raises(ExpressionError, match="these are several: give them one by one, or as a chain"):
        parse_call(line)


DEEP = {
    f"{before}{bracket} {closed}": before + bracket * 150 + closed * 150
    for before in ("", "x = ", "return ", "x: ", "with ", "for ", "match ", "del ", "lambda ", "f(a=", "@")
    for bracket, closed in (("(", ")"), ("[", "]"), ("{", "}"), ("f(", ")"), ("(", ""), ("{1:", "}"))
} | {
    "10,000 brackets": "(" * 10_000,
    "10,000 brackets of a call": "nn.Conv2d" + "(" * 9_000,
    "10 MB": "nn.Conv2d(" * 10**6,
    "10 MB of comments": "#" * 10**7,
    "quotes": '#"' + '\\"' * 4_900,
    "other quotes": "#" + "\"\\'" * 3_000,
    "prompts": ">>>" * 3_000,
    "line ends": "\\\n" * 4_900,
    "targets": "x = " * 2_400 + "f(1)",
    "names": "(x := " * 150 + "f(1)" + ")" * 150,
    "a NUL": "nn.Conv2d(3, 8, 3)\0",
    "half of a character": "nn.Conv2d(3, 8, '\ud800')",
    "half of a character in a name": "nn.Conv2d(3, 8, \udcff)",
    "a zero-width name": "nn.Conv2d(3, 8, \u200b3)",
    "a right-to-left name": "nn.Conv2d(3, 8, \u202e3)",
    "other digits": "nn.Conv2d(3, 8, ٣)",
}


@pytest.mark.parametrize("fault", DEEP)
def test_no_line_takes_long_to_refuse(fault: str) -> None:
    begun = time.perf_counter()
    with pytest.raises(ExpressionError) as raised:
        parse_call(DEEP[fault]).bind(())
    assert time.perf_counter() - begun < 1
    assert len(str(raised.value)) < 1500
