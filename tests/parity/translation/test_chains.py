"""Chains of layers: each link translated, and the whole run beside the whole that was typed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from parity.cases.arrays import Array
from parity.frameworks.code.chain import Written
from parity.frameworks.code.expression import ExpressionError
from parity.frameworks.code.layer import layer
from parity.frameworks.interface import Framework
from parity.frameworks.table import find_framework
from parity.frameworks.task import Answer, Task, Wait, here
from parity.records.counts import Outcome
from parity.translation.chain import ChainDraft
from parity.translation.result import remarks
from parity.translation.translator import draft, translate
from tests.support.strategies import examples

pytestmark = pytest.mark.usefixtures("shared_processes")

TORCH_LINKS = [
    "nn.ZeroPad2d(1)",
    "nn.ZeroPad2d((1, -1, 2, 0))",
    "nn.ConstantPad2d((1, 0, 2, 1), 3)",
    "nn.ConstantPad2d(-1, 0.0)",
    "nn.ReflectionPad2d((1, 2, 0, 1))",
    "nn.ReplicationPad2d((0, 1, 2, 3))",
    "nn.CircularPad2d((1, 0, 2, 1))",
    "nn.ZeroPad1d((1, 2))",
    "nn.ReflectionPad1d(2)",
    "nn.ReplicationPad3d((1, 0, 2, 1, 0, 1))",
    "nn.ZeroPad3d(1)",
    "nn.Upsample(scale_factor=2)",
    "nn.Upsample(scale_factor=(3.0, 2.0), mode='nearest')",
    "nn.Upsample(None, 3, 'bilinear')",
    "nn.UpsamplingNearest2d(scale_factor=2)",
    "nn.PixelShuffle(2)",
    "nn.PixelUnshuffle(3)",
    "nn.Unfold((3, 2), dilation=2, padding=1, stride=2)",
    "nn.Fold((8, 9), (3, 2), dilation=2, padding=1, stride=2)",
    "nn.Fold((7, 9), 3, stride=2)",
    "nn.ReLU(inplace=True)",
    "nn.ReLU6()",
    "nn.LeakyReLU()",
    "nn.LeakyReLU(0.2, True)",
    "nn.GELU()",
    "nn.GELU(approximate='tanh')",
    "nn.SiLU()",
    "nn.ELU(0.5)",
    "nn.SELU()",
    "nn.CELU(2.0)",
    "nn.Sigmoid()",
    "nn.LogSigmoid()",
    "nn.Tanh()",
    "nn.Tanhshrink()",
    "nn.Softplus()",
    "nn.Softsign()",
    "nn.Softshrink(0.25)",
    "nn.Hardshrink()",
    "nn.Hardsigmoid()",
    "nn.Hardswish()",
    "nn.Hardtanh()",
    "nn.Hardtanh(0.0, 2.0)",
    "nn.Hardtanh(-2, 0.5)",
    "nn.Mish()",
    "nn.Softmax(1)",
    "nn.Softmax(dim=-1)",
    "nn.Softmax(dim=-3)",
    "nn.Softmax2d()",
    "nn.LogSoftmax(1)",
    "nn.Identity()",
    "nn.Dropout2d(0.2)",
]

KERAS_LINKS = [
    "keras.layers.ZeroPadding1D((1, 2))",
    "keras.layers.ZeroPadding2D(((1, 0), (2, 1)))",
    "keras.layers.ZeroPadding2D((1, 2))",
    "keras.layers.ZeroPadding3D(2)",
    "keras.layers.Cropping1D(1)",
    "keras.layers.Cropping2D(((1, 0), (2, 1)))",
    "keras.layers.Cropping3D(((0, 1), (1, 0), (0, 0)))",
    "keras.layers.UpSampling1D(3)",
    "keras.layers.UpSampling2D((2, 3))",
    "keras.layers.UpSampling2D(2, interpolation='bilinear')",
    "keras.layers.UpSampling3D()",
    "keras.layers.ReLU()",
    "keras.layers.ReLU(6)",
    "keras.layers.ReLU(max_value=2.5)",
    "keras.layers.ReLU(negative_slope=0.25)",
    "keras.layers.LeakyReLU()",
    "keras.layers.ELU(0.5)",
    "keras.layers.Softmax()",
    "keras.layers.Softmax(axis=1)",
    "keras.layers.Softmax(axis=-2)",
    "keras.layers.Identity()",
    "keras.layers.Dropout(0.5)",
    "keras.layers.GaussianNoise(0.5)",
    "keras.layers.Activation('linear')",
    "keras.layers.Activation(keras.activations.relu6)",
    "keras.layers.ReLU(dtype='float64')",
    *(
        f"keras.layers.Activation({name!r})"
        for name in (
            "relu gelu silu swish elu selu celu sigmoid log_sigmoid tanh tanh_shrink softplus"
            " softsign leaky_relu soft_shrink hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh mish"
            " softmax log_softmax"
        ).split()
    ),
]


def run(framework: str, layer: Any, weights: list[Array], x: Array) -> Array:  # noqa: ANN401
    found = find_framework(framework)
    found.load()
    return found.call(layer, weights, x)


def executed(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the script under test
    return names


def chain_of(line: str, target: str) -> ChainDraft:
    written = draft(line, target)
    assert isinstance(written, ChainDraft)
    return written


@pytest.mark.parametrize("line", TORCH_LINKS)
def test_every_link_of_torch_has_a_twin_in_keras(line: str) -> None:
    assert translate(line, "keras").verified


@pytest.mark.parametrize("line", KERAS_LINKS)
def test_every_link_of_keras_has_a_twin_in_torch(line: str) -> None:
    assert translate(line, "torch").verified


@pytest.mark.parametrize("name", ["gelu", "leaky_relu", "softmax", "hard_silu"])
def test_an_activation_of_a_convolution_is_a_link_behind_it(name: str) -> None:
    line = f"keras.layers.Conv2D(3, 3, strides=2, activation={name!r})"
    translation = translate(line, "torch", channels=2)
    assert translation.verified
    assert not translation.exact


def joined(draw: st.DrawFn, rank: int, numbers: st.SearchStrategy[int], each: int = 1) -> str:
    """One number for all axes, or some for each."""
    drawn = [str(draw(numbers)) for _ in range(each * rank)]
    return drawn[0] if draw(st.booleans()) else f"({', '.join(drawn)},)"


@st.composite
def torch_steps(draw: st.DrawFn) -> str:
    """A layer of torch without weights, with options of any kind; shrinks towards a padding of one axis."""
    rank, one = draw(st.integers(1, 3)), st.integers(1, 3)
    mode = draw(st.sampled_from(["Zero", "Constant", "Reflection", "Replication", "Circular"]))
    least = -1 if mode in {"Zero", "Constant"} else 0
    value = f", {draw(st.integers(-2, 2))}" if mode == "Constant" else ""
    factors = ", ".join(str(draw(one)) for _ in range(rank))
    smooth = draw(st.sampled_from(["nearest", "bilinear" if rank == len("hw") else "nearest"]))
    windows = f"({draw(one)}, {draw(one)}), {draw(one)}, {draw(st.integers(0, 2))}, {draw(one)}"
    number = draw(st.sampled_from([0.125, 0.5, 1.0, 2.0]))
    options = [
        f"{mode}Pad{rank}d({joined(draw, rank, st.integers(least, 3), 2)}{value})",
        f"Upsample(scale_factor=({factors},), mode={smooth!r})",
        f"Unfold({windows})",
        f"Fold(({draw(st.integers(7, 11))}, {draw(st.integers(7, 9))}), {windows})",
        f"{draw(st.sampled_from(['Softmax', 'LogSoftmax']))}(dim={draw(st.integers(-4, 3))})",
        f"{draw(st.sampled_from(['PixelShuffle', 'PixelUnshuffle']))}({draw(one)})",
        f"{draw(st.sampled_from('LeakyReLU ELU CELU Softshrink Hardshrink'.split()))}({number})",
        f"Hardtanh({-number}, {number})",
    ]
    return f"nn.{draw(st.sampled_from(options))}"


@examples(40)
@given(torch_steps())
def test_any_step_of_torch_is_translated_to_keras_and_proved(line: str) -> None:
    assert translate(line, "keras").verified


@st.composite
def keras_chains(draw: st.DrawFn) -> str:
    """A chain of Keras with options of any kind; shrinks towards a lone padding."""
    rank = draw(st.integers(1, 2))
    links = []
    for _ in range(draw(st.integers(1, 4))):
        pairs = tuple((draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(rank))
        around = pairs[0] if rank == 1 else pairs
        name = draw(st.sampled_from(["gelu", "softmax", "relu", "leaky_relu", "hard_tanh", "swish"]))
        size, stride, many = (draw(st.integers(1, 3)) for _ in range(3))
        same = draw(st.sampled_from(["same", "valid"]))
        conv = f"{many}, {size}, strides={stride}, padding={same!r}, activation={name!r}"
        options = [
            f"ZeroPadding{rank}D({around})",
            f"Cropping{rank}D({around})",
            f"UpSampling{rank}D({size})",
            f"Activation({name!r})",
            f"Softmax(axis={draw(st.integers(-rank - 1, rank + 1))})",
            f"LeakyReLU({draw(st.sampled_from([0.1, 0.5]))})",
            f"Conv{rank}D({conv})",
            f"Conv{rank}DTranspose({conv})",
            f"SeparableConv{rank}D({conv}, depth_multiplier={many})",
        ]
        links.append(f"layers.{draw(st.sampled_from(options))}")
    shape = (*[None] * rank, draw(st.integers(1, 3)))
    return f"keras.Sequential([layers.Input({shape}), {', '.join(links)}])"


@examples(20)
@given(keras_chains())
def test_any_chain_of_keras_is_translated_to_torch_and_proved(line: str) -> None:
    translation = translate(line, "torch")
    assert translation.verified, remarks(translation)


@st.composite
def torch_chains(draw: st.DrawFn) -> str:
    """A chain of torch that Keras has layers for; shrinks towards a lone convolution."""
    channels = draw(st.integers(1, 3))
    links = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["conv", "transposed", "pad", "up", "activation", "unshuffle"]))
        if kind == "conv":
            filters, kernel, stride = (draw(st.integers(1, 3)) for _ in range(3))
            pads = draw(st.integers(0, 1))
            links.append(f"nn.Conv2d({channels}, {filters}, {kernel}, stride={stride}, padding={pads})")
            channels = filters
        elif kind == "transposed":
            filters, kernel, stride = (draw(st.integers(1, 3)) for _ in range(3))
            bias = draw(st.booleans())
            links.append(f"nn.ConvTranspose2d({channels}, {filters}, {kernel}, {stride}, bias={bias})")
            channels = filters
        elif kind == "pad":
            before, after = draw(st.tuples(st.integers(-1, 2), st.integers(-1, 2)))
            links.append(f"nn.ZeroPad2d(({before}, {after}, {after}, {before}))")
        elif kind == "up":
            mode = draw(st.sampled_from(["nearest", "bilinear"]))
            links.append(f"nn.Upsample(scale_factor={draw(st.integers(1, 3))}, mode={mode!r})")
        elif kind == "activation":
            functions = ["ReLU()", "LeakyReLU(0.1)", "GELU()", "Softmax(1)", "ReLU6()", "Softmax(-2)"]
            links.append(f"nn.{draw(st.sampled_from(functions))}")
        else:
            links.append("nn.Upsample(scale_factor=2), nn.PixelUnshuffle(2)")
            channels *= 4
    return f"nn.Sequential({', '.join(links)})"


@examples(15)
@given(torch_chains())
def test_any_chain_of_torch_is_translated_to_keras_and_back_and_proved(line: str) -> None:
    there = translate(line, "keras")
    assert there.verified
    written = there.code.split("layer = ")[-1].split("\n\n")[0]
    if there.spelling == "native" and "nn.Conv" in line:
        back = translate(" ".join(written.split()), "torch", channels=there.sizes[0][1])
        assert back.verified


def test_the_script_of_a_chain_converts_the_state_of_the_whole() -> None:
    import torch  # noqa: PLC0415 - imported when first used

    line = (
        "nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.ReLU(), "
        "nn.Sequential(nn.ConvTranspose2d(8, 4, 3, groups=2), nn.PixelShuffle(2)))"
    )
    module = eval(line, {"nn": torch.nn})  # noqa: S307 - this very text
    weights = [each.numpy() for each in module.state_dict().values()]
    names = executed(translate(line, "keras").code)
    x = np.random.default_rng(1).normal(size=(2, 3, 6, 7)).astype("float32")
    found = run("keras", names["layer"], names["convert"](weights), x)
    np.testing.assert_allclose(found, run("torch", module, weights, x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "arguments",
    [
        "5, 3, depth_multiplier=2, activation='relu'",
        "filters=4, kernel_size=3, strides=2, padding='same', use_bias=False",
        "4, 2, dilation_rate=2, pointwise_initializer=keras.initializers.Zeros(), name='x'",
        "4, 2, depthwise_regularizer=keras.regularizers.L2(0.1), bias_constraint='non_neg'",
        "4, 3, padding='SAME', dtype='float64', bias_initializer='ones'",
    ],
)
@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("target", ["torch", "keras"])
def test_a_separable_layer_is_two_convolutions_with_all_its_weights(
    rank: int, arguments: str, target: str
) -> None:
    translation = translate(f"keras.layers.SeparableConv{rank}D({arguments})", target, channels=3)
    assert translation.verified
    assert translation.code.count("kernel, *bias = weights[") == 2


def test_the_channels_order_between_separable_convolutions_is_said() -> None:
    notes = translate("layers.SeparableConv2D(5, 3, depth_multiplier=2)", "torch", channels=3).notes
    assert any("output channel 2*c + j" in note for note in notes)


def test_a_native_chain_is_one_of_layers_of_the_target_alone() -> None:
    translation = translate("nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(3, 8, 3), nn.ReLU())", "keras")
    assert (translation.spelling, translation.verified, translation.exact) == ("native", True, True)
    assert 'keras.layers.ReLU(dtype="float32"),\n    ]\n)' in translation.code


@pytest.mark.parametrize(
    ("line", "options", "sizes"),
    [
        ("keras.Sequential([keras.Input(shape=(8, 9, 3)), keras.layers.Conv2D(4, 3)])", {}, (2, 3, 8, 9)),
        ("keras.Sequential([layers.InputLayer((None, None, 3)), layers.Conv2D(4, 3)])", {}, None),
        ("keras.Sequential([InputLayer(input_shape=(8, 9, 3)), Conv2D(4, 3)])", {}, (2, 3, 8, 9)),
        ("keras.models.Sequential(layers=[layers.Conv2D(4, 3)], name='stem')", {"channels": 3}, None),
        ("nn.Sequential(OrderedDict([('a', nn.Conv2d(3, 4, 3)), ('b', nn.ReLU())]))", {}, None),
        ("nn.Sequential(nn.Conv2d(3, 4, 3))", {"input": (1, 3, 5, 6)}, (1, 3, 5, 6)),
    ],
)
def test_the_input_is_read_where_it_is_said(
    line: str, options: dict[str, Any], sizes: tuple[int, ...] | None
) -> None:
    translation = translate(line, "keras" if "nn." in line else "torch", **options)
    assert translation.verified
    assert (translation.sizes == (sizes,)) if sizes else len(translation.sizes) > 1


@st.composite
def twins(draw: st.DrawFn) -> str:
    """Two links that together are a transposed convolution."""
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    padding = tuple(draw(st.integers(0, k - 1)) for k in kernel)
    channels, filters, factor = (draw(st.integers(1, 3)) for _ in range(3))
    bias = draw(st.booleans())
    if draw(st.booleans()):
        conv = f"nn.Conv2d({channels}, {filters * factor**2}, {kernel}, padding={padding}, bias={bias})"
        return f"nn.Sequential({conv}, nn.PixelShuffle({factor}))"
    conv = f"nn.Conv2d({channels}, {filters}, {kernel}, padding={padding}, bias={bias})"
    return f"nn.Sequential(nn.Upsample(scale_factor=({factor}, {draw(st.integers(1, 3))})), {conv})"


@examples(25)
@given(twins(), st.sampled_from(["torch", "keras"]))
def test_a_twin_of_a_transposed_convolution_is_one_with_the_weights_that_are_given(
    line: str, target: str
) -> None:
    import keras  # noqa: PLC0415 - imported when first used
    import torch  # noqa: PLC0415

    written = chain_of(line, target)
    (note,) = [each for each in written.notes if "together are" in each]
    printed = note.partition("together are ")[2].partition(": convert")[0].partition(", where the")[0]
    twin = eval(printed, {"torch": torch, "keras": keras})  # noqa: S307 - of this project's own making
    module = eval(line, {"nn": torch.nn})  # noqa: S307 - this very text
    random = np.random.default_rng(0)
    shapes = [tuple(each.shape) for each in module.parameters()]
    weights = [random.integers(-4, 5, shape).astype("float32") for shape in shapes]
    if len(weights) > 1 and "Shuffle" in line:
        factor = int(line.partition("Shuffle(")[2][0])
        weights[1] = np.repeat(weights[1][:: factor**2], factor**2)
    x = random.integers(-4, 5, (2, shapes[0][1], 5, 6)).astype("float32")
    names = executed(written.program.text)
    found = run(target, twin, names["convert_to_transposed"](weights), x)
    np.testing.assert_array_equal(found, run("torch", module, weights, x))


def test_a_sub_pixel_layer_whose_biases_differ_is_no_transposed_convolution() -> None:
    names = executed(draft("nn.Sequential(nn.Conv2d(1, 4, 3), nn.PixelShuffle(2))", "torch").program.text)
    with pytest.raises(ValueError, match="the bias of each 4 channels has to be one number"):
        names["convert_to_transposed"]([np.ones((4, 1, 3, 3)), np.arange(4)])


@pytest.mark.parametrize("conv", ["3, stride=2", "3, padding=3", "3, dilation=2", "3, groups=2"])
def test_no_other_convolution_is_called_a_transposed_one(conv: str) -> None:
    written = draft(f"nn.Sequential(nn.Conv2d(2, 4, {conv}), nn.PixelShuffle(2))", "torch")
    assert "convert_to_transposed" not in written.program.text


SAVED = [
    "nn.ReflectionPad2d((1, 2, 0, 1))",
    "nn.ReplicationPad1d((1, 2))",
    "nn.CircularPad2d(1)",
    "nn.ConstantPad2d((1, -1, 2, 0), 2.0)",
    "nn.PixelShuffle(2)",
    "nn.PixelUnshuffle(2)",
    "nn.Unfold(3, stride=2)",
    "nn.Fold((7, 9), 3, stride=2)",
    "nn.GELU('tanh')",
    "nn.CELU(0.5)",
    "nn.LogSoftmax(1)",
]


@pytest.mark.parametrize("line", SAVED)
def test_what_keras_has_no_layer_for_takes_any_size_and_is_saved_and_loaded(
    line: str, tmp_path: Path
) -> None:
    written = chain_of(line, "keras")
    keras: Any = find_framework("keras").load()
    layer = executed(written.program.text)["layer"]
    _, channels, *sizes = written.walks[0].input
    fixed = sizes if "Fold" in line else [None] * len(sizes)
    model = keras.Sequential([keras.Input((*fixed, channels)), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(2, *sizes, channels)).astype("float32")
    np.testing.assert_array_equal(np.asarray(loaded(x)), np.asarray(layer(x)))


def test_what_is_left_out_is_said() -> None:
    translation = translate("nn.Sequential(nn.Conv2d(3, 4, 3), nn.Dropout(0.5), nn.Identity())", "keras")
    assert translation.verified
    assert translation.notes == ("Dropout is left out, of the proof too: in inference it does nothing",)


def wrong(path: str, **keywords: object) -> Callable[..., Written]:
    return lambda *_: Written((layer(path, **keywords),))


@pytest.mark.parametrize(
    ("line", "mistaken"),
    [
        ("nn.LeakyReLU()", wrong("keras.layers.LeakyReLU")),
        ("nn.GELU()", wrong("keras.layers.Activation", activation="silu")),
        ("nn.Softmax(1)", wrong("keras.layers.Softmax", axis=1)),
        ("nn.ZeroPad2d((1, 0, 0, 0))", wrong("keras.layers.ZeroPadding2D", padding=((1, 0), (0, 0)))),
        ("nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU())", wrong("keras.layers.Identity")),
    ],
)
def test_a_wrong_link_is_not_called_verified(
    monkeypatch: pytest.MonkeyPatch, line: str, mistaken: Callable[..., Written]
) -> None:
    monkeypatch.setattr(type(find_framework("keras")), "write_step", mistaken)
    translation = translate(line, "keras")
    assert translation.outcome == Outcome.UNEXPLAINED
    assert remarks(translation)[-1].endswith(": different")


@pytest.mark.parametrize("failing", ["torch", "keras"])
def test_a_framework_that_crashes_in_a_chain_is_named(failing: str) -> None:
    def submit(found: Framework, task: Task) -> Wait:
        crashed = Answer("crashed", error="SIGSEGV", reason="its process ended: SIGSEGV")
        return (lambda: crashed) if failing == found.name else here(found, task)

    translation = draft("nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU())", "keras").prove(submit)
    assert translation.outcome == Outcome.CRASHED
    assert translation.notes == (f"{failing} gave no output: SIGSEGV",)


def test_a_rounding_chain_is_not_called_identical() -> None:
    assert "equal within the tolerances" in remarks(translate("nn.Tanh()", "keras"))[-1]
    assert remarks(translate("nn.ReLU()", "keras"))[-1].endswith("identical")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nn.Sequential()", "a chain without a layer"),
        ("nn.Sequential(3)", "every link of a chain is a call of a layer"),
        ("nn.Sequential(nn.Conv2d(3, 8, 3), x)", "→x←"),
        ("nn.Sequential(*layers)", "one by one"),
        ("nn.Sequential(nn.Linear(3, 4))", "nn.Linear is no link of a chain"),
        ("nn.Sequential(keras.layers.ReLU())", "allowed in a chain of torch is nn.ReLU"),
        ("keras.Sequential([nn.ReLU()])", "allowed in a chain of Keras is keras.layers.ReLU"),
        ("nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(4, 8, 3))", "4 input channels is given 8"),
        ("nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv1d(8, 8, 3))", "conv1d"),
        ("nn.Sequential(nn.Conv2d(3, 8, 3), nn.PixelShuffle(3))", "PixelShuffle(3) of 8 channels"),
        ("nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, dtype=torch.float64))", "float32 and float64"),
        ("nn.Upsample(size=(8, 8))", "give scale_factor"),
        ("nn.Upsample(scale_factor=1.5)", "whole numbers"),
        ("nn.Upsample(scale_factor=2, mode='bicubic')", "no twin"),
        ("nn.Upsample(scale_factor=2, mode='bilinear', align_corners=True)", "align_corners=True"),
        ("nn.UpsamplingBilinear2d(scale_factor=2)", "align_corners=True"),
        ("nn.Upsample(scale_factor=2, mode='linear')", "UpSampling1D repeats elements"),
        ("nn.Softmax()", "needs the argument dim"),
        ("nn.Softmax(dim=7)", "allowed are numbers from -4 to 3"),
        ("nn.LeakyReLU(1e999)", "allowed is a finite number"),
        ("nn.Softplus(beta=2)", "beta=2.0: allowed is 1.0"),
        ("nn.ReflectionPad2d(-1)", "none of them negative"),
        ("nn.ZeroPad2d((1, 2, 3))", "4 ints from the last axis on"),
        ("nn.Upsample(scale_factor=100000)", "elements: allowed are at most"),
        ("keras.layers.Softmax(axis='x')", "allowed is the number of an axis"),
        ("keras.layers.Activation('cube')", "→'cube'←"),
        ("keras.layers.ReLU(6, threshold=1)", "threshold=1.0"),
        ("keras.layers.Cropping2D(-1)", "none of them negative"),
        ("layers.SeparableConv2D(4, 3, groups=2)", "no argument groups"),
        ("layers.SeparableConv2D(4, 3, depth_multiplier=0)", "→0←"),
        ("layers.SeparableConv2D(4)", "needs the argument kernel_size"),
        ("np.SeparableConv2D(4, 3)", "keras.layers.SeparableConv2D"),
        ("keras.layers.UpSampling2D(2, interpolation='bicubic')", "allowed are 'nearest', 'bilinear'"),
        ("keras.Sequential([layers.Conv2D(4, 3)])", "--channels"),
        ("keras.Sequential([layers.ReLU(), layers.Input((8, 8, 3))])", "at the beginning"),
        ("keras.Sequential([layers.Conv2D(4, 3, dtype='float64'), layers.ReLU()])", "float64 and float32"),
    ],
)
def test_what_is_no_chain_or_has_no_twin_is_refused_in_a_sentence(line: str, said: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        draft(line, "keras" if line.startswith("nn.") else "torch")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_kernels_shape_beside_a_chain_is_refused() -> None:
    with pytest.raises(ExpressionError, match="a chain's layers carry the shapes"):
        draft("nn.Sequential(nn.Conv2d(3, 8, 3))", "keras", kernel_shape=(8, 3, 3, 3))


def test_a_framework_without_chains_refuses_one() -> None:
    with pytest.raises(ExpressionError, match="relu has no twin in numpy"):
        draft("nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())", "numpy")
    with pytest.raises(ExpressionError, match="a chain of 2 has no twin in numpy"):
        draft("nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 3, 1))", "numpy")
    with pytest.raises(ExpressionError, match="of modules, and not of functions"):
        draft("nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 3, 1))", "torch+functional")
    assert translate("nn.Sequential(nn.Conv2d(3, 8, 3))", "numpy").verified


@pytest.mark.parametrize(
    ("line", "channels"),
    [
        ("nn.Sequential(nn.LazyConv2d(8, 3), nn.ReLU(), nn.LazyConvTranspose2d(4, 2, stride=2))", 3),
        ("nn.Sequential(nn.Conv2d(3, 8, 5, padding=2, padding_mode='reflect'), nn.ReLU())", None),
        ("nn.Sequential(nn.Conv2d(3, 8, 3, dtype=torch.bfloat16), nn.SiLU(), nn.GELU())", None),
        ("nn.Sequential(nn.Conv2d(3, 8, 3, dtype=torch.float16), nn.Tanh(), nn.Softmax(1))", None),
        ("nn.Sequential(nn.Conv2d(3, 64, 3), nn.SiLU(), nn.Conv2d(64, 64, 3), nn.GELU())", None),
    ],
)
def test_layers_of_every_kind_are_links(line: str, channels: int | None) -> None:
    translation = translate(line, "keras", channels=channels)
    assert translation.verified, remarks(translation)


def test_a_depthwise_layer_of_keras_is_a_link() -> None:
    depthwise = "layers.DepthwiseConv2D(3, depth_multiplier=2, activation='gelu')"
    line = f"keras.Sequential([{depthwise}, layers.Conv2D(4, 1)])"
    assert translate(line, "torch", channels=3).verified


HOSTILE = {
    "brackets": "nn.Sequential(" * 700 + ")" * 700,
    "ten thousand brackets": "nn.Sequential(" + "[" * 10_000,
    "nested chains": "nn.Sequential(" * 150 + "nn.ReLU()" + ")" * 150,
    "many links": f"nn.Sequential({'nn.ReLU(),' * 900})",
    "many links of Keras": f"keras.Sequential([{'layers.ReLU(),' * 600}])",
    "too many characters": f"nn.Sequential({'nn.ReLU(),' * 1001})",
    "huge growth": f"nn.Sequential({'nn.Upsample(scale_factor=9),' * 90})",
    "no way through": f"nn.Sequential({'nn.Conv2d(3, 3, 3),' * 90}nn.PixelShuffle(7))",
    "a huge shuffle": "nn.PixelShuffle(1000000)",
    "a huge fold": "nn.Fold((1000000, 1000000), 3)",
    "huge pads": "nn.ZeroPad2d(100000000)",
}


@pytest.mark.parametrize("fault", HOSTILE)
def test_no_chain_takes_long_to_refuse(fault: str) -> None:
    began = time.process_time()
    if fault == "nested chains":
        assert draft(HOSTILE[fault], "torch" if "keras" in HOSTILE[fault] else "keras").program.text
    else:
        with pytest.raises(ExpressionError) as raised:
            draft(HOSTILE[fault], "torch" if "keras" in HOSTILE[fault] else "keras")
        assert len(str(raised.value)) < 3000
    assert time.process_time() - began < 1
