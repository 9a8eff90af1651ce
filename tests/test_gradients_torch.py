"""convmm's gradients beside those of torch.autograd."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convmm import conv_input_grad, conv_transpose_input_grad, conv_transpose_weight_grad, conv_weight_grad

torch = pytest.importorskip("torch")

ARGUMENTS: list[dict[str, Any]] = [
    {},
    {"stride": 2, "padding": 1},
    {"stride": (3, 2), "padding": (0, 2), "dilation": (1, 2)},
    {"stride": 2, "padding": 1, "groups": 2},
    {"dilation": 2, "groups": 4},
]


def _integers(*shape: int) -> Any:  # noqa: ANN401 - a torch.Tensor, of which no type is known here
    return torch.as_tensor(np.random.default_rng(sum(shape)).integers(-4, 5, shape), dtype=torch.float64)


@pytest.mark.parametrize("arguments", ARGUMENTS)
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_the_gradients_of_conv_are_bit_equal_to_autograds(rank: int, arguments: dict[str, Any]) -> None:
    given = _of_rank(arguments, rank)
    x, w = (
        _integers(2, 4, 9, 8, 7)[(..., *[0] * (3 - rank))],
        _integers(8, 4, 3, 2, 3)[(..., *[0] * (3 - rank))],
    )
    w = w[:, : 4 // given.get("groups", 1)]
    x, w = (operand.detach().clone().requires_grad_() for operand in (x, w))
    y = getattr(torch.nn.functional, f"conv{rank}d")(x, w, **given)
    dy = _integers(*y.shape)
    y.backward(dy)
    operands = (x.detach().numpy(), w.detach().numpy(), dy.numpy())
    input_grad = conv_input_grad(operands[2], operands[1], x.shape[2:], **given)
    weight_grad = conv_weight_grad(operands[0], operands[2], w.shape[2:], **given)
    np.testing.assert_array_equal(input_grad, x.grad.numpy())
    np.testing.assert_array_equal(weight_grad, w.grad.numpy())


@pytest.mark.parametrize("arguments", ARGUMENTS)
@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_the_gradients_of_conv_transpose_are_bit_equal_to_autograds(
    rank: int, more: int, arguments: dict[str, Any]
) -> None:
    given = _of_rank(arguments, rank)
    if more >= max(_least(given, "stride"), _least(given, "dilation")):
        pytest.skip("an output padding that no framework takes")
    given["output_padding"] = more
    x, w = (
        _integers(2, 4, 5, 4, 3)[(..., *[0] * (3 - rank))],
        _integers(4, 2, 3, 2, 3)[(..., *[0] * (3 - rank))],
    )
    x, w = (operand.detach().clone().requires_grad_() for operand in (x, w))
    y = getattr(torch.nn.functional, f"conv_transpose{rank}d")(x, w, **given)
    dy = _integers(*y.shape)
    y.backward(dy)
    operands = (x.detach().numpy(), w.detach().numpy(), dy.numpy())
    input_grad = conv_transpose_input_grad(operands[2], operands[1], x.shape[2:], **given)
    weight_grad = conv_transpose_weight_grad(operands[0], operands[2], w.shape[2:], **given)
    np.testing.assert_array_equal(input_grad, x.grad.numpy())
    np.testing.assert_array_equal(weight_grad, w.grad.numpy())


def _of_rank(arguments: dict[str, Any], rank: int) -> dict[str, Any]:
    """The arguments with one int an axis, repeated or cut to this many axes."""
    return {
        name: value
        if name == "groups"
        else ((value,) * 2 if isinstance(value, int) else value)[:1] * rank
        if rank != 2
        else value
        for name, value in arguments.items()
    }


def _least(arguments: dict[str, Any], name: str) -> int:
    value = arguments.get(name, 1)
    return value if isinstance(value, int) else min(value)
