"""Devices behind a framework's name: what is there to be asked for, and the sentence where there is none.

There is none on the machines that run these tests: what a device computes is not checked here.
"""

from __future__ import annotations

import pytest
import torch as pytorch

from parity.cases.case import Case
from parity.cli.main import run_cli
from parity.frameworks import devices
from parity.frameworks import torch as torch_adapter
from parity.frameworks.spelling import Spelling
from parity.frameworks.table import FrameworkError, find_framework, on_device
from parity.frameworks.torch import Torch
from parity.records.counts import Outcome

CASE = Case("conv2d", (1, 2, 4, 4), 2, 3, dtype="float32")


def test_the_processor_adds_nothing_to_a_name() -> None:
    assert find_framework("torch@cpu") == find_framework("torch")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("torch@tpu", "the devices of torch are @cpu, @cuda, @mps"),
        ("torch@", "the devices of torch are @cpu, @cuda, @mps"),
        ("torch+onnx@cuda", "the devices of torch+onnx are @cpu"),
        ("keras@cuda", "the devices of keras are @cpu"),
        ("numpy@cuda", "the devices of numpy are @cpu"),
        ("torch+tf32", "allowed is torch+tf32@cuda"),
        ("torch@cuda+compile", "the devices of torch are"),
    ],
)
def test_a_device_that_there_is_none_of_is_one_sentence(
    name: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_adapter, "why_no_device", lambda _: None)
    assert run_cli([*CASE.command.split()[1:], "--frameworks", name]) == Outcome.WRONG_INPUT
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--device tpu", "device 'tpu': no framework has one of this name"),
        ("--device cuda", "device 'cuda': torch (needs"),
        ("--frameworks keras --device cuda", "the devices of keras are @cpu"),
    ],
)
def test_a_device_for_all_is_one_sentence_where_none_has_it(
    words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if pytorch.cuda.is_available():
        pytest.skip("there is one here")
    assert run_cli([*CASE.command.split()[1:], *words.split()]) == Outcome.WRONG_INPUT
    assert said in capsys.readouterr().err


def test_a_device_goes_behind_the_names_that_have_none() -> None:
    given = ["torch", "jax@cpu", "torch+compile"]
    assert on_device(given, "cuda") == ["torch@cuda", "jax@cpu", "torch+compile@cuda"]
    assert "torch@cpu" in on_device(None, "cpu")


def test_a_missing_device_is_said_before_torch_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_adapter, "installed_version", lambda *_: "2.13.0")
    monkeypatch.setattr(devices, "_has_nvidias_driver", lambda: False)
    with pytest.raises(FrameworkError, match="'torch@cuda' needs an NVIDIA device and its driver"):
        find_framework("torch@cuda")
    monkeypatch.setattr(torch_adapter, "installed_version", lambda *_: "2.13.0+cpu")
    with pytest.raises(FrameworkError, match=r"needs a PyTorch with CUDA, and 2\.13\.0\+cpu is built"):
        find_framework("torch@cuda")


@pytest.mark.skipif(pytorch.cuda.is_available(), reason="there is one here")
def test_a_device_that_the_framework_does_not_find_is_said_by_its_process() -> None:
    with pytest.raises(FrameworkError, match="torch finds no device 'cuda' here"):
        Torch(device="cuda").pin(1)


@pytest.mark.parametrize("on", [(), ("channels_last",), ("compile",)])
def test_a_layer_on_a_device_is_written_with_it(on: tuple[str, ...]) -> None:
    moved, plain = Torch(on=on, device="cuda"), Torch(on=on)
    assert moved.name == f"{plain.name}@cuda"
    (layer,) = moved.spell(CASE)
    (same,) = plain.spell(CASE)
    assert isinstance(layer, Spelling)
    assert isinstance(same, Spelling)
    assert str(layer.layer) == f"{same.layer}.to(device='cuda')"
    assert ".to('cuda')" in str(moved.calling("float32"))
    assert not moved.devices


def test_tf32_is_a_way_of_its_own_with_its_own_bound() -> None:
    assert Torch(on=("tf32",), device="cuda").mode(CASE).name == "TF32"
    assert Torch(device="cuda").mode(CASE).name == "float32"
