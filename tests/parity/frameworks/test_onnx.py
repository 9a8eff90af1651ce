"""ONNX nodes: what each engine reads of them, beside what each was seen to compute, refuse and translate."""

from __future__ import annotations

import pytest
from hypothesis import given

from parity.cases.case import Case
from parity.cases.suites import load_suite
from parity.frameworks.code.expression import ExpressionError
from parity.frameworks.known.registry import layers_of
from parity.frameworks.onnx import onnxruntime as onnxruntime_room
from parity.frameworks.spelling import Spelling, Unsupported, windows_agree
from parity.frameworks.table import find_framework
from parity.running import run
from parity.translation.translator import translate
from parity.verdict.prediction import predicted_offset
from tests.support.strategies import cases, examples, share

pytest.importorskip("onnx")

REFERENCE = "onnx"
K3 = Case("conv_transpose1d", (1, 2, 4), 2, 3, stride=2, padding=((0, 1),))
"""Of a response of 9 elements the first 8: an odd one is left, after the window."""

UPPER = "auto_pad=SAME_UPPER"
LOWER = "auto_pad=SAME_LOWER"


def engine(name: str) -> str:
    pytest.importorskip({"opencv": "cv2"}.get(name, name))
    return name


def nodes(name: str, case: Case) -> dict[str, Spelling]:
    """By variant, without exact ones."""
    layers = layers_of(find_framework(name), case)
    return {each.variant: each for each in layers if isinstance(each, Spelling) and each.kind != "exact"}


def begins(name: str, case: Case) -> dict[str, int]:
    """How far the window of each node begins after the case's, on its one axis."""
    return {variant: predicted_offset(each.meaning, case)[0] for variant, each in nodes(name, case).items()}


# What the attributes mean


@pytest.mark.parametrize("name", ["onnxruntime", REFERENCE, "openvino", "tract"])
def test_the_odd_element_is_dropped_after_by_same_upper_and_before_by_same_lower(name: str) -> None:
    found = begins(engine(name), K3)
    assert (found[""], found[UPPER], found[LOWER]) == (0, 0, 1)


def test_an_output_shape_drops_the_odd_element_before_unless_same_upper_stands_beside_it() -> None:
    found = begins("onnxruntime", K3)
    assert (found["output_shape"], found["output_shape, SAME_UPPER"]) == (1, 0)


def test_openvino_does_not_look_at_same_upper_beside_an_output_shape() -> None:
    assert begins("openvino", K3)["output_shape, SAME_UPPER"] == 1


def test_tract_cuts_the_end_off_by_an_output_shape_and_keeps_the_pads_beside_it() -> None:
    case = Case("conv_transpose1d", (1, 2, 4), 2, 3, stride=2, padding=((1, 0),))
    found = begins(engine("tract"), case)
    assert (found["output_shape"], found["output_shape beside pads"]) == (-1, 0)
    assert "output_shape, SAME_UPPER" not in found  # which ends the process


def test_tract_is_shorter_by_an_output_padding_beside_same() -> None:
    case = Case("conv_transpose1d", (1, 2, 4), 2, 3, stride=2, padding=((1, 2),), output_padding=1)
    assert case.output_shape == (1, 2, 7)  # and by the operator's text same has 8
    assert nodes(engine("tract"), case)[UPPER].kind == "native"
    assert {each.status for each in run(case, ["tract"]).results} == {"ok"}


def test_tract_refuses_same_of_a_kernel_as_long_as_the_stride() -> None:
    results = run(Case("conv_transpose1d", (1, 2, 4), 2, 2, stride=2), [engine("tract")]).results
    refused = {each.variant: each.error_class for each in results if each.status == "rejected"}
    assert refused == {UPPER: "TractError", LOWER: "TractError"}
    assert all(each.explained for each in results)


def test_pads_are_nothing_beside_an_output_shape_but_to_the_reference_evaluator() -> None:
    assert begins("onnxruntime", K3)["output_shape beside pads"] == 1
    assert begins("openvino", K3)["output_shape beside pads"] == 1
    assert begins(REFERENCE, K3)["output_shape beside pads"] == 0


