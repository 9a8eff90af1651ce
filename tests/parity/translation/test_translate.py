"""Translating a layer: what is printed is executed here, and compared with the layer it was made from."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from convmm.geometry import GeometryError
from parity.cases.arrays import Array
from parity.cli.main import run_cli
from parity.frameworks.code.expression import ExpressionError
from parity.frameworks.code.layer import Layer
from parity.frameworks.interface import Framework
from parity.frameworks.spelling import Spelling
from parity.frameworks.table import FrameworkError, find_framework
from parity.frameworks.task import Answer, Task, Wait, here
from parity.records.counts import Outcome
from parity.translation.result import Translation, remarks
from parity.translation.translator import draft, translate
from tests.support.machine import HAS_ONEDNN
from tests.support.strategies import examples

pytestmark = pytest.mark.usefixtures("shared_processes")

DOUBLING = "nn.ConvTranspose2d(4, 3, 3, stride=2, padding=1, output_padding=1)"
SAME = "layers.Conv2DTranspose(3, 3, strides=2, padding='same')"


def runs(framework: str, layer: Any, weights: list[Array], x: Array) -> Array:  # noqa: ANN401
    found = find_framework(framework)
    found.load()
    return found.call(layer, weights, x)


def statements(translation: Translation) -> str:
    """The code with each statement on one line, whatever it was formatted to."""
    return ast.unparse(ast.parse(translation.code))


def executed(translation: Translation) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(translation.code, names)  # noqa: S102 - the script under test
    return names


def weights_of(channels: int, filters: int, *kernel: int, seed: int = 0) -> list[Array]:
    """A kernel in torch's layout for a transposed layer, and a bias: small integers."""
    generator = np.random.default_rng(seed)
    shape = (channels, filters, *kernel)
    return [generator.integers(-9, 9, s).astype(np.float32) for s in (shape, (filters,))]


