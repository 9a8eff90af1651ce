"""Whole LiteRT models: their convolutions are listed, run one by one, and lead to their weights."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity import translate
from parity.cases.arrays import Array
from parity.frameworks.litert.model import LiteRTModel
from parity.frameworks.model import ModelError, Use
from parity.models import port
from parity.models.given import open_model
from parity.records.counts import Outcome
from tests.support.model_calls import by_convmm, told

pytest.importorskip("ai_edge_litert")
tf = pytest.importorskip("tensorflow")

Tensor = Any


def array(*shape: int) -> Array:
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


def convert(compute: Callable[..., Tensor], *shapes: tuple[int | None, ...], **options: object) -> bytes:
    signature = [tf.TensorSpec(shape, "float32") for shape in shapes]
    concrete = tf.function(compute, input_signature=signature, autograph=False).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    for name, value in options.items():
        setattr(converter, name, value)
    content: bytes = converter.convert()
    return content


def opened(folder: Path, content: bytes) -> LiteRTModel:
    file = folder / "model.tflite"
    file.write_bytes(content)
    model = open_model(file)
    assert isinstance(model, LiteRTModel)
    return model


FIRST, BIAS = array(3, 3, 4, 8), array(8)
DEPTHWISE, UP, GROUPED = array(3, 3, 8, 2), array(3, 3, 6, 16), array(3, 3, 3, 4)


def planes(x: Tensor) -> Tensor:
    nn = tf.nn
    x = nn.relu(nn.bias_add(nn.conv2d(x, FIRST, 2, "SAME"), BIAS))
    x = nn.relu6(nn.depthwise_conv2d(x, DEPTHWISE, (1, 1, 1, 1), "VALID"))
    x = nn.conv2d_transpose(x, UP, (2, 8, 6, 6), 2, "SAME")
    return nn.conv2d(x, GROUPED, 1, "SAME", dilations=2)


@pytest.fixture(scope="module")
def planar() -> bytes:
    return convert(planes, (2, 12, 10, 4))


def test_each_convolution_is_told_of_with_what_it_computes(planar: bytes, tmp_path: Path) -> None:
    model = opened(tmp_path, planar)
    found = told(model, [array(2, 4, 12, 10)])
    assert [each.use.text for each in found] == [
        "tf.nn.bias_add(tf.nn.conv2d(x, w, strides=(2, 2), padding='SAME'), b)",
        "tf.nn.bias_add(tf.nn.depthwise_conv2d(x, w, strides=(1, 1, 1, 1), padding='VALID'), b)",
        "tf.nn.conv2d_transpose(x, w, output_shape=(2, 8, 6, 6), strides=(2, 2), padding='SAME')",
        "tf.nn.bias_add(tf.nn.conv2d(x, w, strides=(1, 1), padding='SAME', dilations=(2, 2)), b)",
    ]
    assert [each.use.case.groups for each in found] == [1, 8, 1, 2]
    for each in found:
        np.testing.assert_allclose(each.use.again(each.x), each.y, rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(by_convmm(each.use, each.x), each.y, rtol=1e-5, atol=1e-3)


def test_outputs_are_those_before_the_operators_activations(planar: bytes, tmp_path: Path) -> None:
    first, depthwise, up, _ = told(opened(tmp_path, planar), [array(2, 4, 12, 10)])
    assert first.y.min() < 0 < first.y.max()
    np.testing.assert_allclose(np.maximum(first.y, 0), depthwise.x, atol=1e-4)
    np.testing.assert_allclose(np.clip(depthwise.y, 0, 6), up.x, atol=1e-4)


def test_state_leads_to_the_weights_in_the_layout_of_the_text(planar: bytes, tmp_path: Path) -> None:
    model = opened(tmp_path, planar)
    state = model.state()
    found = [each.use for each in told(model, [array(2, 4, 12, 10)])]
    for use, kernel in zip(found, (FIRST, DEPTHWISE, UP, GROUPED), strict=True):
        held = eval(use.state[0], {"state": state})  # noqa: S307 - code that the tool writes
        np.testing.assert_array_equal(held, kernel)
        assert use.kernel_shape == kernel.shape
    np.testing.assert_array_equal(eval(found[0].state[1], {"state": state}), BIAS)  # noqa: S307


def test_texts_are_translated(planar: bytes, tmp_path: Path) -> None:
    for each in told(opened(tmp_path, planar), [array(2, 4, 12, 10)]):
        use = each.use
        translation = translate(use.text, "numpy", input=use.case.input, kernel_shape=use.kernel_shape)
        assert translation.verified, translation.notes


def test_an_operator_is_computed_on_inputs_of_other_sizes(planar: bytes, tmp_path: Path) -> None:
    found = told(opened(tmp_path, planar), [array(2, 4, 12, 10)])
    shapes = [each.use.again(array(3, *each.x.shape[1:2], 9, 7)).shape for each in found]
    assert shapes == [(3, 8, 5, 4), (3, 16, 7, 5), (3, 6, 18, 14), (3, 4, 9, 7)]


def test_three_axes_and_free_sizes(tmp_path: Path) -> None:
    kernel, up = array(2, 3, 3, 2, 4), array(2, 2, 2, 3, 4)

    def compute(x: Tensor) -> Tensor:
        x = tf.nn.relu(tf.nn.conv3d(x, kernel, (1, 1, 1, 1, 1), "SAME"))
        sizes = tf.shape(x) * [1, 2, 2, 2, 0] + [0, 0, 0, 0, 3]
        return tf.nn.conv3d_transpose(x, up, sizes, 2, "VALID")

    model = opened(tmp_path, convert(compute, (1, None, 6, 6, 2)))
    assert model.declared == ((1, 2, None, 6, 6),)
    found = told(model, [array(1, 2, 5, 6, 6)])
    assert [each.use.case.op for each in found] == ["conv3d", "conv_transpose3d"]
    for each in found:
        np.testing.assert_allclose(by_convmm(each.use, each.x), each.y, rtol=1e-5, atol=1e-4)
    ran = model.run([array(1, 2, 5, 6, 6)], lambda _use, _x, _y: None)
    assert [each.shape for each in ran.outputs] == [(1, 3, 10, 12, 12)]


def test_a_dilation_that_is_made_around_a_convolution_and_more_is_noted(tmp_path: Path) -> None:
    def compute(x: Tensor) -> Tensor:
        x = tf.nn.conv2d(tf.space_to_batch(x, (2, 2), [[0, 0], [0, 0]]), FIRST, 1, "VALID")
        return tf.batch_to_space(tf.tanh(x), (2, 2), [[0, 0], [0, 0]])

    model = opened(tmp_path, convert(compute, (2, 8, 8, 4)))
    (note,) = model.notes
    assert note.startswith("the model dilates by SPACE_TO_BATCH_ND before a convolution")
    (found,) = told(model, [array(2, 4, 8, 8)])
    assert found.use.case.input == (8, 4, 4, 4)
    assert found.use.case.dilation == (1, 1)


@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
def test_a_dilation_that_is_made_around_a_convolution_is_its_own(padding: str, tmp_path: Path) -> None:
    keras = tf.keras
    layer = keras.layers.Conv1D(5, 3, padding=padding, dilation_rate=4, bias_initializer="random_normal")
    model = keras.Sequential([keras.Input((23, 4)), layer])
    litert = opened(tmp_path, tf.lite.TFLiteConverter.from_keras_model(model).convert())
    assert litert.notes == ()
    (found,) = told(litert, [array(1, 4, 23)])
    use = found.use
    assert use.case.dilation == (1, 4)
    assert use.case.bias
    due = np.moveaxis(keras.ops.convert_to_numpy(model(np.moveaxis(array(1, 4, 23), 1, -1))), -1, 1)
    np.testing.assert_allclose(found.y[:, :, 0], due, atol=1e-5)
    np.testing.assert_allclose(by_convmm(use, found.x), found.y, atol=1e-5)
    np.testing.assert_allclose(use.again(found.x), found.y, atol=1e-5)
    longer = array(2, 4, 1, 31)
    other = keras.Sequential([keras.Input((31, 4)), layer])
    due = np.moveaxis(keras.ops.convert_to_numpy(other(np.moveaxis(longer[:, :, 0], 1, -1))), -1, 1)
    given = np.pad(longer, ((0, 0), (0, 0), (0, 0), (8, 0))) if padding == "causal" else longer
    again = use.again(given)[:, :, 0]
    np.testing.assert_allclose(again[..., : due.shape[-1]], due[..., : again.shape[-1]], atol=1e-5)
    if padding != "same":  # what that pads depends on the size
        assert again.shape == due.shape


def test_a_dilation_of_a_convolution_is_its_own(planar: bytes, tmp_path: Path) -> None:
    assert opened(tmp_path, planar).notes == ()


def test_convolutions_within_branches_are_unread(tmp_path: Path) -> None:
    def compute(x: Tensor) -> Tensor:
        return tf.cond(tf.reduce_sum(x) > 0, lambda: tf.nn.conv2d(x, FIRST, 1, "SAME"), lambda: x + x)

    _, unread = opened(tmp_path, convert(compute, (1, 6, 6, 4))).calls([array(1, 4, 6, 6)])
    assert len(unread) == 1
    assert unread[0].reason.startswith("it stands within ")


def test_several_inputs_are_taken_in_order(tmp_path: Path) -> None:
    def compute(a: Tensor, b: Tensor) -> Tensor:
        return tf.nn.conv2d(a, FIRST, 1, "SAME"), b - 1

    x, b = array(1, 4, 6, 5), array(1, 2, 3, 4)
    model = opened(tmp_path, convert(compute, (1, 6, 5, 4), (1, 3, 4, 2)))
    ran = model.run([x, b], lambda _use, given, _y: np.testing.assert_array_equal(given, x))
    assert [each.shape for each in ran.outputs] == [(1, 8, 6, 5), (1, 2, 3, 4)]
    np.testing.assert_allclose(ran.outputs[1], b - 1, atol=1e-6)


def test_channels_that_the_model_itself_moves_stay_where_they_are(tmp_path: Path) -> None:
    def compute(x: Tensor) -> Tensor:
        moved = tf.transpose(x, (0, 2, 3, 1))
        return tf.transpose(tf.nn.conv2d(moved, FIRST, 1, "VALID"), (0, 3, 1, 2))

    model = opened(tmp_path, convert(compute, (1, 4, 6, 7)))
    assert model.declared == ((1, 4, 6, 7),)
    ran = model.run([array(1, 4, 6, 7)], lambda _use, _x, y: np.testing.assert_equal(y.shape, (1, 8, 4, 5)))
    assert ran.outputs[0].shape == (1, 8, 4, 5)


def test_kernels_of_float16_are_widened(tmp_path: Path) -> None:
    lite = tf.lite

    half = convert(
        lambda x: tf.nn.conv2d(x, FIRST, 1, "SAME"),
        (1, 6, 6, 4),
        optimizations=[lite.Optimize.DEFAULT],
        target_spec=lite.TargetSpec(supported_types=[tf.float16]),
    )
    model = opened(tmp_path, half)
    (found,) = told(model, [array(1, 4, 6, 6)])
    np.testing.assert_array_equal(found.use.kernel, np.moveaxis(FIRST, (3, 2), (0, 1)).astype("float16"))
    held = eval(found.use.state[0], {"state": model.state()})  # noqa: S307 - code that the tool writes
    assert held.dtype == np.float32
    assert held.shape == found.use.kernel_shape


def test_quantized_kernels_are_unread(tmp_path: Path) -> None:
    kernel = array(3, 3, 16, 32)
    smaller = [tf.lite.Optimize.DEFAULT]
    content = convert(lambda x: tf.nn.conv2d(x, kernel, 1, "SAME"), (1, 6, 6, 16), optimizations=smaller)
    uses, unread = opened(tmp_path, content).calls([array(1, 16, 6, 6)])
    assert uses == []
    assert [each.reason for each in unread] == ["its kernel or bias is of INT8: allowed is FLOAT32"]


def test_kernels_that_are_computed_are_unread(tmp_path: Path) -> None:
    content = convert(lambda x, w: tf.nn.conv2d(x, w, 1, "SAME"), (1, 6, 6, 4), (3, 3, 4, 2))
    _, unread = opened(tmp_path, content).calls([array(1, 4, 6, 6), array(3, 2, 3, 4)])
    assert [each.reason for each in unread] == ["its kernel or bias is computed while the model runs"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"no model" * 20, "it cannot be read as a LiteRT model: ValueError"),
    ],
)
def test_what_is_no_model_is_said(content: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=re.escape(said)):
        opened(tmp_path, content)


def test_a_damaged_file_is_said(planar: bytes, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="it cannot be read as a LiteRT model"):
        opened(tmp_path, planar[: len(planar) // 2])


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ([], "0 inputs are given, and allowed are the LiteRT model's: "),
        ([array(2, 4, 12, 11)], "input 2,4,12,11: the LiteRT model takes "),
        ([array(2, 12, 10, 4)], " of 2,4,12,10"),
        ([array(2, 4, 12, 10) + 1j], "input of dtype complex64: the LiteRT model takes "),
    ],
)
def test_other_inputs_are_refused(inputs: list[Array], said: str, planar: bytes, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=re.escape(said)):
        opened(tmp_path, planar).calls(inputs)


def test_a_model_of_keras_is_read(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("Keras does not run on TensorFlow")
    given = keras.Input((16, 3))
    hidden = keras.layers.Conv1D(4, 3, padding="same", activation="relu")(given)
    model = keras.Model(given, keras.layers.Conv1DTranspose(4, 3, strides=2)(hidden))
    x = array(1, 3, 16)
    litert = opened(tmp_path, tf.lite.TFLiteConverter.from_keras_model(model).convert())
    assert litert.declared == ((None, 3, 16),)
    found: list[Use] = []
    ran = litert.run([x], lambda use, _x, _y: found.append(use))
    assert [each.case.op for each in found] == ["conv2d", "conv_transpose2d"]
    due = np.moveaxis(keras.ops.convert_to_numpy(model(np.moveaxis(x, 1, -1))), -1, 1)
    np.testing.assert_allclose(ran.outputs[0], due, atol=1e-5)


def test_an_operator_is_called_by_its_convolution_and_not_by_all_that_is_fused_into_it(
    tmp_path: Path,
) -> None:
    layers = tf.keras.layers
    names = ("one", "two")
    inner = [each for name in names for each in (layers.Conv2D(2, 3, name=name), layers.ReLU())]
    model = tf.keras.Sequential([tf.keras.Input((9, 9, 2)), *inner])
    litert = opened(tmp_path, tf.lite.TFLiteConverter.from_keras_model(model).convert())
    found = [each.use.name for each in told(litert, [array(1, 2, 9, 9)])]
    assert all(";" not in each for each in found)
    assert "one" in found[0]  # the last one has the name of the model's output


def test_a_port_takes_the_models_state_to_layers_that_compute_the_same(
    planar: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    model = opened(tmp_path, planar)
    x = array(2, 4, 12, 10)
    found = port(tmp_path / "model.tflite", "torch", [x])
    assert found.outcome is Outcome.EXPLAINED
    made: dict[str, Any] = {}
    exec(found.code, made)  # noqa: S102 - code that the tool writes
    arrays = made["convert"](model.state())
    for use, given, due in told(model, [x]):
        layer = made["layers"][use.name]
        with torch.no_grad():
            for parameter, weight in zip(layer.parameters(), arrays[use.name], strict=True):
                parameter.copy_(torch.from_numpy(np.array(weight)))
            computed = layer(torch.from_numpy(given)).numpy()
        np.testing.assert_allclose(computed, due, rtol=1e-5, atol=1e-3)
    monkeypatch.setitem(sys.modules, "layers", type(sys)("layers"))
    vars(sys.modules["layers"]).update(made)
    proof: dict[str, Any] = {}
    exec(found.test, proof)  # noqa: S102 - the same
    for case in proof["CASES"]:
        proof["test_the_layer_computes_what_its_source_does"](*case)
