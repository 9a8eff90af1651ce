"""A call of one of JAX's functions as a function of arrays: the text that is printed is what is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from parity.frameworks.code.layer import Layer
from parity.frameworks.code.script import execute, join

Order = tuple[int, ...]
"""Axes, as ``transpose`` takes them."""

Pads = tuple[tuple[int, int], ...]


@dataclass(frozen=True, repr=False)
class Function(Layer):
    """A function of the input, the kernel and a bias: a call with these keywords, and the bias added.

    Attributes:
        bias: how many axes lie behind the channels that the bias is added to; None where there is none.
        orders: what the call's own order of axes is made of (N, C, *spatial) by, and (N, O, *spatial) of its
            result; None where these are its own.
        pad: what the input is padded by first, as ``jax.numpy.pad`` takes it: (before, after) on each axis,
            and its mode; None for nothing.
        jit: the whole is compiled by ``jax.jit``.
    """

    bias: int | None = None
    orders: tuple[Order, Order] | None = None
    pad: tuple[Pads, str] | None = None
    jit: bool = False

    def __repr__(self) -> str:
        """Return the function as code."""
        given, returned = ("", "") if self.orders is None else (f".transpose{each}" for each in self.orders)
        keywords = ", ".join(f"{name}={value!r}" for name, value in self.keywords)
        x = f"x{given}"
        if self.pad is not None:
            x = f"jax.numpy.pad({x}, {self.pad[0]}, mode={self.pad[1]!r})"
        text = f"{self.path}({x}, w, {keywords}){returned}"
        if self.bias is None:
            text = f"lambda x, w: {text}"
        else:
            text = f"lambda x, w, b: {text} + b[:{', None' * self.bias}]"
        return f"jax.jit({text})" if self.jit else text

    def call(self) -> Any:
        """Run the code; the function."""
        return execute(join(self.imports, self.statements))["layer"]
