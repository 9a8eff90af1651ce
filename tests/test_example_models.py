"""The networks of the examples are the same in both frameworks, by their numbers and by `parity compare`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from parity.cli.main import run_cli
from parity.records.counts import Outcome
from tests.support.documents import blocks, console

torch = pytest.importorskip("torch")
pytest.importorskip("keras")

README = "examples/models/README.md"
FOLDER = Path(__file__).parents[1] / "examples" / "models"
CALLS = {"dcgan_generator": 4, "dcgan_discriminator": 4, "unet": 14, "hifigan": 28, "wavenet": 18}
"""How many convolutions each network calls."""


@pytest.fixture(autouse=True)
def _in_their_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    monkeypatch.syspath_prepend(FOLDER)


@pytest.mark.parametrize("name", CALLS)
def test_a_network_gives_the_same_in_both_frameworks(name: str) -> None:
    network = import_module(name)
    x = np.random.default_rng(1).standard_normal((2, *network.INPUT[1:]), dtype=np.float32)
    ours = network.make_torch()(torch.from_numpy(x)).detach().numpy()
    theirs = np.moveaxis(network.ported()(np.moveaxis(x, 1, -1)).numpy(), -1, 1)
    assert ours.std() > 1e-3
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-5 * np.abs(ours).max())


def test_the_commands_that_are_shown_find_all_convolutions_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    [block] = blocks(README, "console")
    commands = [command.split() for command, _ in console(block)]
    ends = {}
    for parity, *arguments in commands:
        assert parity == "parity"
        assert run_cli(arguments) == Outcome.EXPLAINED
        name, _, _ = arguments[1].partition(":")
        ends[name] = capsys.readouterr().out.splitlines()[-1]
    assert ends == {
        name: f"same, but for rounding: {number} pairs of convolutions" for name, number in CALLS.items()
    }
    assert ends["unet"] in " ".join((FOLDER / "README.md").read_text(encoding="utf-8").split())


def test_weights_that_are_not_ported_are_found_at_the_first_convolution(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shape = ",".join(map(str, import_module("unet").INPUT))
    assert run_cli(["compare", "unet:make_torch", "unet:make_keras", "--input", shape]) == Outcome.UNEXPLAINED
    assert "first cause: outer.0 has other weights" in capsys.readouterr().out
