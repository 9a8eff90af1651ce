"""PyTorch: the layers of ``torch.nn``, channels first, kernels as convmm's.

A transposed layer's output begins ``padding`` elements into the full response, and ``output_padding`` adds
elements after it: both are ints, equal before and after. Sources: the documentation of
``torch.nn.ConvTranspose2d`` and ``torch.nn.Conv2d`` (torch 2.13), and runs.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from parity.cases.arrays import Array
from parity.cases.case import PADDING_MODES, ZEROS, Case
from parity.frameworks.choice import Choice, of_onednn
from parity.frameworks.code.chain import Written
from parity.frameworks.code.expression import Call
from parity.frameworks.code.live import Live
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.script import Script
from parity.frameworks.code.steps import Step
from parity.frameworks.devices import CPU, CUDA, MPS, why_no_device
from parity.frameworks.distributions import installed_version, not_installed
from parity.frameworks.interface import Framework
from parity.frameworks.precision import Mode, accumulated_by_tap, accumulated_in_float32, flushing
from parity.frameworks.routes.way import EXTRA, Way, routes_left, way_of
from parity.frameworks.spelling import Spelling, Unsupported, first_lookalike, first_native
from parity.frameworks.table import FrameworkError
from parity.frameworks.torch.arrays import to_numpy, to_torch
from parity.frameworks.torch.chain import LINKS, read_chain, sequence
from parity.frameworks.torch.exact import exact
from parity.frameworks.torch.formats import (
    CHANNELS_LAST,
    GIVEN_CHANNELS_LAST,
    format_of,
    in_format,
    moved,
    why_no_format,
)
from parity.frameworks.torch.functional.read import CLASSES as FUNCTIONS
from parity.frameworks.torch.functional.read import PREFIXES as FUNCTION_PREFIXES
from parity.frameworks.torch.functional.read import read as read_function
from parity.frameworks.torch.live import text_of
from parity.frameworks.torch.model import SUFFIX, TorchModel, open_model
from parity.frameworks.torch.read import CLASSES, PREFIXES, read
from parity.frameworks.torch.routes import IN_ANY_FORMAT, WAYS
from parity.frameworks.torch.rules import meanings, sized_call, spelling, why_not
from parity.frameworks.torch.steps import write_step
from parity.frameworks.torch.window_rules import WINDOWS
from parity.frameworks.weights import check_weights


def load() -> Any:
    """Import torch."""
    import torch  # noqa: PLC0415 - imported when first used

    return torch


def _read(call: Call) -> Reading:
    return (read_function if call.name in FUNCTIONS else read)(call)


_SET = """\
torch.set_num_threads(1)
with torch.no_grad():
    for parameter, weight in zip(layer.parameters(), converted, strict=True):
        parameter.copy_(torch.from_numpy(weight))
"""
"""What the scripts begin with: one thread, as here, and the module's parameters."""


