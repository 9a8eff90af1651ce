"""Printed code: the same program in lines that fit, and stable."""

import ast
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from parity.frameworks.code.format import COMMENT_WIDTH, WIDTH, comment, formatted
from parity.frameworks.code.layer import Layer, Method, Name
from parity.frameworks.code.script import join
from tests.support.strategies import examples

WORDS = ("torch", "nn", "Conv2d", "kernel_size", "padding", "data_format", "x")
NAMES = st.sampled_from(WORDS)
PATHS = st.sampled_from(("torch.nn.Conv2d", "keras.layers.Conv2DTranspose", "a.b"))
TEXTS = st.text(max_size=5)
SCALARS = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.none(), TEXTS)
TUPLES = st.lists(st.integers(-9, 10**6), max_size=6).map(tuple)
LITERALS = st.one_of(SCALARS, TUPLES, st.tuples(TUPLES, SCALARS), st.dictionaries(TEXTS, TUPLES, max_size=3))


@st.composite
def layers(draw: st.DrawFn, depth: int = 2) -> Layer:
    """A call of any literals, names, calls and lists of calls."""
    values: list[st.SearchStrategy[Any]] = [LITERALS, PATHS.map(Name)]
    if depth:
        values += [layers(depth - 1), st.lists(layers(depth - 1), min_size=1, max_size=3)]
    value = st.one_of(values)
    positional = tuple(draw(st.lists(value, max_size=3)))
    keywords = tuple(draw(st.dictionaries(NAMES, value, max_size=4)).items())
    made = Layer(draw(PATHS), positional, keywords)
    return Method(draw(NAMES), positional[:1], keywords, of=made) if draw(st.integers(0, 5)) == 0 else made


@st.composite
def scripts(draw: st.DrawFn) -> str:
    """A script that makes a layer, at the top and in a function."""
    layer, other = draw(layers()), draw(layers(1))
    body = f"kernel, *bias = weights\n    return [{other!r} for each in {WORDS} if each]"
    function = f"def convert(weights):\n    {body}"
    return join(layer.imports + other.imports, layer.statements, function)


@given(scripts())
@examples(60)
def test_formatted_code_is_the_same_program(script: str) -> None:
    assert ast.dump(ast.parse(formatted(script))) == ast.dump(ast.parse(script))


@given(scripts())
@examples(60)
def test_no_line_of_code_is_longer_than_it_may_be(script: str) -> None:
    assert max(map(len, formatted(script).splitlines())) <= WIDTH


@given(scripts())
@examples(60)
def test_formatting_again_changes_nothing(script: str) -> None:
    assert formatted(formatted(script)) == formatted(script)


@given(layers())
@examples(60)
def test_a_layer_that_fits_stands_on_one_line_and_another_does_not(layer: Layer) -> None:
    statement = formatted(layer.statements)
    assert (statement.count("\n") == 1) == (len(layer.statements) <= WIDTH)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("layer = a.B(3, padding='same')", 'layer = a.B(3, padding="same")'),
        ("""layer = a.B('say "so"', 'it\\'s')""", """layer = a.B('say "so"', "it's")"""),
        (r"layer = a.B('\\', '\n', r'\d')", r"""layer = a.B("\\", "\n", r'\d')"""),
        ("layer = a.B('', b'x', f'{y}')", 'layer = a.B("", b"x", f\'{y}\')'),
    ],
)
def test_texts_stand_in_double_quotes_unless_that_takes_more_backslashes(text: str, wanted: str) -> None:
    assert formatted(text) == wanted + "\n"