def test_same_of_a_kernel_below_the_stride_has_the_size_that_an_engine_gives_it() -> None:
    case = Case("conv_transpose1d", (1, 2, 4), 2, 1, stride=2)  # 7 elements, and same wants 8
    assert UPPER in nodes("onnxruntime", case)
    assert UPPER not in nodes(REFERENCE, case)
    longer = Case("conv_transpose1d", (1, 2, 4), 2, 1, stride=2, output_padding=1)
    assert nodes("onnxruntime", longer)[UPPER].kind == "native"


@pytest.mark.parametrize("version", ["1.12.1", "1.13.0"])
def test_onnx_runtime_exchanged_upper_and_lower(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime_room, "installed_version", lambda *_: version)
    found = begins("onnxruntime", K3)
    assert (found[UPPER], found[LOWER]) == ((1, 0) if version == "1.12.1" else (0, 1))


@given(cases())
@examples(150)
def test_the_first_node_means_the_case_and_every_native_one_agrees(case: Case) -> None:
    for name in ("onnxruntime", REFERENCE, "openvino", "tract"):
        for each in nodes(name, case).values():
            assert windows_agree(case, each.meaning) == (each.kind == "native")
            assert each.meaning.output_shape == case.output_shape


def test_a_convolution_by_same_is_written_for_every_size_where_the_engine_takes_it() -> None:
    same = Case("conv2d", (1, 2, 5, 6), 2, 3, stride=2, padding="same")
    assert "auto_pad='SAME_UPPER'" in repr(nodes("onnxruntime", same)[""].layer)
    dilated = Case("conv2d", (1, 2, 5, 6), 2, 3, dilation=2, padding="same")
    assert "pads=" in repr(nodes("onnxruntime", dilated)[""].layer)


# What is computed


@pytest.mark.parametrize("name", ["onnxruntime", REFERENCE, "tract"])
def test_what_an_engine_computes_is_what_was_predicted(name: str) -> None:
    suite = load_suite("onnx").cases
    for each in suite[:: share(23)]:
        result = run(each.case, [engine(name)])
        assert result.verdict != "unexplained", result.command


@pytest.mark.parametrize(
    "route", ["openvino", "openvino+opset10", "onnxruntime+opset10", "onnx+opset10", "tract+opset10"]
)
def test_a_route_computes_the_same(route: str) -> None:
    engine(route.partition("+")[0])
    result = run(K3, [route])
    assert result.verdict == "agree"
    assert {each.status for each in result.results} == {"ok"}


def test_a_node_of_a_longer_kernel_computes_what_an_output_padding_cannot() -> None:
    case = Case("conv_transpose1d", (1, 2, 3), 2, 3, dilation=2, output_padding=1)
    kinds = {
        (each.spelling, each.status, each.relation) for each in run(case, [engine("onnxruntime")]).results
    }
    assert ("exact", "ok", "identical") in kinds
    assert ("native", "rejected", "rejected") in kinds


@pytest.mark.parametrize(
    ("name", "case", "error"),
    [
        ("onnxruntime", Case("conv1d", (1, 2, 3), 2, 1, dtype="float64"), "NotImplemented"),
        ("onnxruntime+opset10", Case("conv1d", (1, 2, 3), 2, 1, dtype="bfloat16"), "InvalidGraph"),
        ("onnxruntime", Case("conv_transpose1d", (1, 2, 1), 2, 2, padding=1), "InvalidArgument"),
        ("onnx", Case("conv_transpose1d", (0, 2, 3), 2, 1), "TypeError"),
        ("onnx", Case("conv_transpose1d", (1, 2, 0), 2, 1), "ValueError"),
        ("openvino", Case("conv1d", (1, 0, 3), 2, 1), "RuntimeError"),
        ("tract", Case("conv1d", (1, 2, 3), 2, 1, dtype="bfloat16"), "TractError"),
    ],
    ids=str,
)
def test_a_refusal_is_raised_as_its_rule_says(name: str, case: Case, error: str) -> None:
    engine(name.partition("+")[0])
    [first, *_] = run(case, [name]).results
    assert (first.status, first.error_class, first.explained) == ("rejected", error, True)