@dataclass(frozen=True)
class Torch(Framework):
    """PyTorch's modules, in this very form: channels first, kernels as convmm's.

    Attributes:
        on: the routes that it runs them on, in the order of its name: "channels_last", the memory format, and
            then the form that they are brought into.
        device: that they compute on.
    """

    on: tuple[str, ...] = ()
    device: str = CPU

    classes: ClassVar = {**CLASSES, **FUNCTIONS}
    prefixes = (*PREFIXES, *FUNCTION_PREFIXES)
    read = staticmethod(_read)
    padding_modes = PADDING_MODES
    windows = WINDOWS
    keeps = True
    links = LINKS
    read_chain = staticmethod(read_chain)
    sequence = staticmethod(sequence)
    sized_call = staticmethod(sized_call)

    @property
    def name(self) -> str:
        """The name, with its routes and its device."""
        name = "+".join(("torch", *self.on))
        return name if self.device == CPU else f"{name}@{self.device}"

    @property
    def extra(self) -> str:
        """The extra that installs it, or what it is run by."""
        return EXTRA if self._way.needs else "torch"

    @property
    def routes(self) -> Mapping[str, Torch]:
        """The memory format, and what modules in it are brought into, where that is not chosen yet."""
        from parity.frameworks.torch.functional.framework import NAME, Functional  # noqa: PLC0415 - a Torch

        left = routes_left(self.on, CHANNELS_LAST, WAYS, IN_ANY_FORMAT)
        routes = {route: replace(self, on=(*self.on, route)) for route in left}
        return routes if self.on else {**routes, NAME: Functional(device=self.device)}

    @property
    def devices(self) -> Mapping[str, Torch]:
        """NVIDIA's and Apple's, where no other engine computes and none is chosen yet."""
        chosen = self.device != CPU or self._way.engine is not None
        return {} if chosen else {device: replace(self, device=device) for device in (CUDA, MPS)}

    @property
    def seconds_per_case(self) -> float | None:
        """The seconds that the route takes."""
        return self._way.seconds

    @property
    def _way(self) -> Way:
        return way_of(self.on, WAYS)

    def load(self) -> Any:
        """Import torch, and what its route needs."""
        torch = load()
        self._way.load()
        return torch

    def why_no_chains(self) -> str | None:
        """Return None: a Sequential applies layers in turn."""
        return None

    def write_step(self, step: Step, shape: tuple[int, ...], dtype: str) -> Written | Unsupported:  # noqa: ARG002
        """Return a layer without weights as torch's module, which computes in the dtype of its input."""
        return write_step(step, shape)

    def why_unavailable(self) -> str | None:
        """Return that torch is not installed, or what its route needs, or None."""
        if not installed_version("torch"):
            return not_installed("torch", "'convparity[torch]'")
        if self._way.device not in {None, self.device}:
            return f"needs the device that has it: allowed is {self.name}@{self._way.device}"
        if self.device == CUDA and str(installed_version("torch")).endswith("+cpu"):
            return f"needs a PyTorch with CUDA, and {installed_version('torch')} is built without"
        return why_no_device(self.device) or self._way.why_unavailable()

    def version(self) -> str:
        """Return PyTorch's version."""
        return str(installed_version("torch"))

    def backend(self) -> str | None:
        """Return what computes on its route; None where torch does itself."""
        return self._way.backend(None)

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        """Return the layer whose padding means the case; else why not, one of its shape, an exact one."""
        layers = self._unformatted(case)
        if CHANNELS_LAST in self.on:
            reason = why_no_format(case)
            if reason:
                return [Unsupported(reason)]
            layers = [in_format(each, case) if isinstance(each, Spelling) else each for each in layers]
        return [self._on_device(each) for each in self._way.spelled(layers)]

    def exact(self, case: Case, *, any_size: bool = False) -> list[Spelling]:
        """Return a layer with what its padding cannot do in a ZeroPad beside it, in the route's format."""
        layers = exact(case, any_size=any_size)
        if CHANNELS_LAST in self.on:
            layers = [] if why_no_format(case) else [in_format(each, case) for each in layers]
        routed = map(self._on_device, self._way.spelled(layers))
        return [each for each in routed if isinstance(each, Spelling)]

    def _on_device(self, layer: Spelling | Unsupported) -> Spelling | Unsupported:
        if self.device == CPU or isinstance(layer, Unsupported):
            return layer
        return moved(layer, device=self.device)

    def _unformatted(self, case: Case) -> list[Spelling | Unsupported]:
        candidates = list(meanings(case))
        native = first_native(case, candidates)
        if native is not None:
            layer = spelling("native", native)
            beside = exact(case) if layer.refusal and case.filled_with != ZEROS else []
            return [layer, *beside]
        taken = first_lookalike(case, candidates)
        return [Unsupported(why_not(case)), *([spelling("lookalike", taken)] if taken else []), *exact(case)]

    def owns(self, thing: object) -> bool:
        """Return whether it is a module; where torch is not imported there is none."""
        torch: Any = sys.modules.get("torch")
        return torch is not None and isinstance(thing, torch.nn.Module)

    @property
    def model_files(self) -> tuple[str, ...]:
        """Programs that ``torch.export.save`` wrote."""
        return (SUFFIX,)

    def owns_model(self, thing: object) -> bool:
        """Return whether it is a module."""
        return self.owns(thing)

    def open_model(self, thing: Any) -> TorchModel:
        """Open a module, or the file of an exported program."""
        self.load()
        return open_model(self, thing)

    def written(self, layer: Any) -> str:
        """Write the module as it prints itself."""
        return str(layer)

    def live(self, layer: Any) -> Live:
        """Return the expression that makes such a module, and its kernels and biases."""
        text = text_of(layer)
        return Live(text, tuple(to_numpy(each.detach()).copy() for each in layer.parameters()))

    def filled(self, layer: Any, weights: Sequence[Array], shape: Sequence[int]) -> Any:  # noqa: ARG002 - as of Runs
        """Return the module with these parameters."""
        _set_weights(layer, weights)
        return layer

    def mode(self, case: Case) -> Mode:
        """Return that half types are summed up in float32, the bias among them, and rounded once.

        But transposed layers that oneDNN does not take (with a dilation, of float16 on most processors) go by
        a matrix product whose columns are of the half type, and these are added up in it
        (slow_conv_transpose2d in aten/src/ATen/native/NaiveConvolutionTranspose2d.cpp). The processors' own
        instructions for bfloat16, which oneDNN takes, flush subnormal numbers (Intel, Intrinsics Guide,
        VDPBF16PS and TDPBF16PS).
        """
        mode = (accumulated_by_tap if case.transposed else accumulated_in_float32)(case.dtype)
        return self._way.mode(case, flushing(mode) if case.dtype == "bfloat16" else mode)

    def mode_of_gradients(self, case: Case) -> Mode:
        """Return that half types are summed up in any precision, and bfloat16 by instructions that flush."""
        mode = super().mode_of_gradients(case)
        return flushing(mode) if case.dtype == "bfloat16" else mode

    def choices(self) -> tuple[Choice, ...]:
        """Return oneDNN's."""
        return of_onednn()

    def pin(self, threads: int) -> dict[str, Any]:
        """Set IEEE precision, oneDNN's kernels, and none of NNPACK's, whose fast algorithms are not exact.

        Raises:
            FrameworkError: torch finds no such device.
        """
        torch = load()
        if self.device != CPU and not getattr(torch, self.device).is_available():
            raise FrameworkError(f"framework {self.name!r}: torch finds no device {self.device!r} here")
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
            **self._way.pin(threads),
        }

    def call(self, layer: Any, weights: Sequence[Array], x: Array) -> Array:
        """Set the module's parameters and run it on (N, C, *spatial), without recording gradients."""
        given = self._given(x)
        _materialise(layer, given)
        _set_weights(layer, weights)
        with load().no_grad():
            return to_numpy(self._way.run(layer, given))

    def calling(self, dtype: str) -> Script:
        """Set the module's parameters and run it, on one thread as here."""
        code, given = (
            self._way.code(),
            self._moving + (GIVEN_CHANNELS_LAST if CHANNELS_LAST in self.on else ""),
        )
        return Script(
            ("torch", *code.imports),
            f"""\
{_SET}given = torch.from_numpy(x).to(torch.{dtype}){given}
{code.statements}with torch.no_grad():
    y = {code.call}.cpu().double().numpy()""",
        )

    def differentiating(self, dtype: str) -> Script:
        """Set the module's parameters and differentiate it, on one thread as here."""
        code = self._way.code()
        return Script(
            ("torch", *code.imports),
            f"""\
{_SET}given = torch.from_numpy(x).to(torch.{dtype}){self._moving}.requires_grad_()
by_output = torch.from_numpy(dy).to(torch.{dtype}){self._moving}
found = torch.autograd.grad({code.call}, [given, *layer.parameters()], by_output)
gradients = [each.cpu().double().numpy() for each in found]""",
        )

    @property
    def _moving(self) -> str:
        """What moves a tensor to the device, as code."""
        return "" if self.device == CPU else f".to({self.device!r})"

    def why_no_gradients(self) -> str | None:
        """Return that the route has none; torch has autograd."""
        return self._way.says_no_gradients

    def backward(
        self, layer: Any, weights: Sequence[Array], x: Array, dy: Array
    ) -> tuple[Array, list[Array]]:
        """Return the gradients by the input and by the module's parameters, by torch.autograd."""
        given = self._given(x).requires_grad_()
        _materialise(layer, given)
        _set_weights(layer, weights)
        sources = [given, *layer.parameters()]
        by_input, *by_weights = load().autograd.grad(self._way.run(layer, given), sources, self._given(dy))
        return to_numpy(by_input), [to_numpy(each) for each in by_weights]

    def _given(self, array: Array) -> Any:
        """Make the tensor of (N, C, *spatial), in the memory format of the route."""
        tensor = to_torch(array).to(self.device)
        if CHANNELS_LAST not in self.on:
            return tensor
        return tensor.to(memory_format=getattr(load(), str(format_of(array.ndim - 2))))


def _materialise(layer: Any, given: Any) -> None:
    """Have lazy modules take their channels from the input, by a call whose output is not used."""
    torch = load()
    if any(isinstance(each, torch.nn.UninitializedParameter) for each in layer.parameters()):
        with torch.no_grad():
            layer(given)


def _set_weights(layer: Any, weights: Sequence[Array]) -> None:
    parameters = list(layer.parameters())
    check_weights(parameters, weights)  # a copy would broadcast
    with load().no_grad():
        for parameter, weight in zip(parameters, weights, strict=True):
            parameter.copy_(to_torch(weight))