def test_calls_have_their_arguments_on_one_line_or_on_one_each() -> None:
    stack = (
        "layer = keras.Sequential([keras.layers.ZeroPadding2D(((0, 1), (0, 1)), data_format='channels_last'),"
        " keras.layers.Conv2D(filters=8, kernel_size=(3, 3), strides=(2, 2), padding='valid', use_bias=True, "
        "data_format='channels_last', dtype='float32')])"
    )
    assert (
        formatted(stack)
        == """\
layer = keras.Sequential(
    [
        keras.layers.ZeroPadding2D(((0, 1), (0, 1)), data_format="channels_last"),
        keras.layers.Conv2D(
            filters=8,
            kernel_size=(3, 3),
            strides=(2, 2),
            padding="valid",
            use_bias=True,
            data_format="channels_last",
            dtype="float32",
        ),
    ]
)
"""
    )
    called = (
        "layer = torch.nn.ConvTranspose2d(3, 3, (2, 2), stride=(2, 2), padding=(0, 0))"
        "(x, output_size=(33, 33))"
    )
    assert (
        formatted(called)
        == """\
layer = torch.nn.ConvTranspose2d(3, 3, (2, 2), stride=(2, 2), padding=(0, 0))(
    x, output_size=(33, 33)
)
"""
    )


def test_comprehensions_and_lambdas_are_split_as_black_splits_them() -> None:
    each = (
        "    converted = [array for kernel, part in groups "
        "for array in (np.moveaxis(kernel, (0, 1), (-1, -2)), part)]"
    )
    assert (
        formatted(f"def convert(weights):\n{each}")
        == """\
def convert(weights):
    converted = [
        array
        for kernel, part in groups
        for array in (np.moveaxis(kernel, (0, 1), (-1, -2)), part)
    ]
"""
    )
    added = (
        "layer = jax.jit(lambda x, w, b: "
        "jax.lax.conv(x, w, window_strides=(1, 1), padding=((0, 0), (0, 0))) + b[:, None])"
    )
    assert (
        formatted(added)
        == """\
layer = jax.jit(
    lambda x, w, b: (
        jax.lax.conv(x, w, window_strides=(1, 1), padding=((0, 0), (0, 0)))
        + b[:, None]
    )
)
"""
    )


def test_a_literal_that_does_not_fit_is_left_whole() -> None:
    text = "x" * 100
    assert formatted(f"layer = a.B(1, name={text!r})") == f'layer = a.B(\n    1,\n    name="{text}",\n)\n'


def test_a_tuple_of_one_keeps_its_comma_and_gets_no_other() -> None:
    text = "x" * 80
    assert formatted(f"layer = a.B(({text!r},))") == f'layer = a.B(\n    (\n        "{text}",\n    )\n)\n'


def test_an_import_in_a_function_is_not_looked_at() -> None:
    script = "def convert(weights):\n    import os\n"
    assert formatted(script) == script


def test_imports_that_nothing_uses_are_left_out() -> None:
    script = "# why\nimport {}\n\n\nlayer = jax.numpy.sum(np.x)\n"
    given, kept = ("jax.numpy", "numpy as np", "os", "torch as np2"), ("jax.numpy", "numpy as np")
    given_script, wanted = (script.format("\nimport ".join(names)) for names in (given, kept))
    assert formatted(given_script) == wanted


def test_a_comma_at_the_end_of_a_row_asks_for_a_line_for_each_item() -> None:
    text = "layer = keras.Sequential([\n    a.B('x'), a.C(2),\n])\n"
    wanted = 'layer = keras.Sequential(\n    [\n        a.B("x"),\n        a.C(2),\n    ]\n)\n'
    assert formatted(text) == wanted
    assert formatted("layer = a.B(3,)") == "layer = a.B(\n    3,\n)\n"
    assert formatted("layer = a.B((3,))") == "layer = a.B((3,))\n"


def test_comments_and_what_has_lines_already_stay_as_they_are() -> None:
    script = "x = a(  # one\n    'two', 3)\n\n# three\ny = [1,\n     2]\nassert x, 'four'  # five\n"
    assert formatted(script) == script


@given(st.text())
@examples(60)
def test_any_text_as_a_comment_is_a_comment_of_lines_that_fit(text: str) -> None:
    lines = comment(text).splitlines()
    assert all(line.startswith("#") and len(line) <= COMMENT_WIDTH for line in lines)
