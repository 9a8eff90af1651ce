"""PyTorch's functions, ``torch.nn.functional``, in place of its modules: the route "functional".

They take the modules' arguments, and the arrays beside them; what the modules mean and refuse they do, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from parity.cases.arrays import Array
from parity.cases.case import Case
from parity.frameworks.code.script import Script
from parity.frameworks.code.steps import Step
from parity.frameworks.devices import CPU
from parity.frameworks.spelling import Spelling, Unsupported
from parity.frameworks.torch import Torch, load
from parity.frameworks.torch.arrays import to_numpy, to_torch
from parity.frameworks.torch.functional.write import as_function, same_for_any_size

NAME = "functional"


@dataclass(frozen=True)
class Functional(Torch):
    """PyTorch's functions of the input, the kernel and the bias."""

    keeps = False

    @property
    def name(self) -> str:
        """The name, with its device."""
        name = f"torch+{NAME}"
        return name if self.device == CPU else f"{name}@{self.device}"

    @property
    def routes(self) -> Mapping[str, Torch]:
        """None: they are called as they are."""
        return {}

    def activation(self, name: str) -> str | None:
        """Return a statement that puts the function of this name behind ``layer``."""
        found = _ACTIVATIONS.get(name)
        return found and f"layer = (lambda layer: lambda *arrays: {found}(layer(*arrays)))(layer)"

    def why_no_chains(self) -> str:
        """Return that functions are no modules."""
        return "a Sequential is of modules, and not of functions"

    def write_step(self, step: Step, shape: tuple[int, ...], dtype: str) -> Unsupported:  # noqa: ARG002
        """Return that there is no chain to put it in."""
        return Unsupported(self.why_no_chains())

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        """Return the functions of the modules' spellings."""
        found = [as_function(each) if isinstance(each, Spelling) else each for each in super().spell(case)]
        layers = [each for each in found if each is not None]
        return layers or [Unsupported("the case's padding has no width in numbers, which pad takes")]

    def exact(self, case: Case, *, any_size: bool = False) -> list[Spelling]:
        """Return a function with what its padding cannot do in a ``pad`` beside it."""
        if any_size and case.padding == "same" and not case.transposed and 0 not in case.output_shape[2:]:
            return [same_for_any_size(case)]
        found = map(as_function, super().exact(case, any_size=any_size))
        return [each for each in found if each is not None]

    def owns(self, thing: object) -> bool:  # noqa: ARG002 - part of the role
        """Return False: a function has no class."""
        return False

    def call(self, layer: Any, weights: Sequence[Array], x: Array) -> Array:
        """Call the function on (N, C, *spatial) and the arrays, without recording gradients."""
        arrays = [to_torch(each).to(self.device) for each in (x, *weights)]
        with load().no_grad():
            return to_numpy(layer(*arrays))

    def calling(self, dtype: str) -> Script:
        """Call the function, on one thread as here."""
        return Script(
            ("torch",),
            f"""\
{self._arrays(dtype)}with torch.no_grad():
    y = layer(*arrays).cpu().double().numpy()""",
        )

    def backward(
        self, layer: Any, weights: Sequence[Array], x: Array, dy: Array
    ) -> tuple[Array, list[Array]]:
        """Return the gradients by the input and by the arrays, by torch.autograd."""
        arrays = [to_torch(each).to(self.device).requires_grad_() for each in (x, *weights)]
        by_output = to_torch(dy).to(self.device)
        by_input, *by_weights = load().autograd.grad(layer(*arrays), arrays, by_output)
        return to_numpy(by_input), [to_numpy(each) for each in by_weights]

    def differentiating(self, dtype: str) -> Script:
        """Differentiate the function, on one thread as here."""
        return Script(
            ("torch",),
            f"""\
{self._arrays(dtype)}arrays = [each.requires_grad_() for each in arrays]
by_output = torch.from_numpy(dy).to(torch.{dtype}){self._moving}
found = torch.autograd.grad(layer(*arrays), arrays, by_output)
gradients = [each.cpu().double().numpy() for each in found]""",
        )

    def _arrays(self, dtype: str) -> str:
        return (
            "torch.set_num_threads(1)\n"
            f"arrays = [torch.from_numpy(each).to(torch.{dtype}){self._moving} for each in (x, *converted)]\n"
        )


_ACTIVATIONS = {
    **{name: f"torch.nn.functional.{name}" for name in ("relu", "relu6", "elu", "softplus", "softsign")},
    "silu": "torch.nn.functional.silu",
    "swish": "torch.nn.functional.silu",
    "sigmoid": "torch.sigmoid",
    "tanh": "torch.tanh",
}
