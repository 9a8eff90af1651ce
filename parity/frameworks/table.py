"""The frameworks by name: those of this package, and those that installed distributions offer."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from itertools import zip_longest

from convmm.geometry import shown
from parity.cases.case import Case
from parity.cases.errors import InputError
from parity.frameworks.attempt import attempt, describe
from parity.frameworks.devices import CPU
from parity.frameworks.interface import Framework
from parity.frameworks.meant import MODULES, meant
from parity.frameworks.spelling import Spelling, Unsupported

ENTRY_POINTS = "convparity.frameworks"
"""The group of entry points by which a distribution offers a framework: its name, and its class or object."""

BUILT_IN = {
    "numpy": "parity.frameworks.numpy:NumPy",
    "torch": "parity.frameworks.torch:Torch",
    "keras": "parity.frameworks.keras:Keras",
    "onnxruntime": "parity.frameworks.onnx.onnxruntime:OnnxRuntime",
    "onnx": "parity.frameworks.onnx.reference:Reference",
    "jax": "parity.frameworks.jax:Jax",
    "flax": "parity.frameworks.jax.flax:Flax",
    "litert": "parity.frameworks.litert:LiteRT",
    "mlx": "parity.frameworks.mlx:MLX",
    "openvino": "parity.frameworks.onnx.openvino:OpenVINO",
    "tinygrad": "parity.frameworks.tinygrad:Tinygrad",
    "opencv": "parity.frameworks.onnx.opencv:OpenCV",
    "tract": "parity.frameworks.onnx.tract:Tract",
}
"""The class of each framework of this package, by its name; imported when it is asked for."""


class FrameworkError(InputError):
    """A framework that is not known or not installed; the message says what is, or what to install."""


def find_framework(name: str) -> Framework:
    """Return the framework of this name, as in torch, torch+compile and torch+channels_last@cuda.

    Raises:
        FrameworkError: there is none of this name, it has no such route or device, or it cannot be used here.
    """
    whole, at, device = name.partition("@")
    plain, *routes = MODULES.get(whole, whole).split("+")
    if plain not in BUILT_IN and plain not in _offered():
        known = names()
        raise FrameworkError(f"framework {shown(name)}: {meant(plain, known)}allowed are {', '.join(known)}")
    framework = _made(plain)
    for route in routes:
        if isinstance(framework, Unavailable):
            break
        if route not in framework.routes:
            raise FrameworkError(f"framework {shown(name)}: {_routes(framework)}")
        framework = _on(framework, route)
    if at and device != CPU and not isinstance(framework, Unavailable):
        if device not in framework.devices:
            raise FrameworkError(f"framework {shown(name)}: {_devices(framework)}")
        framework = _checked(framework.devices[device], f"{framework.name}@{device}")
    missing = framework.why_unavailable()
    if missing is not None:
        raise FrameworkError(f"framework {shown(name)} {missing}")
    return framework


def on_device(frameworks: Sequence[str] | None, device: str) -> list[str]:
    """Return these names with a device behind those that have none; without names, all that have it.

    Raises:
        FrameworkError: nothing that can be used here has it.
    """
    if frameworks is not None:
        return [name if "@" in name else f"{name}@{device}" for name in frameworks]
    having = [each for each in all_frameworks() if device == CPU or device in each.devices]
    usable = [each for each in having if device == CPU or each.devices[device].why_unavailable() is None]
    if not usable:
        known = ", ".join(f"{each.name} ({each.devices[device].why_unavailable()})" for each in having)
        raise FrameworkError(f"device {shown(device)}: {known or 'no framework has one of this name'}")
    return [f"{each.name}@{device}" for each in usable if each.why_unavailable() is None]


def names() -> list[str]:
    """List the names of all frameworks, installed or not; nothing of them is imported."""
    return list(_names())


def _names() -> Iterator[str]:
    yield from BUILT_IN
    yield from _offered()  # which takes a search of all that is installed


def listed() -> list[Framework]:
    """Return every framework, whether or not it can be used or even made."""
    return [_made(name) for name in names()]


def all_frameworks() -> list[Framework]:
    """Return every framework that can be asked for its layers, installed or not."""
    return [framework for framework in listed() if not isinstance(framework, Unavailable)]


def usual_frameworks() -> list[Framework]:
    """Return those whose layers are shown where nobody names any: what can be used here, torch, and Keras."""
    usual = {*installed(), "torch", "keras"}
    return [framework for framework in all_frameworks() if framework.name in usual]


def installed() -> list[str]:
    """List the names of the frameworks that can be used here."""
    return list(_installed())


def are_installed(given: Sequence[str]) -> bool:
    """Return whether these are the names of :func:`installed`; none behind the first other is made."""
    return all(a == b for a, b in zip_longest(given, _installed()))


def _installed() -> Iterator[str]:
    for name in _names():
        if _made(name).why_unavailable() is None:
            yield name


@functools.cache
def _offered() -> Mapping[str, EntryPoint]:
    """Return what installed distributions offer, by name; a name of this package's is not taken over."""
    offered = entry_points(group=ENTRY_POINTS)
    by_name = sorted(offered, key=lambda point: point.name)
    return {point.name: point for point in by_name if point.name not in BUILT_IN}


