"""The reference: its sums are the definition's, and nothing that it imports leads to the tuned route."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

import convmm
from convmm import conv_transpose_weight_grad, conv_weight_grad
from convmm.geometry import Geometry, conv_geometry, conv_transpose_geometry
from convmm.reference.plain import correlate_weights
from tests.convmm.strategies import Example, conv_transposes, convs
from tests.support import naive

ROOT = Path(convmm.__file__).parents[1]


def by_definition(example: Example, dy: NDArray[Any], *, transposed: bool) -> NDArray[Any]:
    """The gradient of (output * dy).sum() by each kernel element: the sum at that element alone set to 1."""
    operation = naive.conv_transpose if transposed else naive.conv
    x, w = example.arrays()
    grad = np.zeros(w.shape, object)
    for place in np.ndindex(w.shape):
        one = np.zeros_like(w)
        one[place] = 1
        grad[place] = (operation(x, one, **example.arguments) * dy).sum()
    return grad


def drawn_dy(example: Example, geometry: Geometry, *, transposed: bool) -> NDArray[np.int64]:
    sizes = geometry.fine if transposed else geometry.coarse
    (dy,) = example.integers((example.x_shape[0], example.filters, *sizes))
    return dy


@given(convs())
@settings(max_examples=40)  # as many passes of the loops as the kernel has elements
def test_the_weight_gradient_of_conv_is_the_definitions(example: Example) -> None:
    geometry = conv_geometry(example.x_shape, example.w_shape, **example.arguments)
    dy = drawn_dy(example, geometry, transposed=False)
    x, _ = example.arrays()
    grad = correlate_weights(x.astype(float), dy.astype(float), geometry)
    np.testing.assert_array_equal(grad, by_definition(example, dy, transposed=False).astype(float))


@given(conv_transposes())
@settings(max_examples=40)
def test_the_weight_gradient_of_conv_transpose_is_the_definitions(example: Example) -> None:
    geometry = conv_transpose_geometry(example.x_shape, example.w_shape, **example.arguments)
    dy = drawn_dy(example, geometry, transposed=True)
    x, _ = example.arrays()
    grad = correlate_weights(dy.astype(float), x.astype(float), geometry)
    np.testing.assert_array_equal(grad, by_definition(example, dy, transposed=True).astype(float))


@given(convs())
def test_the_weight_gradient_is_the_tuned_routes(example: Example) -> None:
    geometry = conv_geometry(example.x_shape, example.w_shape, **example.arguments)
    dy = drawn_dy(example, geometry, transposed=False).astype(float)
    x = example.arrays()[0].astype(float)
    grad = correlate_weights(x, dy, geometry)
    np.testing.assert_array_equal(conv_weight_grad(x, dy, example.kernel, **example.arguments), grad)
    transposed = conv_transpose_weight_grad(dy, x, example.kernel, **example.arguments)
    np.testing.assert_array_equal(transposed, grad)


def test_the_weight_gradient_of_a_large_layer_is_the_tuned_routes() -> None:
    rng = np.random.default_rng(0)
    x, dy = (rng.integers(-9, 10, shape).astype(float) for shape in ((4, 48, 40, 36), (4, 32, 20, 18)))
    arguments: dict[str, Any] = {"stride": 2, "padding": 1, "groups": 4}
    geometry = conv_geometry(x.shape, (32, 12, 3, 3), **arguments)
    np.testing.assert_array_equal(correlate_weights(x, dy, geometry), conv_weight_grad(x, dy, 3, **arguments))


def test_a_sum_over_no_samples_is_zero() -> None:
    geometry = conv_geometry((0, 2, 5), (3, 2, 3))
    grad = correlate_weights(np.ones((0, 2, 5)), np.ones((0, 3, 3)), geometry)
    np.testing.assert_array_equal(grad, np.zeros((3, 2, 3)))


def imported_by(module: str) -> Iterator[str]:
    """The modules of convmm whose names a module's import statements give."""
    path = ROOT.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("convmm"):
            yield node.module
            yield from (
                f"{node.module}.{name.name}"
                for name in node.names
                if ROOT.joinpath(*node.module.split("."), name.name).with_suffix(".py").exists()
            )


@pytest.mark.parametrize("module", ["plain", "compensated", "matrix", "steps"])
def test_the_reference_imports_nothing_tuned_however_far_one_follows(module: str) -> None:
    reached, left = set[str](), [f"convmm.reference.{module}"]
    while left:
        name = left.pop()
        if name not in reached:
            reached.add(name)
            left += imported_by(name)
    assert "convmm.geometry.grids" in reached
    tuned = {"convmm", "convmm.operations", "convmm.operations.gradients", "convmm.operations.ranked"}
    assert not {name for name in reached if name in tuned or name.startswith("convmm.fast")}
