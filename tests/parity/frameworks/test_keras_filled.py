"""Padding with elements of the input in Keras, by a layer that is saved and loaded as others are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import parity
from parity import Case
from parity.cases.values.drawing import draw_arrays
from parity.frameworks.code.script import execute
from parity.frameworks.keras.tensors import build, has_channels_first, to_keras, to_numpy
from parity.frameworks.spelling import Spelling, Unsupported
from parity.frameworks.table import find_framework

pytest.importorskip("keras")

MODES = ("reflect", "replicate", "circular")

CASES = [
    Case("conv2d", (2, 4, 5, 6), 6, (3, 2), (1, 2), ((1, 2), (3, 0)), groups=2, bias=True),
    Case("conv2d", (1, 2, 8, 8), 3, 3, 2, 1, dilation=2),
    Case("conv2d", (1, 2, 7, 6), 3, (3, 4), (3, 1), "same"),
    Case("conv1d", (1, 2, 1), 3, 3, padding=4, dtype="float64"),
    Case("conv1d", (2, 2, 3), 3, 2, padding=((8, 11),), dtype="float16"),
    Case("conv3d", (1, 2, 3, 4, 2), 3, 2, padding=(1, 0, 3), bias=True),
]


def filled(case: Case, mode: str) -> Case:
    return Case.from_dict({**case.to_dict(), "padding_mode": mode})


def layers(case: Case, name: str = "keras") -> list[Spelling | Unsupported]:
    return find_framework(name).spell(case)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_it_computes_the_case_and_its_gradients(case: Case, mode: str) -> None:
    result = parity.run(filled(case, mode), ["keras"], grad=True)
    native, *exact = result.results
    assert native.status == "unsupported"
    assert [each.relation for each in exact] == ["identical"] * len(exact)
    assert {each.spelling for each in exact} == {"exact"}
    assert len(exact) == 3 + case.bias  # the output and its gradients


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("mode", MODES)
def test_a_model_is_saved_and_loaded_with_equal_numbers(mode: str, data_format: str, tmp_path: Path) -> None:
    keras: Any = find_framework("keras").load()
    case = filled(CASES[0], mode)
    first = data_format == "channels_first"
    _, exact = layers(case, "keras+channels_first" if first else "keras")
    assert isinstance(exact, Spelling)
    model, arrays = exact.layer.call(), draw_arrays(case)
    given = to_keras(arrays.x, channels_first=first)
    build(model, given.shape, exact.convert(arrays.weights))
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.models.load_model(path)
    assert type(loaded.layers[0]).__name__ == f"{mode.title()}Pad"
    assert has_channels_first(loaded) is first
    y = to_numpy(model(given), channels_first=first)
    np.testing.assert_array_equal(to_numpy(loaded(given), channels_first=first), y)
    assert y.shape == case.output_shape


def test_a_loaded_layer_has_what_was_given_to_it() -> None:
    keras: Any = find_framework("keras").load()
    _, exact = layers(filled(CASES[0], "reflect"))
    assert isinstance(exact, Spelling)
    pad = exact.layer.call().layers[0]
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(pad))
    assert again.get_config() == pad.get_config()
    assert pad.get_config()["padding"] == ((1, 2), (3, 0))


@pytest.mark.parametrize("mode", MODES)
def test_sizes_may_be_open_in_a_model(mode: str) -> None:
    keras: Any = find_framework("keras").load()
    _, exact = layers(filled(CASES[1], mode))
    assert isinstance(exact, Spelling)
    name = f"{mode.title()}Pad"
    pad = execute(repr(exact.layer))[name](((2, 1), (0, 3)))
    inputs = keras.Input((None, None, 2))
    model = keras.Model(inputs, pad(inputs))
    numpys: Any = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}[mode]
    for sizes in ((1, 4), (6, 1), (5, 7)):
        x = np.random.default_rng(0).standard_normal((1, *sizes, 2)).astype("float32")
        expected = np.pad(x, [(0, 0), (2, 1), (0, 3), (0, 0)], numpys)
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(model(x)), expected)


@pytest.mark.parametrize("mode", MODES)
def test_torchs_layer_is_translated_for_inputs_of_any_size(mode: str) -> None:
    line = f"torch.nn.Conv2d(4, 6, (3, 4), padding='same', groups=2, padding_mode={mode!r})"
    for target in ("keras", "keras+channels_first"):
        found = parity.translate(line, target)
        assert found.verified
        assert found.spelling == "exact"
        assert "lambda" not in found.code


def test_a_mode_by_which_nothing_is_padded_is_zeros() -> None:
    without = Case("conv2d", (1, 2, 5, 5), 3, 3, padding_mode="reflect")
    result = parity.run(without, ["keras"])
    assert result.verdict == "agree"
    assert result.results[0].spelling == "native"
