"""PyTorch: the layers of ``torch.nn``, channels first, kernels as convmm's.

A transposed layer's output begins ``padding`` elements into the full response, and ``output_padding`` adds
elements after it: both are ints, equal before and after. Sources: the documentation of
``torch.nn.ConvTranspose2d`` and ``torch.nn.Conv2d`` (torch 2.13), and runs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity.cases.arrays import Array, numpy_dtype
from parity.cases.case import Case
from parity.frameworks.code.script import Script
from parity.frameworks.distributions import installed_version, not_installed
from parity.frameworks.interface import Framework
from parity.frameworks.precision import Mode, accumulated_by_tap, accumulated_in_float32
from parity.frameworks.spelling import Spelling, Unsupported, first_lookalike, first_native
from parity.frameworks.torch.exact import exact
from parity.frameworks.torch.read import CLASSES, read
from parity.frameworks.torch.rules import meanings, spelling, why_not

_ACTIVATIONS = {
    "relu": "ReLU()",
    "relu6": "ReLU6()",
    "sigmoid": "Sigmoid()",
    "tanh": "Tanh()",
    "elu": "ELU()",
    "softplus": "Softplus()",
    "softsign": "Softsign()",
    "silu": "SiLU()",
    "swish": "SiLU()",
}


def load() -> Any:
    """Import torch."""
    import torch  # noqa: PLC0415 - imported when first used

    return torch


@dataclass(frozen=True)
class Torch(Framework):
    """PyTorch's modules, in this very form: channels first, kernels as convmm's."""

    name = "torch"
    extra = "torch"
    classes = CLASSES
    exact = staticmethod(exact)
    load = staticmethod(load)
    read = staticmethod(read)

    def activation(self, name: str) -> str | None:
        """Return a statement that puts the module of this Keras activation behind ``layer``."""
        found = _ACTIVATIONS.get(name)
        return found and f"layer = torch.nn.Sequential(layer, torch.nn.{found})"

    def why_unavailable(self) -> str | None:
        """Return that torch is not installed, or None."""
        return None if installed_version("torch") else not_installed("torch", "'convparity[torch]'")

    def version(self) -> str:
        """Return PyTorch's version."""
        return str(installed_version("torch"))

    def backend(self) -> str | None:
        """Return None: torch computes itself."""
        return None

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        """Return the layer whose padding means the case; else why not, one of its shape, an exact one."""
        candidates = list(meanings(case))
        native = first_native(case, candidates)
        if native is not None:
            return [spelling("native", native)]
        taken = first_lookalike(case, candidates)
        return [Unsupported(why_not(case)), *([spelling("lookalike", taken)] if taken else []), *exact(case)]

    def owns(self, thing: object) -> bool:
        """Return whether it is a module; where torch is not imported there is none."""
        torch: Any = sys.modules.get("torch")
        return torch is not None and isinstance(thing, torch.nn.Module)

    def written(self, layer: Any) -> str:
        """Write the module as it prints itself."""
        return str(layer)

    def mode(self, case: Case) -> Mode:
        """Return that half types are summed up in float32, the bias among them, and rounded once.

        But transposed layers that oneDNN does not take (with a dilation, of float16 on most processors) go by
        a matrix product whose columns are of the half type, and these are added up in it
        (slow_conv_transpose2d in aten/src/ATen/native/NaiveConvolutionTranspose2d.cpp).
        """
        return (accumulated_by_tap if case.transposed else accumulated_in_float32)(case.dtype)

    def pin(self, threads: int) -> dict[str, Any]:
        """Set IEEE precision, oneDNN's kernels, and none of NNPACK's, whose fast algorithms are not exact."""
        torch = load()
        torch.set_num_threads(threads)
        torch.set_default_dtype(torch.float32)
        torch.set_float32_matmul_precision("highest")
        torch.backends.nnpack.set_flags(False)
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
        return {
            "threads": torch.get_num_threads(),
            "default_dtype": str(torch.get_default_dtype()),
            "float32_matmul_precision": torch.get_float32_matmul_precision(),
            "mkldnn": torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled,
            "nnpack": False,
            "cudnn.allow_tf32": torch.backends.cudnn.allow_tf32,
            "cudnn.benchmark": torch.backends.cudnn.benchmark,
            "cudnn.deterministic": torch.backends.cudnn.deterministic,
            "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        }

    def call(self, layer: Any, weights: Sequence[Array], x: Array) -> Array:
        """Set the module's parameters and run it on (N, C, *spatial), without recording gradients."""
        torch = load()
        _set_weights(layer, weights)
        with torch.no_grad():
            return _to_numpy(layer(_to_torch(x)))

    def calling(self, dtype: str) -> Script:
        """Set the module's parameters and run it, on one thread as here."""
        return Script(
            ("torch",),
            f"""\
torch.set_num_threads(1)
with torch.no_grad():
    for parameter, weight in zip(layer.parameters(), converted, strict=True):
        parameter.copy_(torch.from_numpy(weight))
    y = layer(torch.from_numpy(x).to(torch.{dtype})).double().numpy()""",
        )

    def why_no_gradients(self) -> None:
        """Return None: torch has autograd."""

    def backward(
        self, layer: Any, weights: Sequence[Array], x: Array, dy: Array
    ) -> tuple[Array, list[Array]]:
        """Return the gradients by the input and by the module's parameters, by torch.autograd."""
        torch = load()
        _set_weights(layer, weights)
        given = _to_torch(x).requires_grad_()
        by_input, *by_weights = torch.autograd.grad(layer(given), [given, *layer.parameters()], _to_torch(dy))
        return _to_numpy(by_input), [_to_numpy(each) for each in by_weights]


def _set_weights(layer: Any, weights: Sequence[Array]) -> None:
    parameters = list(layer.parameters())
    wanted, given = ([tuple(each.shape) for each in arrays] for arrays in (parameters, weights))
    if wanted != given:  # a copy would broadcast
        raise ValueError(f"the module's parameters have the shapes {wanted}, and the weights {given}")
    with load().no_grad():
        for parameter, weight in zip(parameters, weights, strict=True):
            parameter.copy_(_to_torch(weight))


def _to_torch(array: Array) -> Any:  # a tensor
    torch = load()
    contiguous = np.ascontiguousarray(array)
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(contiguous.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(contiguous)


def _to_numpy(tensor: Any) -> Array:
    torch = load()
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(numpy_dtype("bfloat16"))  # type: ignore[no-any-return]
    return tensor.numpy()  # type: ignore[no-any-return]
