"""A model's layers in another framework: each is proved, and takes the source's own state."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity import models
from parity.frameworks.model import ModelError
from parity.models.given import open_model
from parity.records.counts import Outcome

torch = pytest.importorskip("torch")
keras = pytest.importorskip("keras")

from tests.support.ported import SIZE, Net, port  # noqa: E402 - which imports both


def run_test(folder: Path) -> None:
    """Run the test file of a port, as its user does."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder / "test_layers.py")]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout


def recorded(model: Any, size: tuple[int, ...]) -> dict[str, Any]:  # noqa: ANN401 - a model
    """The layers' calls, with their inputs and outputs."""
    found: dict[str, Any] = {}

    def seen(use: Any, x: Any, y: Any) -> None:  # noqa: ANN401 - a Use and arrays
        found[use.name] = use, x.copy(), y.copy()

    open_model(model).run([np.random.default_rng(1).standard_normal(size, np.float32)], seen)
    return found


def test_torchs_layers_are_ported_to_keras_with_their_state(tmp_path: Path) -> None:
    source = Net()
    found = models.port(source, "keras", [SIZE])
    assert found.outcome is Outcome.EXPLAINED
    assert "model.state_dict()." in found.code
    found.write(tmp_path / "port")
    made = runpy.run_path(str(tmp_path / "port" / "layers.py"))
    arrays = made["convert"](source.state_dict())
    calls = recorded(source, SIZE)
    assert list(made["layers"]) == list(arrays) == list(calls)
    for name, (_, x, y) in calls.items():
        layer = made["layers"][name]
        given = np.moveaxis(x, 1, -1)
        layer.build(given.shape)
        layer.set_weights(arrays[name])
        output = np.moveaxis(keras.ops.convert_to_numpy(layer(given)), -1, 1)
        assert np.abs(output - y).max() <= 1e-5 * np.abs(y).max(), name
    run_test(tmp_path / "port")


def test_kerass_layers_are_ported_to_torch_with_their_state(tmp_path: Path) -> None:
    source = port()
    found = models.port(source, "torch")
    assert found.outcome is Outcome.EXPLAINED
    found.write(tmp_path)
    made = runpy.run_path(str(tmp_path / "layers.py"))
    arrays = made["convert"]({layer.name: layer.get_weights() for layer in source.layers})
    calls = recorded(source, SIZE)
    assert set(made["layers"]) == set(calls)
    for name, (_, x, y) in calls.items():
        layer = made["layers"][name]
        with torch.no_grad():
            for parameter, array in zip(layer.parameters(), arrays[name], strict=True):
                parameter.copy_(torch.from_numpy(np.ascontiguousarray(array)))
            output = layer(torch.from_numpy(np.ascontiguousarray(x))).numpy()
        assert np.abs(output - y).max() <= 1e-5 * np.abs(y).max(), name
    run_test(tmp_path)


def test_a_wrong_layer_fails_its_test(tmp_path: Path) -> None:
    models.port(torch.nn.Conv2d(2, 3, 3, stride=2, padding=1), "keras", [(1, 2, 8, 8)]).write(tmp_path)
    file = tmp_path / "layers.py"
    text = file.read_text()
    assert "((1, 1), (1, 1))" in text
    file.write_text(text.replace("((1, 1), (1, 1))", "((0, 1), (1, 1))"))
    with pytest.raises(AssertionError, match="1 failed"):
        run_test(tmp_path)


def test_the_traps_are_said() -> None:
    found = models.port(Net(), "keras", [SIZE])
    said = "\n".join(found.sentences)
    assert "up: not keras.layers.Conv2DTranspose" in said
    assert "depthwise: depth_multiplier=2" in said
    assert "# not keras.layers.Conv2DTranspose" in found.code
    assert "8 convolutions, 8 proved in keras" in said


def test_what_cannot_be_ported_is_there_with_its_reason() -> None:
    layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Conv1d(2, 3, 3))
    found = models.port(torch.nn.Sequential(layer, torch.nn.Conv1d(3, 3, 3)), "keras", [(1, 2, 9)])
    assert [each.state for each in found.layers] == [(), ('state["1.weight"]', 'state["1.bias"]')]
    assert "remove_parametrizations" in found.code
    assert "0: its arrays are computed while the model runs" in "\n".join(found.sentences)


