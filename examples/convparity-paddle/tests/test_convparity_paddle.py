"""PaddlePaddle is what its rules say, and what convparity asks of every framework."""

from pathlib import Path

import pytest
from parity import Case, run
from parity.frameworks.known.registry import load_registry
from parity.testing import check_framework

paddle = pytest.importorskip("convparity_paddle")
pytest.importorskip("paddle")

DIVERGENCES = Path(__file__).parents[1] / "divergences.toml"


def test_it_conforms() -> None:
    check_framework(paddle.Paddle(), divergences=load_registry(DIVERGENCES))


def test_same_of_a_transposed_layer_is_a_convolutions_padding() -> None:
    case = Case("conv_transpose2d", (1, 1, 5, 5), 1, 3, stride=2, padding="same")
    found = {each.spelling: each for each in run(case, ["paddle"]).results}
    assert found["native"].relation == "identical"
    assert (found["lookalike"].relation, found["lookalike"].explained) == ("window", True)


def test_an_output_padding_below_the_dilation_alone_is_refused() -> None:
    case = Case("conv_transpose1d", (1, 1, 4), 1, 2, dilation=3, output_padding=1)
    (native,) = run(case, ["paddle"]).results
    assert (native.status, native.predicted) == ("rejected", "rejected")