@st.composite
def torch_lines(draw: st.DrawFn) -> str:
    """A layer of torch as text; shrinks towards Conv1d(1, 1, 1)."""
    rank = draw(st.sampled_from([1, 2]))
    transposed = draw(st.booleans())
    groups = draw(st.integers(1, 2))
    channels, filters = (groups * draw(st.integers(1, 2)) for _ in range(2))
    stride, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    kernel = draw(st.integers(1, 4))
    padding = draw(st.integers(0, ((kernel - 1) * dilation) // 2))
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    if transposed:
        options["output_padding"] = draw(st.integers(0, max(stride, dilation) - 1))
    options["bias"] = draw(st.booleans())
    written = ", ".join(f"{name}={value}" for name, value in options.items())
    name = f"Conv{'Transpose' if transposed else ''}{rank}d"
    return f"torch.nn.{name}({channels}, {filters}, {kernel}, {written})"


@st.composite
def keras_lines(draw: st.DrawFn) -> str:
    """A layer of Keras as text that Keras accepts; shrinks towards Conv1D(1, 1)."""
    rank = draw(st.sampled_from([1, 2]))
    suffix = draw(st.sampled_from(["", "Transpose"]))
    stride = draw(st.integers(1, 3))
    options: dict[str, Any] = {"strides": stride, "padding": draw(st.sampled_from(["valid", "same"]))}
    if stride == 1 and (HAS_ONEDNN or not suffix):
        options["dilation_rate"] = draw(st.integers(1, 2))
    options["use_bias"] = draw(st.booleans())
    written = ", ".join(f"{name}={value!r}" for name, value in options.items())
    return (
        f"keras.layers.Conv{rank}D{suffix}({draw(st.integers(1, 3))}, {draw(st.integers(1, 4))}, {written})"
    )


@examples(25)
@given(torch_lines())
def test_any_torch_layer_is_translated_to_keras_and_proved(line: str) -> None:
    translation = translate(line, "keras")
    assert translation.verified
    assert len(translation.sizes) > 1


@examples(25)
@given(keras_lines())
def test_any_keras_layer_is_translated_to_torch_and_proved(line: str) -> None:
    assert translate(line, "torch", channels=2).verified


@examples(15)
@given(st.one_of(torch_lines(), keras_lines()))
def test_any_layer_is_a_call_of_the_core(line: str) -> None:
    translation = translate(line, "numpy", channels=2 if line.startswith("keras") else None)
    assert (translation.verified, translation.spelling) == (True, "native")


@examples(15)
@given(torch_lines())
def test_a_native_translation_there_and_back_is_the_layer_it_began_as(line: str) -> None:
    there = translate(line, "keras")
    layer = executed(there)["layer"] if there.spelling == "native" else None
    if layer is not None:
        written = there.code.split("layer = ")[1].split("\n\n\n")[0]
        channels = there.sizes[0][1]
        back = translate(written, "torch", channels=channels)
        assert back.verified
        first = find_framework("torch").read(parsed(line)).case(1, channels, there.sizes[-1][2:])
        again = find_framework("keras").read(parsed(written)).case(1, channels, there.sizes[-1][2:])
        assert first.geometry == again.geometry


def parsed(line: str) -> Any:  # noqa: ANN401 - a Call
    from parity.frameworks.code.expression import parse_call  # noqa: PLC0415 - only here

    return parse_call(line)


def test_the_doubling_layer_is_valid_with_a_crop_in_keras() -> None:
    translation = translate(DOUBLING, "keras")
    assert (translation.spelling, translation.verified) == ("exact", True)
    assert "keras.layers.Cropping2D(((1, 0), (1, 0))" in statements(translation)
    assert translation.lookalike is not None
    assert "padding='same'" in translation.lookalike["layer"]
    assert (translation.lookalike["relation"], translation.lookalike["offset"]) == ("window", (-1, -1))


def test_the_script_leaves_a_layer_and_a_conversion_for_the_targets_own_input() -> None:
    names = executed(translate(DOUBLING, "keras"))
    weights = weights_of(4, 3, 3, 3)
    x = np.random.default_rng(1).integers(-9, 9, (2, 5, 4, 4)).astype(np.float32)  # channels last
    names["layer"].build(x.shape)
    names["layer"].set_weights(names["convert"](weights))
    import torch  # noqa: PLC0415 - imported when first used

    module = torch.nn.ConvTranspose2d(4, 3, 3, stride=2, padding=1, output_padding=1)
    expected = runs("torch", module, weights, np.moveaxis(x, -1, 1).copy())
    np.testing.assert_array_equal(np.moveaxis(np.asarray(names["layer"](x)), -1, 1), expected)


def test_keras_same_is_a_crop_behind_in_torch() -> None:
    translation = translate(SAME, "torch", channels=4)
    assert "torch.nn.ZeroPad2d((0, -1, 0, -1))" in statements(translation)
    assert translation.lookalike is not None
    assert translation.lookalike["offset"] == (1, 1)


def test_a_strided_same_convolution_computes_its_padding_for_every_size() -> None:
    translation = translate("layers.Conv2D(3, 3, strides=2, padding='same')", "torch", channels=4)
    assert "SamePad((3, 3), (2, 2))" in statements(translation)
    assert {shape[2] % 2 for shape in translation.sizes} == {0, 1}


@pytest.mark.parametrize(("size", "wanted"), [(7, "padding=(1, 1)"), (8, "ZeroPad2d((0, 1, 0, 1))")])
def test_an_input_size_makes_the_padding_a_number(size: int, wanted: str) -> None:
    translation = translate("layers.Conv2D(3, 3, strides=2, padding='same')", "torch", (1, 4, size, size))
    assert wanted in statements(translation)
    assert translation.sizes == ((1, 4, size, size),)


def test_a_torch_convolution_that_is_same_for_odd_sizes_only_is_padded_for_all() -> None:
    line = "nn.Conv2d(4, 3, 3, stride=2, padding=1)"
    assert "ZeroPadding2D(((1, 1), (1, 1))" in statements(translate(line, "keras"))
    assert "padding='same'" in statements(translate(line, "keras", (1, 4, 7, 7)))


def test_groups_become_a_layer_each_in_keras() -> None:
    translation = translate("nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2)", "keras")
    assert "keras.ops.split(inputs, 2, axis=-1)" in statements(translation)
    assert translation.verified


def test_a_stride_with_a_dilation_becomes_a_kernel_with_zeros_in_keras() -> None:
    translation = translate("nn.Conv1d(2, 3, 3, stride=2, dilation=2)", "keras")
    assert "stuffed[:, :, ::2] = kernel" in statements(translation)
    assert "kernel_size=(5,)" in statements(translation)


@pytest.mark.parametrize("activation", ["relu", "tanh", "silu"])
def test_an_activation_is_carried_over(activation: str) -> None:
    line = f"keras.layers.Conv1D(3, 3, activation={activation!r})"
    translation = translate(line, "torch", channels=2)
    assert translation.verified
    assert f"torch.nn.{ {'silu': 'SiLU', 'relu': 'ReLU', 'tanh': 'Tanh'}[activation] }()," in translation.code
    with pytest.raises(ExpressionError, match=f"{activation} has no twin in numpy"):
        translate(line, "numpy", channels=2)


def test_what_changes_nothing_is_left_out_and_said() -> None:
    line = "layers.Conv2D(3, 3, kernel_initializer='he_normal', name='stem', data_format='channels_first')"
    translation = translate(line, "torch", channels=2)
    assert [note.split()[0] for note in translation.notes] == [
        "kernel_initializer",
        "name",
        "data_format='channels_first'",
    ]


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("Conv2d(2, 3, 3)", {}),
        ("nn.Conv2d(2, out_channels=3, kernel_size=(3, 3))", {}),
        ("torch.nn.Conv2d(2, 3, (3, 3), (1, 1), 'same', dtype=torch.float64)", {}),
        ("layers.Conv2D(3, 3, input_shape=(8, 8, 2))", {}),
        ("tf.keras.layers.Convolution2D(3, (3, 3), (1, 1), 'SAME')", {"channels": 2}),
        ("keras.layers.Conv1D(3, 3, padding='causal', dilation_rate=2)", {"channels": 2}),
    ],
)
@pytest.mark.parametrize("target", ["torch", "keras", "numpy"])
def test_layers_are_read_as_people_write_them(line: str, options: dict[str, Any], target: str) -> None:
    assert translate(line, target, **options).verified


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nn.Conv2d(3, n, 3)", "→n←"),
        ("nn.Conv2d(3, 8", "no Python expression"),
        ("3 + 4", "no call of a layer"),
        ("layers[0](3)", "calls no layer by its name"),
        ("nn.Linear(3, 4)", "no layer that is known: known of nn are Conv1d, "),
        ("nn.utils.weight_norm(nn.Conv1d(2, 3, 3))", "give that layer alone"),
        ("nn.Conv2d(3, self.planes, 3)", "put the value of a name in its place"),
        ("nn.Conv2d(3, 4, 3, stride=stride)", "put the value of a name in its place"),
        ("[nn.ReflectionPad2d(3), nn.Conv2d(3, 64, 7)]", "as a chain, as in nn.Sequential("),
        ("nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True),", "as a chain, as in nn.Sequential("),
        ("jax.lax.conv(x, w, 1)", "no layer that is known: known of jax.lax are conv_general_dilated, "),
        ("np.Conv2d(3, 4, 3)", "allowed is Conv2d, nn.Conv2d or torch.nn.Conv2d"),
        ("nn.Conv2d(3, 4, 3, strides=2)", "no argument strides"),
        ("nn.Conv2d(3, 4, 3, in_channels=3)", "in_channels is given twice"),
        ("nn.Conv2d(3, 4)", "needs the argument kernel_size"),
        ("nn.Conv2d(3, 4, (3, 3, 3))", "→(3, 3, 3)←"),
        ("nn.Conv2d(3, 4, 3, stride=0)", "→0←"),
        ("nn.Conv2d(3, 4, 3, bias='no')", "→'no'←"),
        ("nn.Conv2d(3, 4, 3, groups=2)", "groups=2"),
        ("nn.ConvTranspose2d(3, 4, 3, padding_mode='circular')", "'circular': allowed are 'zeros'"),
        ("nn.Conv2d(3, 4, 3, padding_mode='mirror')", "allowed are 'zeros', 'reflect'"),
        ("nn.Conv2d(3, 4, 3, padding=(1,), padding_mode='reflect')", "→(1,)←"),
        ("nn.Conv2d(3, 4, 3, stride=2, padding='same')", "at stride 1 only"),
        ("nn.ConvTranspose2d(3, 4, 3, padding='same')", "ints only"),
        ("nn.ConvTranspose2d(3, 4, 3, output_padding=1)", "output_padding=1"),
        ("nn.Conv2d(3, 4, 3, *rest)", "one by one"),
        ("nn.Conv2d(3, 4, 3, **rest)", "one by one"),
        ("nn.Conv2d(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)", "takes 11 arguments at most"),
        ("layers.Conv2D(3, 3)", "--channels"),
        ("layers.Conv2D(3, 3, padding='full')", "allowed are 'valid', 'same'"),
        ("layers.Conv2D(3, 3, lora_rank=4)", "lora_rank=4: allowed is None, as LoRA adds to the kernel"),
        ("layers.Conv2D(3, 3, dtype='int8')", "dtype='int8': allowed are None, 'float16'"),
        ("layers.Conv2D(3, 3, dtype=policy)", "dtype is a text, a name such as tf.float16, or a Policy"),
        ("layers.Conv2D(3, 3, strides=2, dilation_rate=2, input_shape=(9, 9, 1))", "keras itself refuses"),
    ],
)
def test_what_cannot_be_translated_is_one_sentence_with_its_place(
    capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    code = run_cli(["translate", line, "--to", "keras" if "nn." in line else "torch"])
    printed = capsys.readouterr()
    assert (code, printed.out) == (Outcome.WRONG_INPUT, "")
    assert len(printed.err.splitlines()) == 1
    assert said in printed.err


def test_channels_that_contradict_the_layer_are_refused() -> None:
    with pytest.raises(ExpressionError, match="input says 5 input channels, and the layer 4"):
        translate(DOUBLING, "keras", (1, 5, 4, 4))


def test_an_input_that_the_layer_cannot_take_is_refused() -> None:
    with pytest.raises(GeometryError, match="kernel_size=3"):
        translate("nn.Conv2d(2, 3, 3)", "keras", (1, 2, 2, 2))


def test_an_unknown_target_is_refused() -> None:
    with pytest.raises(FrameworkError, match="allowed are numpy, torch, keras"):
        translate(DOUBLING, "cupy")


def test_a_wrong_translation_is_not_called_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    target = find_framework("keras")
    right = target.exact

    def crop_the_other_side(_: object, case: Any, *, any_size: bool = False) -> list[Spelling]:  # noqa: ANN401
        (spelling,) = right(case, any_size=any_size)
        assert isinstance(spelling.layer, Layer)
        module, crop = spelling.layer.positional[0]
        wrong = Layer(crop.path, (((0, 1), (0, 1)),), crop.keywords)
        return [
            Spelling("exact", Layer("keras.Sequential", ([module, wrong],)), case, None, spelling.convert)
        ]

    monkeypatch.setattr(type(target), "exact", crop_the_other_side)
    assert not translate(DOUBLING, "keras").verified


@pytest.mark.parametrize("failing", ["torch", "keras"])
def test_a_framework_that_crashes_proves_nothing_and_is_named(failing: str) -> None:
    def submit(found: Framework, task: Task) -> Wait:
        crashed = Answer("crashed", error="SIGSEGV", reason="its process ended: SIGSEGV")
        return (lambda: crashed) if failing == found.name else here(found, task)

    translation = draft(DOUBLING, "keras").prove(submit)
    assert not translation.verified
    assert translation.notes == (f"{failing} gave no output: SIGSEGV",)
    assert translation.outcome == Outcome.CRASHED
    assert remarks(translation)[-1].endswith(": not compared")


def test_the_command_itself_imports_no_framework() -> None:
    script = (
        "import sys\nfrom parity.cli.main import run_cli\n"
        f"assert run_cli(['translate', {DOUBLING!r}, '--to', 'keras']) == 0\n"
        "assert not {'torch', 'keras', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_what_the_command_prints_runs_as_it_stands() -> None:
    command = [sys.executable, "-m", "parity", "translate", DOUBLING, "--to", "keras"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    script = printed + "\nprint(layer.compute_output_shape((1, 4, 4, 4)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(1, 8, 8, 3)"
    assert "# verified on inputs of sizes" in printed


def test_a_translation_as_json_has_the_contracts_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["translate", DOUBLING, "--to", "keras", "--json"]) == Outcome.EXPLAINED
    found = json.loads(capsys.readouterr().out)
    assert {"source", "target", "spelling", "code", "verified", "lookalike"} <= set(found)
    assert (found["target"], found["verified"], found["source"]) == ("keras", True, DOUBLING)


DEEP = 4000

TOO_MUCH = {
    "parentheses": "nn.Conv2d(" + "(" * DEEP + "1" + ")" * DEEP + ", 8, 3)",
    "signs": "nn.Conv2d(" + "-" * 2 * DEEP + "1, 8, 3)",
    "sums": "nn.Conv2d(" + "1+" * DEEP + "1, 8, 3)",
    "attributes": "a." * DEEP + "Conv2d(1)",
    "calls": "nn.Conv2d" + "(1)" * 3000,
    "calls in calls": "f(" * DEEP + ")" * DEEP,
    "subscripts": "nn" + "[1]" * 3000 + "(1)",
    "hexadecimal": f"nn.Conv2d(0x{'f' * 5000}, 8, 3)",
    "digits": f"nn.Conv2d({'9' * 5000}, 8, 3)",
    "digits of what is not read": f"layers.Conv2D(8, 3, name=0x{'f' * 5000})",
    "a long text": f"nn.Conv2d('{'x' * 9000}', 8, 3)",
    "a long name": f"{'x' * 9000}(1)",
    "a long prefix": f"{'x' * 9000}.Conv2d(1)",
    "a long prefix for Keras": f"{'x' * 9000}.Conv2D(1)",
    "a long argument": f"nn.Conv2d({'x' * 9000}=1)",
    "many arguments": f"nn.Conv2d(3, 8, 3{', 1' * 3000})",
    "too long": f"nn.Conv2d(3, 8, 3){' ' * 10_000}",
    "far too long": "(" * 10**6,
    "a NUL": "nn.Conv2d(3, 8, 3\0)",
    "half of a character": "nn.Conv2d(3, 8, '\ud800')",
    "half of a character, escaped": r"layers.Conv2D(8, 3, padding='\ud800')",
    "an escape that is none": r"nn.Conv2d(3, 8, '\d')",
    "a kernel beyond every index": "layers.Conv2D(8, 99999999999999999999)",
    "a huge kernel": "layers.Conv2D(8, 9999999999)",
    "a huge dilation": "layers.Conv2D(8, 3, dilation_rate=100000)",
    "a huge stride": "layers.Conv2D(8, 3, strides=100000)",
    "huge filters": "layers.Conv2D(99999999999, 3)",
    "a huge output": "layers.Conv2DTranspose(8, 3, strides=100000)",
    "a kernel with huge holes": "nn.ConvTranspose3d(3, 8, 2, stride=2, dilation=900)",
    "channels that are none": "layers.Conv2D(8, 3, input_shape=(8, 8, -1))",
    "channels that are a text": "layers.Conv2D(8, 3, input_shape=(8, 8, 'x'))",
    "a huge power": "nn.Conv2d(3, 9**9**9, 3)",
    "powers of powers": f"nn.Conv2d(3, {'2**' * DEEP}2, 3)",
    "products": f"nn.Conv2d(3, {'9*' * DEEP}9, 3)",
    "a division by zero": "nn.Conv2d(3, 8 // (4 - 2**2), 3)",
    "assignments": "a = " * 2000 + "nn.Conv2d(3, 8)",
    "10 MB of calls": "nn.Conv2d(" * 10**6,
    "10 MB of numbers": f"nn.Conv2d({'3, ' * 3_000_000}3)",
    "a huge literal kernel": f"F.conv2d(x, torch.zeros(nn.{'9' * 4000}))",
    "a literal kernel of too many sizes": f"F.conv2d(x, torch.zeros({'3, ' * 3000}nn))",
    "kernels in kernels": "F.conv2d(nn, " + "nn.Parameter(" * 150 + "w" + ")" * 151,
    "a huge kernel of a function": "F.conv2d(nn, torch.zeros(9999999, 999999, 9, 9))",
    "a policy that is none": "layers.Conv2D(8, 3, dtype=Policy('x' * 9))",
    "a policy of a policy": "layers.Conv2D(8, 3, dtype=Policy(Policy('mixed_float16')))",
    "a policy of a dictionary": "layers.Conv2D(8, 3, dtype={'module': 'os', 'class_name': 'system'})",
    "code in place of a number": "nn.Conv2d(3, __import__('os').system('false'), 3)",
    "code in place of a text": "layers.Conv2D(8, 3, padding=f'{print(1)}')",
}


@pytest.mark.parametrize("fault", TOO_MUCH)
def test_what_is_no_layer_of_anybodys_is_refused_at_once_in_a_short_sentence(fault: str) -> None:
    with pytest.raises((ExpressionError, GeometryError)) as raised:
        draft(TOO_MUCH[fault], "keras" if "nn." in TOO_MUCH[fault] else "torch", channels=3)
    assert len(str(raised.value)) < 1500


def test_a_proof_of_many_elements_is_refused_before_they_are_drawn() -> None:
    with pytest.raises(ExpressionError, match="the input of the proof is 2x3x200001x200002"):
        draft("layers.Conv2D(8, 3, dilation_rate=100000)", "torch", channels=3)
    with pytest.raises(ExpressionError, match="the input of the proof is 1x3x16384x16384"):
        draft("nn.Conv2d(3, 8, 3)", "keras", (1, 3, 16384, 16384))
    assert draft("layers.Conv1D(8, 3, dilation_rate=100000)", "torch", channels=3).program.text
