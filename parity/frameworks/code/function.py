"""A function of an input and its arrays as one expression: the text that is printed is what is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from parity.frameworks.code.layer import Layer
from parity.frameworks.code.script import execute, join

INPUT, KERNEL, BIAS = "x", "w", "b"
"""The names that an expression has for its arrays."""


@dataclass(frozen=True, repr=False)
class Function(Layer):
    """A function of the input, the kernel and a bias; ``path`` is the function that is called in it.

    Attributes:
        body: the expression of the output.
        has_bias: there is a bias.
    """

    body: str = ""
    has_bias: bool = False

    def __repr__(self) -> str:
        """Return the function as code."""
        return f"lambda {', '.join(self.parameters)}: {self.body}"

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of its arrays."""
        return (INPUT, KERNEL, *([BIAS] if self.has_bias else []))

    def call(self) -> Any:
        """Run the code; the function."""
        return execute(join(self.imports, self.statements))["layer"]
