"""Two models side by side: each planted fault is found in its layer, with its cause."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity import models
from parity.frameworks.model import ModelError
from parity.models.comparison.mapping import write_map
from parity.records.counts import Outcome
from parity.testing import assert_same_model

torch = pytest.importorskip("torch")
keras = pytest.importorskip("keras")
nn = torch.nn

from tests.support.ported import FAULTS, SIZE, Net, port  # noqa: E402 - which imports both

LAYERS = ["first", "down", "depthwise", "grouped", "dilated", "reflected", "up", "last"]


def test_a_right_port_is_the_same_layer_by_layer() -> None:
    found = models.compare(Net(), port(), [SIZE])
    assert found.cause is None
    assert found.outcome is Outcome.EXPLAINED
    assert [each.ours for each in found.findings] == LAYERS
    assert [each.theirs for each in found.findings] == LAYERS
    assert {each.cause for each in found.findings} <= {"same", "rounding"}
    assert all(each.bound_ratio is not None and each.bound_ratio <= 1 for each in found.findings)
    assert found.outputs_apart is not None
    assert found.outputs_apart < 1e-5
    assert_same_model(Net(), port(), [SIZE])


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_in_its_layer_with_its_cause(fault: str) -> None:
    layer, cause, words = FAULTS[fault]
    found = models.compare(Net(), port(fault), [SIZE])
    first = found.first
    assert first is not None
    assert (first.ours, first.cause) == (layer, cause)
    assert words in first.sentence
    assert found.outcome is Outcome.UNEXPLAINED
    earlier = LAYERS[: LAYERS.index(layer)]
    assert [each.ours for each in found.findings if each.is_right][: len(earlier)] == earlier
    with pytest.raises(AssertionError, match="first cause"):
        assert_same_model(Net(), port(fault), [SIZE])


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_the_other_way_round_in_the_same_layer(fault: str) -> None:
    first = models.compare(port(fault), Net(), [SIZE]).first
    assert first is not None
    assert (first.ours, first.cause) == FAULTS[fault][:2]


def test_a_model_in_another_dtype_is_the_same_but_for_rounding() -> None:
    for dtype in (torch.float64, torch.float16, torch.bfloat16):
        found = models.compare(Net(), Net().to(dtype), [SIZE])
        assert found.cause is None
        assert found.findings[0].why == f"it computes in {str(dtype).removeprefix('torch.')}"
    rounded = Net()
    rounded.load_state_dict({key: each.half() for key, each in Net().state_dict().items()})
    first = models.compare(Net(), rounded, [SIZE]).first
    assert first is not None
    assert "rounded to float16" in first.sentence


def test_outputs_that_agree_all_the_same_are_said_to(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text('[[pair]]\na = "down"\nb = "dilated"\n')
    found = models.compare(Net(), Net(), [SIZE], map=path)
    assert found.outcome is Outcome.UNEXPLAINED
    assert any("the outputs agree all the same" in each for each in found.sentences)


def test_what_differs_behind_the_last_layer_is_said() -> None:
    found = models.compare(Net(), port("activation behind the last"), [SIZE])
    assert found.first is None
    assert found.cause is not None
    assert found.cause.startswith("what runs after last differs")
    assert found.outcome is Outcome.UNEXPLAINED


def test_a_layer_that_has_no_like_is_named() -> None:
    found = models.compare(Net(), port("layer missing"), [SIZE])
    assert found.outcome is Outcome.UNEXPLAINED
    assert found.ours.alone == ("reflected",)
    assert found.theirs.alone == ()


def test_a_layer_whose_output_goes_nowhere_needs_no_like() -> None:
    class Idle(Net):
        def forward(self, x: Any) -> Any:  # noqa: ANN401 - torch's tensors
            self.grouped(torch.ones(1, 32, 4, 4))
            return super().forward(x)

    found = models.compare(Idle(), Net(), [SIZE])
    assert found.ours.alone == ("grouped (call 1)",)
    assert {each.cause for each in found.findings} == {"same"}
    assert found.outcome is Outcome.EXPLAINED
    assert any("Idle has no like in Net" in each for each in found.sentences)


def test_the_layer_to_write_instead_is_right() -> None:
    found = models.compare(Net(), port("same in place of padding 1"), [SIZE]).first
    assert found is not None
    assert found.instead is not None
    assert "ZeroPadding2D" in found.instead
    assert "Conv2D" in found.instead


PADDED: dict[str, tuple[Any, Any, Any]] = {
    "before the first alone": (
        nn.Sequential(nn.ZeroPad1d((2, 0)), nn.Conv1d(3, 4, 2, dilation=2)),
        [],
        lambda: keras.layers.Conv1D(4, 2, padding="same", dilation_rate=2),
    ),
    "before the second alone": (
        nn.Conv1d(3, 4, 3, stride=2, padding=1),
        [keras.layers.ZeroPadding1D(1)],
        lambda: keras.layers.Conv1D(4, 3),
    ),
    "before the second alone, and too little": (
        nn.Conv1d(3, 4, 5, padding=2),
        [keras.layers.ZeroPadding1D(1)],
        lambda: keras.layers.Conv1D(4, 5),
    ),
    "before the first alone, of the edge": (
        nn.Sequential(nn.ReplicationPad1d(1), nn.Conv1d(3, 4, 3)),
        [],
        lambda: keras.layers.Conv1D(4, 3, strides=2),
    ),
    "before both": (
        nn.Sequential(nn.ZeroPad1d(1), nn.Conv1d(3, 4, 3, stride=2)),
        [keras.layers.ZeroPadding1D(1)],
        lambda: keras.layers.Conv1D(4, 3),
    ),
}
"""A layer with a padding, what stands before its port, and that port with a mistake."""


@pytest.mark.parametrize("padding", PADDED)
def test_the_layer_to_write_instead_is_right_with_a_padding(padding: str) -> None:
    source, before, mistaken = PADDED[padding]
    x = np.random.default_rng(0).standard_normal((2, 3, 11), dtype=np.float32)

    def model(layer: Any) -> Any:  # noqa: ANN401 - Keras's
        made = keras.Sequential([keras.Input((11, 3)), *before, layer])
        convolution = next(each for each in layer._flatten_layers() if isinstance(each, keras.layers.Conv1D))  # noqa: SLF001 - of a Sequential too
        *_, state = (each for each in source.modules() if isinstance(each, nn.Conv1d))
        kernel = state.weight.detach().numpy().transpose(2, 1, 0)
        convolution.set_weights([kernel, state.bias.detach().numpy()])
        return made

    found = models.compare(source, model(mistaken()), [x])
    assert found.first is not None
    assert found.first.cause == "meaning"
    assert found.first.instead is not None
    text = found.first.instead
    names = {"keras": keras}
    exec(text if text.startswith("import") else f"layer = {text}", names)  # noqa: S102 - the project wrote it
    mended = models.compare(source, model(names["layer"]), [x])
    assert mended.cause is None
    assert mended.outputs_apart is not None
    assert mended.outputs_apart < 1e-5


def test_branches_that_run_in_another_order_are_paired_by_what_they_hold() -> None:
    class Branches(torch.nn.Module):  # type: ignore[misc,name-defined] # torch is Any
        def __init__(self, *, reverse: bool) -> None:
            super().__init__()
            torch.manual_seed(1)
            self.a, self.b = torch.nn.Conv2d(3, 4, 3), torch.nn.Conv2d(3, 4, 3)
            self.reverse = reverse

        def forward(self, x: Any) -> Any:  # noqa: ANN401 - torch's tensors
            if self.reverse:
                b = self.b(x)
                return self.a(x) - b
            return self.a(x) - self.b(x)

    found = models.compare(Branches(reverse=False), Branches(reverse=True), [(1, 3, 6, 6)])
    assert found.cause is None
    assert [(each.ours, each.theirs) for each in found.findings] == [("a", "a"), ("b", "b")]


def test_a_branch_beside_a_scaled_kernel_does_not_make_up_for_it() -> None:
    class Branches(torch.nn.Module):  # type: ignore[misc,name-defined] # torch is Any
        def __init__(self, scale: float) -> None:
            super().__init__()
            torch.manual_seed(1)
            self.a, self.b = (torch.nn.Conv2d(4, 4, 3, padding=1) for _ in range(2))
            self.c = torch.nn.Conv2d(8, 2, 1)
            self.a.weight.data *= scale

        def forward(self, x: Any) -> Any:  # noqa: ANN401 - torch's tensors
            return self.c(torch.cat([self.a(x), self.b(x)], 1))

    first = models.compare(Branches(1.0), Branches(1.5), [(1, 4, 6, 6)]).first
    assert first is not None
    assert (first.ours, first.cause) == ("a", "weights")


def test_exchanged_weights_are_no_other_order() -> None:
    mine = torch.nn.Sequential(torch.nn.Conv2d(4, 4, 3), torch.nn.ReLU(), torch.nn.Conv2d(4, 4, 3))
    other = torch.nn.Sequential(torch.nn.Conv2d(4, 4, 3), torch.nn.ReLU(), torch.nn.Conv2d(4, 4, 3))
    state = mine.state_dict()
    other.load_state_dict({key: state[{"0": "2", "2": "0"}[key[0]] + key[1:]] for key in state})
    found = models.compare(mine, other, [(1, 4, 9, 9)])
    assert [(each.ours, each.theirs, each.cause) for each in found.findings] == [
        ("0", "0", "weights"),
        ("2", "2", "weights"),
    ]
    assert "its kernel is that of 2" in found.findings[0].sentence


def test_a_layer_that_is_called_twice_is_compared_at_each_call() -> None:
    class Twice(torch.nn.Module):  # type: ignore[misc,name-defined] # torch is Any
        def __init__(self, between: object) -> None:
            super().__init__()
            torch.manual_seed(2)
            self.conv, self.between = torch.nn.Conv2d(2, 2, 3, padding=1), between

        def forward(self, x: Any) -> Any:  # noqa: ANN401 - torch's tensors
            return self.conv(self.between(self.conv(x)))  # type: ignore[operator] # it is a function

    found = models.compare(Twice(torch.relu), Twice(torch.tanh), [(1, 2, 5, 5)])
    assert [each.ours for each in found.findings] == ["conv (call 1)", "conv (call 2)"]
    assert [each.cause for each in found.findings] == ["same", "between"]


def test_all_zeros_are_no_comparison() -> None:
    layer = torch.nn.Conv2d(2, 2, 3, bias=False)
    found = models.compare(layer, layer, [np.zeros((1, 2, 5, 5), np.float32)])
    assert [each.cause for each in found.findings] == ["nothing"]
    assert found.outcome is Outcome.NOTHING_COMPARED


def test_a_model_without_convolutions_is_nothing_compared() -> None:
    found = models.compare(torch.nn.ReLU(), torch.nn.ReLU(), [(1, 2, 5)])
    assert found.outcome is Outcome.NOTHING_COMPARED


def test_models_are_left_as_they_were() -> None:
    net, other = Net().train(), port()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    weights = [each.copy() for each in other.get_weights()]
    activations = {each.name: getattr(each, "activation", None) for each in other.layers}
    found = models.compare(net, other, [SIZE])
    assert found.cause is None  # in evaluation mode
    assert any("training mode" in each for each in found.notes)
    assert all(each.training for each in net.modules())
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert all(np.array_equal(a, b) for a, b in zip(weights, other.get_weights(), strict=True))
    assert {each.name: getattr(each, "activation", None) for each in other.layers} == activations
    assert not any(each._forward_hooks or each._forward_pre_hooks for each in net.modules())  # noqa: SLF001 - torch has no other name


def test_a_map_says_which_layer_is_which(tmp_path: Path) -> None:
    found = models.compare(Net(), port(), [SIZE])
    path = tmp_path / "map.toml"
    path.write_text(write_map(found))
    again = models.compare(Net(), port(), [SIZE], map=path)
    assert [(each.ours, each.theirs) for each in again.findings] == [
        (each.ours, each.theirs) for each in found.findings
    ]
    path.write_text('[[pair]]\na = "dilated"\nb = "reflected"\n')
    wrong = models.compare(Net(), port(), [SIZE], map=path)
    assert [(each.ours, each.theirs, each.cause) for each in wrong.findings] == [
        ("dilated", "reflected", "meaning")
    ]
    assert any("in no pair of the map" in each for each in wrong.sentences)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "pair"),
        ("[[pair]]\na = 1\nb = 'up'\n", "key 'a'=1: allowed is a text"),
        ("[[pair]]\na = 'nowhere'\nb = 'up'\n", "a = 'nowhere': allowed are first, down"),
        ("[[pair]]\na = 'up'\nb = 'up'\n[[pair]]\na = 'up'\nb = 'last'\n", "is in a pair already"),
        ("[[pair]]\na = 'up'\nc = 'up'\n", "c"),
        ("[[", "no valid TOML"),
    ],
)
def test_a_map_that_is_wrong_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "map.toml"
    path.write_text(text)
    with pytest.raises(ModelError, match=said.replace("[", r"\[")):
        models.compare(Net(), port(), [SIZE], map=path)


def test_the_result_is_json_and_a_table() -> None:
    found = models.compare(Net(), port("kernel flipped"), [SIZE])
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["same"] is False
    assert data["first"]["layer"] == "first"
    assert data["first"]["cause"] == "weights"
    assert [each["layer"] for each in data["layers"]] == LAYERS
    page = found._repr_html_()
    assert page.count("<tr>") == 1 + len(LAYERS)
    assert "is flipped on every axis" in page
    assert "first cause" in str(found)