def test_opencv_is_not_run_where_it_would_read_memory_that_is_not_its_own() -> None:
    [layer] = layers_of(find_framework(engine("opencv")), Case("conv1d", (1, 2, 0), 2, 1, padding=1))
    assert isinstance(layer, Unsupported)
    assert "memory" in layer.reason


# Code


@pytest.mark.parametrize(
    ("expression", "to"),
    [
        ("nn.ConvTranspose2d(3, 8, 3, stride=2, padding=1, output_padding=1)", "onnxruntime"),
        ("nn.ConvTranspose1d(4, 8, 3, dilation=2, output_padding=1, groups=2)", "onnxruntime"),
        ("nn.Conv3d(4, 8, (3, 1, 2), stride=2, padding=1, groups=2, bias=False)", "onnx"),
        ("nn.ConvTranspose1d(3, 8, 4, stride=2, padding=1)", "openvino"),
        ("nn.ConvTranspose2d(4, 8, 3, stride=2, output_padding=1, groups=2)", "opencv"),
        ("nn.ConvTranspose3d(4, 8, (3, 1, 2), stride=2, output_padding=1, groups=2)", "tract"),
    ],
)
def test_a_torch_layer_is_translated(expression: str, to: str) -> None:
    pytest.importorskip("torch")
    assert translate(expression, engine(to)).verified


@pytest.mark.parametrize(
    ("attributes", "shape", "code"),
    [
        ("strides=[2, 2], pads=[1, 1, 0, 0]", (3, 8, 3, 3), "padding=(1, 1), output_padding=(1, 1)"),
        ("strides=[2, 2], auto_pad='SAME_LOWER'", (3, 8, 3, 3), "padding=(1, 1), output_padding=(1, 1)"),
        ("strides=[2, 2], auto_pad='SAME_UPPER'", (3, 8, 3, 3), "ZeroPad2d((0, -1, 0, -1))"),
        ("group=2", (4, 3, 2), "ConvTranspose1d(4, 6, (2,)"),
    ],
)
def test_a_node_is_translated_to_torch(attributes: str, shape: tuple[int, ...], code: str) -> None:
    pytest.importorskip("torch")
    line = f'onnx.helper.make_node("ConvTranspose", ["x", "w"], ["y"], {attributes})'
    translation = translate(line, "torch", kernel_shape=shape)
    assert translation.verified
    assert code.replace(" ", "") in "".join(translation.code.split())


def test_a_node_whose_window_follows_from_the_size_is_translated_for_one() -> None:
    pytest.importorskip("torch")
    line = 'make_node("Conv", ["x", "w", "b"], ["y"], strides=[2], auto_pad="SAME_LOWER")'
    assert translate(line, "torch", (1, 3, 6), kernel_shape=(2, 3, 4)).verified
    with pytest.raises(ExpressionError, match="no one layer for inputs of every size; give --input"):
        translate(line, "torch", kernel_shape=(2, 3, 4))


@pytest.mark.parametrize(
    ("line", "shape", "message"),
    [
        (
            'make_node("Conv", ["x", "w"], ["y"])',
            None,
            "does not carry the kernel's shape: give --kernel-shape",
        ),
        ('make_node("Relu", ["x", "w"], ["y"])', (1, 1, 1), "allowed are 'Conv', 'ConvTranspose'"),
        ('make_node("Conv", ["x"], ["y"])', (1, 1, 1), "allowed are the names of x, w and perhaps b"),
        ('make_node("Conv", ["x", "w"], ["y"], kernel_shape=[2])', (1, 1, 1), "that of the kernel's array"),
        ('make_node("Conv", ["x", "w"], ["y"], pads=[1])', (1, 1, 1), "allowed are 2 ints of at least 0"),
        (
            'make_node("Conv", ["x", "w"], ["y"], pads=[0, 0], auto_pad="VALID")',
            (1, 1, 1),
            "without auto_pad",
        ),
        (
            'make_node("Conv", ["x", "w"], ["y"], dilations=[2], auto_pad="SAME_LOWER")',
            (1, 1, 2),
            "refuses SAME",
        ),
    ],
)
def test_a_node_that_cannot_be_read_is_refused_by_name(
    line: str, shape: tuple[int, ...] | None, message: str
) -> None:
    with pytest.raises(ExpressionError, match=message):
        translate(line, "numpy", kernel_shape=shape)
