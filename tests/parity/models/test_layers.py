"""A model's convolutions as a list and as a suite, and what is given as a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity import models
from parity.cases.suites import load_suite
from parity.cli.main import run_cli
from parity.frameworks.model import ModelError
from parity.models.given import open_model
from parity.models.inputs import arrays_of

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402 - where there is one

MODULE = """\
import sys
from torch import nn

print("a word on standard output")

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.twice = nn.Conv2d(4, 4, 3, padding=1)
        self.up = nn.ConvTranspose2d(4, 3, 3, stride=2, padding=1, output_padding=1)

    def forward(self, x):
        print("another one")
        return self.up(self.twice(self.twice(self.first(x))))

def make():
    return Net()

made = Net()
number = 3

class holder:
    inner = Net()

def raising():
    raise ValueError("no model")

def exiting():
    sys.exit(0)

def plain():
    return nn.ReLU()
"""


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module with models, in the working folder."""
    name = f"nets_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_calls_are_listed_in_order_with_the_sizes_that_they_see(net: str) -> None:
    found = models.layers(f"{net}:make", [(2, 3, 8, 8)])
    assert [call.name for call in found.calls] == ["first", "twice", "twice", "up"]
    assert [call.case.input for call in found.calls] == [(2, 3, 8, 8), *[(2, 4, 8, 8)] * 3]
    assert found.calls[0].layer == "torch.nn.Conv2d(3, 4, (3, 3), padding=(1, 1))"
    assert found.calls[3].case.output_padding == (1, 1)
    assert found.shared == {"twice": 2}
    assert "twice is called 2 times" in found.sentences
    assert found.sentences[-1] == "3 convolutions, 4 calls, 3 different cases"
    assert "first" in found._repr_html_()
    json.dumps(found.to_dict(), allow_nan=False)


def test_the_suite_has_equal_cases_once(net: str, tmp_path: Path) -> None:
    found = models.layers(f"{net}:make", [(2, 3, 8, 8)])
    path = tmp_path / "suite.toml"
    found.write(path)
    suite = load_suite(str(path))
    assert [each.name for each in suite.cases] == ["first", "twice", "up"]
    assert [each.case for each in suite.cases] == list(dict.fromkeys(call.case for call in found.calls))
    assert suite.cases[1].note == "2 calls: twice (2 times)"
    with pytest.raises(ModelError, match="is there already"):
        found.write(path)


def test_any_name_is_written_as_it_is(tmp_path: Path) -> None:
    name = "a\"b\\c'ü\x7f"
    model = nn.Sequential()
    model.add_module(name, nn.Conv1d(1, 1, 1))
    models.layers(model, [(1, 1, 3)]).write(tmp_path / "suite.toml")
    assert [each.name for each in load_suite(str(tmp_path / "suite.toml")).cases] == [name]


def test_the_check_of_a_model_is_a_sweep_of_its_suite(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["layers", f"{net}:make", "--input", "1,3,8,8", "--output", "s.toml"]) == 0
    told = capsys.readouterr()
    assert "torch.nn.ConvTranspose2d" in told.out
    assert "another one" not in told.out  # what the model prints
    assert "another one" in told.err
    assert run_cli(["sweep", "s.toml", "--frameworks", "numpy,keras", "--output", "r.jsonl"]) == 0
    capsys.readouterr()
    assert run_cli(["report", "r.jsonl"]) == 0
    assert "up: keras native: unsupported: neither 'valid' nor 'same'" in capsys.readouterr().out
    assert run_cli(["report", "r.jsonl", "--json"]) == 0
    [apart] = json.loads(capsys.readouterr().out)["apart"]
    assert (apart["name"], apart["result"], apart["found"]) == ("up", "keras native", "unsupported")