def _routes(framework: Framework) -> str:
    routes = [f"+{route}" for route in framework.routes]
    return f"the routes of {framework.name} are {', '.join(routes) or 'none'}"


def _devices(framework: Framework) -> str:
    devices = [f"@{device}" for device in (CPU, *framework.devices)]
    return f"the devices of {framework.name} are {', '.join(devices)}"


@functools.cache
def _made(name: str) -> Framework:
    """Make the framework of a name; the mistake of one is no reason for others to fail."""
    point = EntryPoint(name, BUILT_IN[name], ENTRY_POINTS) if name in BUILT_IN else _offered()[name]
    made, _warnings = attempt(partial(_make, point))
    if isinstance(made, BaseException):
        return Unavailable(f"cannot be made by {point.value}: {describe(made)}", point.name)
    return made


def _make(point: EntryPoint) -> Framework:
    offered = point.load()
    return _checked(offered() if isinstance(offered, type) else offered, point.name)


def _on(framework: Framework, route: str) -> Framework:
    """Return a framework on one of its routes."""
    name = f"{framework.name}+{route}"
    made, _warnings = attempt(lambda: _checked(framework.routes[route], name))
    return Unavailable(f"cannot be made: {describe(made)}", name) if isinstance(made, BaseException) else made


def _checked(framework: object, name: str) -> Framework:
    """Ask a framework what everybody asks before anything runs."""
    if not isinstance(framework, Framework):
        raise TypeError(f"it is no parity.frameworks.interface.Framework but {framework!r}")
    if framework.name != name:
        raise ValueError(f"its name is {framework.name!r}, and it is offered as {name!r}")
    pickle.dumps(framework)  # it is sent to processes
    missing = framework.why_unavailable()
    said = {"why_unavailable": missing, "extra": framework.extra}
    if missing is None:
        said |= {"version": framework.version(), "backend": framework.backend()}
    for what, text in said.items():
        if not isinstance(text, str | None):
            raise TypeError(f"its {what} is {text!r}: allowed is a text, or None")
    list(framework.routes), list(framework.devices)
    return framework


@dataclass(frozen=True)
class Unavailable(Framework):
    """A framework that a distribution offers and that cannot be made.

    Attributes:
        why: the reason, as the end of a sentence that begins with its name.
        name: what it is offered as.
    """

    why: str
    name: str = "unavailable"

    def why_unavailable(self) -> str:
        """Return the reason."""
        return self.why

    def spell(self, case: Case) -> list[Spelling | Unsupported]:  # noqa: ARG002 - it has none for any
        """Return that it has no layer."""
        return [Unsupported(f"{self.name} {self.why}")]
