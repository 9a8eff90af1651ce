"""Code as text that is run as it is printed: weight conversions, and layers that need statements."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any, cast

from parity.cases.arrays import Array


@dataclass(frozen=True, repr=False)
class Script:
    """Statements that leave the layer under the name ``layer``.

    Attributes:
        imports: names of the modules that they and the core need.
        own: the statements behind those of the core; without one, all.
        core: a script whose layer they find under that name, and go on from.
    """

    imports: tuple[str, ...]
    own: str
    core: Script | None = None

    def __repr__(self) -> str:
        """Return the script."""
        return join(self.imports, self.statements)

    @property
    def statements(self) -> str:
        """The core's statements, and its own behind them."""
        return self.own if self.core is None else f"{self.core.statements}\n{self.own}"

    def call(self) -> Any:
        """Run the script; the layer."""
        return execute(repr(self))["layer"]

    def around(self, layer: Any) -> Any:
        """Run the statements on a layer like that of the core; the layer that they leave."""
        return execute(join(self.imports, self.own), layer=layer)["layer"]


@dataclass(frozen=True)
class Program:
    """A complete script that leaves ``layer``, and ``convert(weights)`` to the arrays that it takes.

    Attributes:
        text: the script.
    """

    text: str

    def call(self) -> Any:
        """Run the script; the layer."""
        return execute(self.text)["layer"]

    def convert(self, weights: Sequence[Array]) -> list[Array]:
        """Run the script; the arrays that the layer takes."""
        return cast("list[Array]", execute(self.text)["convert"](weights))


@dataclass(frozen=True)
class Conversion:
    """From one layer's weights to another's, as the body of a function ``convert(weights)``.

    The statements find the kernel in ``kernel`` and the list of the bias, or of nothing, in ``bias``, and
    leave the arrays that the layer takes in the list ``converted``.
    """

    statements: tuple[str, ...] = ("converted = [kernel, *bias]",)

    def text(self, before: Sequence[str] = ()) -> str:
        """Write the function as code, with statements to run on the kernel before."""
        body = ["kernel, *bias = weights", *before, *self.statements, "return converted"]
        return "\n".join(["def convert(weights):", *(f"    {line}" for line in body)])

    def __call__(self, weights: Sequence[Array]) -> list[Array]:
        """Convert the weights to the arrays that the layer takes."""
        return cast("list[Array]", execute(join(("numpy as np",), self.text()))["convert"](weights))


def function_call(dtype: str, *imports: str, arrays: str = "numpy") -> Script:
    """Write statements that call a function, ``layer``, on arrays, and check what a function may do.

    They find and leave what those of :meth:`parity.frameworks.interface.WritesCode.calling` do.

    Args:
        dtype: of the arrays.
        *imports: modules that the function needs.
        arrays: what it is handed, of :data:`parity.frameworks.tensors.ARRAYS`.
    """
    name, modules = numpy_name(dtype)
    library, handed, returned = _handed(arrays)
    return Script(
        (*imports, *modules, *library),
        f"""\
arrays = [array.astype({name}) for array in (x, *converted)]
given = [array.copy() for array in arrays]
y = {returned.format(f"layer({handed})")}
assert isinstance(y, np.ndarray), f"it returned {{type(y)}}"
assert y.dtype == {name}, f"it returned dtype {{y.dtype}}"
assert all(a.tobytes() == b.tobytes() for a, b in zip(arrays, given)), "it changed its arguments"
y = y.astype("float64")""",
    )


def gradient_call(dtype: str, *imports: str, arrays: str = "numpy") -> Script:
    """Write statements that call a gradient function, ``layer``, and check what it may do.

    They find and leave what those of :meth:`parity.frameworks.interface.WritesCode.differentiating` do; the
    arguments are those of :func:`function_call`.
    """
    name, modules = numpy_name(dtype)
    library, handed, returned = _handed(arrays)
    return Script(
        (*imports, *modules, *library),
        f"""\
arrays = [array.astype({name}) for array in (dy, x, converted[0])]
given = [array.copy() for array in arrays]
gradients = layer({handed})
assert isinstance(gradients, (tuple, list)), f"it returned {{type(gradients)}}"
assert len(gradients) == 3, f"it returned {{len(gradients)}} gradients"
gradients = [{returned.format("each")} for each in gradients[: 1 + len(converted)]]
for each in gradients:
    assert isinstance(each, np.ndarray), f"it returned {{type(each)}}"
    assert each.dtype == {name}, f"it returned dtype {{each.dtype}}"
assert all(a.tobytes() == b.tobytes() for a, b in zip(arrays, given)), "it changed its arguments"
gradients = [each.astype("float64") for each in gradients]""",
    )


def _handed(arrays: str) -> tuple[tuple[str, ...], str, str]:
    """Return the module that makes tensors, the arrays as they are handed over, and what takes one back."""
    if arrays == "numpy":
        return (), "*arrays", "{}"
    module = "parity.frameworks.tensors"
    return (module,), f"*map({module}.ARRAYS[{arrays!r}], arrays)", f"{module}.as_returned({{}})"


def numpy_name(dtype: str) -> tuple[str, tuple[str, ...]]:
    """Return a dtype as code for NumPy, and the modules that it needs."""
    return ("ml_dtypes.bfloat16", ("ml_dtypes",)) if dtype == "bfloat16" else (repr(dtype), ())


def join(imports: Iterable[str], *blocks: str) -> str:
    """Join a script: the imports in order, "module" or "module as name", and the blocks."""
    first = "\n".join(f"import {module}" for module in sorted(set(imports)))
    return "\n\n\n".join((first, *blocks)) + "\n"


Convert = Callable[[Sequence[Array]], list[Array]]
"""From one layer's weights to another's."""

AS_THEY_ARE = Conversion()
"""For a layer that takes convmm's arrays."""


def execute(text: str, **names: Any) -> dict[str, Any]:
    """Run a script of this project's own making, which finds these names; the names it leaves."""
    exec(_compiled(text), names)  # noqa: S102 - what is printed is what is run, and nothing of it is a user's
    return names


@functools.lru_cache(maxsize=4096)
def _compiled(text: str) -> CodeType:
    return compile(text, "<convparity>", "exec")