def test_json_is_all_that_is_on_standard_output(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["layers", f"{net}:made", "--input", "1x3x8x8", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in data["layers"]] == ["first", "twice", "twice", "up"]
    assert data["layers"][0]["state"] == ['state["first.weight"]', 'state["first.bias"]']


def test_a_file_of_the_input_is_taken(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    np.save("x.npy", np.ones((1, 3, 6, 6), np.float32))
    assert run_cli(["layers", f"{net}:holder.inner", "--input", "x.npy"]) == 0
    assert "1x3x6x6" in capsys.readouterr().out


def test_a_model_without_convolutions_ends_with_4_and_writes_nothing(
    net: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run_cli(["layers", f"{net}:plain", "--input", "1,3", "--output", "s.toml"]) == 4
    assert "calls no convolution" in capsys.readouterr().err
    assert not (tmp_path / "s.toml").exists()


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("{}:nothing", "has no attribute 'nothing'"),
        ("no_such_module:net", "No module named 'no_such_module'"),
        ("{}:number", "this is of builtins.int"),
        ("{}:raising", "called without arguments it raised ValueError: no model"),
        ("{}:exiting", "called without arguments it raised SystemExit"),
        ("model.txt", "allowed are module:attribute, and files that end in .h5, .hdf5, .keras, .onnx, .pt2"),
        ("model.pt2", "there is no such file"),
    ],
)
def test_what_is_no_model_is_one_sentence(
    net: str, model: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(["layers", model.format(net), "--input", "1,3,8,8"]) == 2
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert told.startswith("parity: ")
    assert said in told.replace(".tflite, ", "").replace(", .tflite", "")


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ([], "does not say what it takes"),
        (["1,3,8"], "raised on inputs of 1x3x8"),
        (["1,4,8,8"], "to have 3 channels"),
        (["1,3,0,8"], "input"),
        (["no.npy"], "cannot be read as a .npy file"),
    ],
)
def test_wrong_inputs_are_one_sentence(
    net: str, inputs: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [word for each in inputs for word in ("--input", each)]
    assert run_cli(["layers", f"{net}:make", *given]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert said in told.err.strip().splitlines()[-1]


def test_compare_and_port_are_commands(net: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    both = [f"{net}:made", f"{net}:made", "--input", "1,3,8,8"]
    assert run_cli(["compare", *both, "--write-map", "map.toml"]) == 0
    assert "same, but for rounding: 4 pairs of convolutions" in capsys.readouterr().out
    assert run_cli(["compare", *both, "--map", "map.toml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["same"] is True
    assert run_cli(["compare", f"{net}:made", f"{net}:make", "--input", "1,3,8,8"]) == 1
    assert "first cause: first has other weights" in capsys.readouterr().out
    assert run_cli(["compare", f"{net}:plain", f"{net}:plain", "--input", "1,3"]) == 4
    assert run_cli(["port", f"{net}:made", "--to", "numpy", "--input", "1,3,8,8", "--output", "port"]) == 0
    assert sorted(each.name for each in (tmp_path / "port").iterdir()) == ["layers.py", "test_layers.py"]
    assert run_cli(["port", f"{net}:made", "--to", "nowhere", "--input", "1,3,8,8"]) == 2


def test_declared_inputs_need_not_be_given() -> None:
    keras = pytest.importorskip("keras")
    model: Any = keras.Sequential([keras.Input((6, 5, 2)), keras.layers.Conv2D(3, 3)])
    assert [each.shape for each in arrays_of(open_model(model), None)] == [(1, 2, 6, 5)]
    free = keras.Sequential([keras.Input((None, 5, 2)), keras.layers.Conv2D(3, 3)])
    with pytest.raises(ModelError, match=r"takes inputs of \?,2,\?,5, channels first"):
        arrays_of(open_model(free), None)


@pytest.mark.parametrize("shape", [(0, 3, 8, 8), (1, 3, 8.5, 8), "no.npy", 3])
def test_what_is_no_input_is_a_model_error(shape: Any) -> None:  # noqa: ANN401 - whatever is given
    with pytest.raises(ModelError, match=r"^input"):
        models.layers(nn.Conv2d(3, 4, 3), [shape])