def test_a_layer_that_is_called_on_two_sizes_is_proved_on_both() -> None:
    class Twice(torch.nn.Module):  # type: ignore[misc,name-defined] # torch is Any
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(2, 2, 3, stride=2, padding=1)

        def forward(self, x: Any) -> Any:  # noqa: ANN401 - torch's tensors
            return self.conv(self.conv(x))

    found = models.port(Twice(), "keras", [(1, 2, 9, 9)])
    [layer] = found.layers
    assert layer.sizes == ((1, 2, 9, 9), (1, 2, 5, 5))
    assert layer.outcome is Outcome.EXPLAINED
    assert found.test.count('"conv",') == 2


def test_a_wide_layer_of_a_half_type_passes_its_test(tmp_path: Path) -> None:
    for number, dtype in enumerate((torch.bfloat16, torch.float16)):
        model = torch.nn.Conv2d(600, 3, 3, dtype=dtype)
        found = models.port(model, "numpy", [(1, 600, 5, 5)])
        assert found.outcome is Outcome.EXPLAINED
        found.write(tmp_path / str(number))
        run_test(tmp_path / str(number))


def test_a_name_that_stands_for_two_layers_has_both(tmp_path: Path) -> None:
    class Sized(torch.nn.Module):  # type: ignore[misc,name-defined] # torch is Any
        def __init__(self) -> None:
            super().__init__()
            self.up = torch.nn.ConvTranspose2d(2, 2, 3, stride=2, padding=1)

        def forward(self, x: Any) -> Any:  # noqa: ANN401 - torch's tensors
            return self.up(self.up(x, output_size=(10, 10)))

    source = Sized()
    found = models.port(source, "keras", [(1, 2, 5, 5)])
    assert [each.name for each in found.layers] == ["up", "up (2)"]
    assert [each.sizes for each in found.layers] == [((1, 2, 5, 5),), ((1, 2, 10, 10),)]
    assert "output_padding=(1, 1)" in found.layers[0].source
    assert "output_padding=(1, 1)" not in found.layers[1].source
    found.write(tmp_path)
    made = runpy.run_path(str(tmp_path / "layers.py"))
    assert list(made["convert"](source.state_dict())) == ["up", "up (2)"]
    assert made["layers"]["up (2)"](np.zeros((1, 10, 10, 2), "float32")).shape == (1, 19, 19, 2)


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "a\rb", 'a"""b', "ü"])
def test_any_name_of_a_layer_is_a_key(name: str) -> None:
    source = torch.nn.Sequential()
    source.add_module(name, torch.nn.Conv1d(2, 3, 3))
    made: dict[str, Any] = {}
    exec(models.port(source, "torch", [(1, 2, 9)]).code, made)  # noqa: S102 - what is tested
    assert list(made["layers"]) == [name]
    [(found, [kernel, _])] = made["convert"](source.state_dict()).items()
    assert found == name
    assert np.array_equal(kernel, source[0].weight.detach().numpy())
    torch.nn.utils.parametrizations.weight_norm(source[0])
    compile(models.port(source, "torch", [(1, 2, 9)]).code, "layers.py", "exec")


def test_nothing_is_half_written(tmp_path: Path) -> None:
    found = models.port(torch.nn.Conv2d(2, 3, 3), "keras", [(1, 2, 8, 8)])
    (tmp_path / "test_layers.py").write_text("mine")
    with pytest.raises(ModelError, match=r"test_layers\.py is there already"):
        found.write(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["test_layers.py"]
    assert (tmp_path / "test_layers.py").read_text() == "mine"
    with pytest.raises(ModelError, match="cannot be made a folder"):
        found.write(tmp_path / "test_layers.py" / "port")


def test_a_model_without_convolutions_has_no_port(tmp_path: Path) -> None:
    found = models.port(torch.nn.ReLU(), "keras", [(1, 2)])
    assert found.outcome is Outcome.NOTHING_COMPARED
    with pytest.raises(ModelError, match="has no convolution"):
        found.write(tmp_path)
