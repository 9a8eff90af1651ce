"""Whole ONNX models: their convolutions are listed, run one by one, and lead to their weights."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity import translate
from parity.cases.arrays import Array
from parity.frameworks.model import ModelError
from parity.frameworks.onnx.graph import OnnxModel
from parity.frameworks.table import find_framework
from parity.models.given import open_model
from tests.support.model_calls import by_convmm, told

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnx.inliner")
pytest.importorskip("onnxruntime")

helper: Any = onnx.helper
numpy_helper: Any = pytest.importorskip("onnx.numpy_helper")

FLOAT = onnx.TensorProto.FLOAT

Proto = Any


def array(*shape: int) -> Array:
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


W, B = array(4, 3, 3, 3), array(4)


def value(name: str, shape: Sequence[int | str | None] | None) -> Proto:
    return helper.make_tensor_value_info(name, FLOAT, shape)


def model_of(
    nodes: Sequence[Proto],
    shape: Sequence[int | str | None] | None = (1, 3, 8, 9),
    domains: Sequence[str] = (),
    functions: Sequence[Proto] = (),
    **weights: Array,
) -> Proto:
    graph = helper.make_graph(
        nodes,
        "graph",
        [value("x", shape)],
        [value("y", None)],
        [numpy_helper.from_array(each, name) for name, each in weights.items()],
    )
    versions = [helper.make_opsetid("", 17), *(helper.make_opsetid(each, 1) for each in domains)]
    return helper.make_model(graph, opset_imports=versions, functions=functions, ir_version=9)


def opened(thing: object) -> OnnxModel:
    model = open_model(thing)
    assert isinstance(model, OnnxModel)
    return model


def conv(given: str = "x", kernel: str = "w", made: str = "y", **attributes: object) -> Proto:
    return helper.make_node("Conv", [given, kernel], [made], **attributes)


def several() -> Proto:
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], "first", pads=[1, 0, 0, 1], strides=[2, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Conv", ["r", "grouped"], ["g"], group=2, auto_pad="SAME_UPPER"),
        helper.make_node("Constant", [], ["up"], value=numpy_helper.from_array(array(6, 5, 2, 2))),
        helper.make_node("ConvTranspose", ["g", "up"], ["y"], strides=[2, 2], output_padding=[1, 0]),
    ]
    return model_of(nodes, ("n", 3, "h", "w"), w=W, b=B, grouped=array(6, 2, 3, 3))


@pytest.mark.parametrize("name", ["onnxruntime", "onnx"])
def test_each_convolution_is_told_of_with_what_it_computes(name: str) -> None:
    model = find_framework(name).open_model(several())
    assert model.framework == name
    assert model.declared == ((None, 3, None, None),)
    found = told(model, [array(2, 3, 8, 9)])
    assert [each.use.name for each in found] == ["first", "g", "y"]
    assert [each.use.text for each in found] == [
        "onnx.helper.make_node('Conv', ['x', 'w', 'b'], ['y'], pads=[1, 0, 0, 1], strides=[2, 1])",
        "onnx.helper.make_node('Conv', ['x', 'w'], ['y'], auto_pad='SAME_UPPER', group=2)",
        "onnx.helper.make_node('ConvTranspose', ['x', 'w'], ['y'], output_padding=[1, 0], strides=[2, 2])",
    ]
    for each in found:
        np.testing.assert_allclose(each.use.again(each.x), each.y, rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(by_convmm(each.use, each.x), each.y, rtol=1e-5, atol=1e-3)


def test_calls_are_those_of_a_run_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    model = opened(several())
    ran = [(each.use.name, each.use.case) for each in told(model, [array(2, 3, 8, 9)])]
    monkeypatch.setattr(OnnxModel, "run", None)
    uses, unread = model.calls([array(2, 3, 8, 9)])
    assert [(each.name, each.case) for each in uses] == ran
    assert unread == ()


def test_sizes_that_do_not_follow_from_the_inputs_come_of_a_run() -> None:
    nodes = [
        helper.make_node("NonZero", ["x"], ["places"]),
        helper.make_node("Shape", ["places"], ["shape"]),
        helper.make_node("Gather", ["shape", "one"], ["count"]),
        helper.make_node("Concat", ["ones", "count", "width"], ["sizes"], axis=0),
        helper.make_node("Expand", ["x", "sizes"], ["wide"]),
        conv("wide", auto_pad="SAME_UPPER"),
    ]
    one, ones, width = (np.array(each, np.int64) for each in ([1], [1, 3], [5]))
    model = opened(model_of(nodes, (1, 3, 1, 1), w=W, one=one, ones=ones, width=width))
    (use,), _ = model.calls([np.ones((1, 3, 1, 1), np.float32)])
    assert use.case.input == (1, 3, 3, 5)


def test_state_leads_to_the_weights() -> None:
    model = opened(several())
    state = model.state()
    first, grouped, up = (each.use for each in told(model, [array(2, 3, 8, 9)]))
    assert first.state == ("state['w']", "state['b']")
    assert grouped.state == ("state['grouped']",)
    held = eval(up.state[0], {"state": state})  # noqa: S307 - code that the tool writes
    np.testing.assert_array_equal(held, array(6, 5, 2, 2))
    np.testing.assert_array_equal(state["w"], W)


def test_texts_are_translated() -> None:
    for each in told(opened(several()), [array(2, 3, 8, 9)]):
        use = each.use
        translation = translate(use.text, "numpy", input=use.case.input, kernel_shape=use.kernel_shape)
        assert translation.verified, translation.notes


def test_weights_that_are_shared_lead_to_one_array() -> None:
    nodes = [helper.make_node("Identity", ["w"], ["again"]), conv(kernel="again")]
    (found,) = told(opened(model_of(nodes, w=W)), [array(1, 3, 8, 9)])
    assert found.use.state == ("state['w']",)


def test_functions_are_read_where_they_are_called() -> None:
    body = [conv("a", "k", "c", name="inner"), helper.make_node("Relu", ["c"], ["d"])]
    block = helper.make_function("mine", "Block", ["a", "k"], ["d"], body, [helper.make_opsetid("", 17)])
    nodes = [
        helper.make_node("Block", ["x", "w"], ["h"], domain="mine"),
        helper.make_node("Block", ["h", "v"], ["y"], domain="mine"),
    ]
    model = opened(model_of(nodes, domains=["mine"], functions=[block], w=W, v=array(2, 4, 1, 1)))
    found = told(model, [array(1, 3, 8, 9)])
    assert [each.use.state for each in found] == [("state['w']",), ("state['v']",)]
    assert all(each.use.name.startswith("inner") for each in found)


def branches() -> Proto:
    inner = [helper.make_graph([conv(made=each, name=each)], each, [], [value(each, None)]) for each in "ab"]
    chosen = helper.make_node("If", ["c"], ["y"], "choice", then_branch=inner[0], else_branch=inner[1])
    return model_of([chosen], w=W, c=np.array(1, bool))


def dequantized() -> Proto:
    nodes = [helper.make_node("DequantizeLinear", ["q", "s"], ["w"]), conv()]
    return model_of(nodes, q=np.ones((4, 3, 3, 3), np.int8), s=np.array(0.5, np.float32))


def fused() -> Proto:
    node = helper.make_node("FusedConv", ["x", "w"], ["y"], domain="com.microsoft", activation="Relu")
    return model_of([node], domains=["com.microsoft"], w=W)


_COMPUTED = "its kernel or bias is computed while the model runs, and is no array of it"


@pytest.mark.parametrize(
    ("made", "reasons"),
    [
        (branches(), ["it stands within If choice"] * 2),
        (dequantized(), [_COMPUTED]),
        (model_of([helper.make_node("Relu", ["v"], ["w"]), conv()], v=W), [_COMPUTED]),
        (fused(), ["com.microsoft.FusedConv is not read"]),
    ],
)
def test_what_is_not_read_is_said(made: Proto, reasons: list[str]) -> None:
    model = opened(made)
    uses, unread = model.calls([array(1, 3, 8, 9)])
    assert uses == []
    assert [each.reason for each in unread] == reasons
    ran = model.run([array(1, 3, 8, 9)], lambda _use, _x, _y: pytest.fail("it was told of"))
    assert ran.unread == unread
    assert ran.outputs[0].shape == (1, 4, 6, 7)


def test_channels_last_are_moved_on_the_way_in_and_out() -> None:
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
        conv("t", made="c"),
        helper.make_node("Transpose", ["c"], ["y"], perm=[0, 2, 3, 1]),
    ]
    model = opened(model_of(nodes, ("n", 8, 9, 3), w=W))
    assert model.declared == ((None, 3, 8, 9),)
    ran = model.run([array(2, 3, 8, 9)], lambda _use, x, _y: np.testing.assert_equal(x, array(2, 3, 8, 9)))
    assert ran.outputs[0].shape == (2, 4, 6, 7)
    with pytest.raises(ModelError, match=re.escape("input 2,8,9,3: the ONNX model takes x of ?,3,8,9")):
        model.calls([array(2, 8, 9, 3)])


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ([], "0 inputs are given, and allowed are the ONNX model's: x"),
        ([array(1, 3, 8, 8)], "input 1,3,8,8: the ONNX model takes x of 1,3,8,9"),
        ([array(1, 3, 8, 9) + 1j], "input of dtype complex64: the ONNX model takes x of float32"),
    ],
)
def test_other_inputs_are_refused(inputs: list[Array], said: str) -> None:
    with pytest.raises(ModelError, match=re.escape(said)):
        opened(model_of([conv()], w=W)).run(inputs, lambda _use, _x, _y: None)


def test_what_the_engine_refuses_is_said_and_not_printed(capfd: pytest.CaptureFixture[str]) -> None:
    model = opened(model_of([conv()], (None, None, None, None), w=W))
    with pytest.raises(ModelError, match="the ONNX model, run by onnxruntime, raised on inputs of 1x5x8x9"):
        model.run([array(1, 5, 8, 9)], lambda _use, _x, _y: None)
    assert capfd.readouterr().err == ""


def test_inputs_of_wider_floats_are_taken() -> None:
    (found,) = told(opened(model_of([conv()], w=W)), [array(1, 3, 8, 9).astype(float)])
    assert found.x.dtype == np.float32


def test_weights_beside_the_file_are_found_or_said_to_be_missing(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    onnx.save_model(
        model_of([conv()], w=W), file, save_as_external_data=True, location="weights", size_threshold=0
    )
    (found,) = told(opened(file), [array(1, 3, 8, 9)])
    np.testing.assert_array_equal(found.use.kernel, W)
    (tmp_path / "weights").unlink()
    with pytest.raises(ModelError, match="cannot be read as an ONNX model: "):
        opened(file)
    with pytest.raises(ModelError, match="the ONNX model's weights are not to be had: "):
        opened(onnx.load(file, load_external_data=False))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it holds no ONNX model with a node"),
        (b"no model" * 20, "it cannot be read as an ONNX model"),
        (model_of([conv()], w=W).SerializeToString()[:300], "it cannot be read as an ONNX model"),
    ],
)
def test_what_is_no_model_is_said(content: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(content)
    with pytest.raises(ModelError, match=said):
        opened(file)


def test_an_export_of_torch_has_the_modules_convolutions() -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    nn = torch.nn
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 4, 3, stride=2, output_padding=1, groups=2, bias=False),
    ).eval()
    x = array(1, 3, 8, 9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(module, (torch.from_numpy(x),), dynamo=True, verbose=False)
    model = opened(program.model_proto)
    found = told(model, [x])
    assert [each.use.case.op for each in found] == ["conv2d", "conv_transpose2d"]
    np.testing.assert_array_equal(found[1].use.kernel, module[3].weight.detach().numpy())
    outputs = model.run([x], lambda _use, _x, _y: None).outputs
    np.testing.assert_allclose(outputs[0], module(torch.from_numpy(x)).detach().numpy(), atol=1e-5)


def test_an_export_of_tensorflow_has_its_convolutions() -> None:
    tf = pytest.importorskip("tensorflow")
    converter = pytest.importorskip("tf2onnx")
    kernel = array(3, 3, 3, 4)
    signature = [tf.TensorSpec((1, 8, 9, 3), "float32", name="x")]

    def compute(x: Proto) -> Proto:
        return tf.nn.relu(tf.nn.conv2d(x, kernel, 2, "SAME"))

    proto, _ = converter.convert.from_function(tf.function(compute), input_signature=signature)
    x = array(1, 3, 8, 9)
    model = opened(proto)
    (found,) = told(model, [x])
    np.testing.assert_array_equal(found.use.kernel, np.moveaxis(kernel, (3, 2), (0, 1)))
    np.testing.assert_array_equal(found.x, x)
    outputs = model.run([x], lambda _use, _x, _y: None).outputs
    due = np.moveaxis(compute(np.moveaxis(x, 1, -1)).numpy(), -1, 1)
    np.testing.assert_allclose(outputs[0], due, atol=1e-5)
