"""What all engines share: a framework whose layers are nodes, in models of one node."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from parity.cases.arrays import Array
from parity.cases.case import ZEROS, Case
from parity.frameworks.code.expression import Call
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.script import Script
from parity.frameworks.distributions import installed_version, not_installed
from parity.frameworks.filled import behind_padding
from parity.frameworks.interface import Framework
from parity.frameworks.onnx.filled import behind_pad, why_no_pad
from parity.frameworks.onnx.graph import OnnxModel, open_model
from parity.frameworks.onnx.model import OLDEST, OPSET, calling, model_of
from parity.frameworks.onnx.padding import by_pads
from parity.frameworks.onnx.read import read
from parity.frameworks.onnx.spelling import Rules, exact, spellings
from parity.frameworks.spelling import Refusal, Spelling, Unsupported

OPSET_10 = f"opset{OLDEST}"


@dataclass(frozen=True)
class Engine(Framework):
    """An engine that runs ONNX's models.

    Attributes:
        on: the routes that it runs them on, in the order of its name: "opset10", models of the operators'
            first version.
    """

    on: tuple[str, ...] = ()

    prefixes = ("", "helper", "onnx.helper")
    distributions: ClassVar[tuple[str, ...]] = ()
    """Which may hold it, beside onnx, which the models are made with."""

    @property
    def plain(self) -> str:
        """The name without routes."""
        raise NotImplementedError

    @property
    def rules(self) -> Rules:
        """How it reads nodes."""
        raise NotImplementedError

    def why_no_pad(self, case: Case) -> str | None:
        """Return why no Pad makes the padding of a case that holds elements of the input, or None."""
        return why_no_pad(case, self.opset)

    def refusal_of_pad(self, case: Case) -> Refusal | None:  # noqa: ARG002 - part of the role
        """Return what it raises for the Pad by which a case's padding holds elements of the input."""
        return None

    def run(self, model: bytes, x: Array) -> Array:
        """Load a model and call it."""
        raise NotImplementedError

    @property
    def running(self) -> tuple[tuple[str, ...], str]:
        """What :meth:`run` does, as code: the imports, and statements that find ``model`` and ``x``."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """The name, with its routes."""
        return "+".join((self.plain, *self.on))

    @property
    def ways(self) -> tuple[str, ...]:
        """The names of its routes."""
        return (OPSET_10,)

    @property
    def routes(self) -> Mapping[str, Engine]:
        """The ways that are not chosen yet."""
        return {route: replace(self, on=(*self.on, route)) for route in self.ways if route not in self.on}

    @property
    def extra(self) -> str:
        """The extra of this distribution that installs it."""
        return self.plain

    @property
    def opset(self) -> int:
        """The version of the operators in its models."""
        return OLDEST if OPSET_10 in self.on else OPSET

    def why_unavailable(self) -> str | None:
        """Return what is not installed, or None."""
        missing = [each for each in ("onnx", *self.distributions[:1]) if self._lacks(each)]
        return not_installed(missing[0], f"'convparity[{self.plain}]'") if missing else None

    def version(self) -> str | None:
        """Return the engine's version."""
        return installed_version(*self.distributions)

    @property
    def classes(self) -> Mapping[str, str]:
        """The function that writes nodes, of any engine's, if this one is there to prove what is read."""
        return {} if self.why_unavailable() else {"make_node": ""}

    def read(self, call: Call) -> Reading:
        """Read the node that a call makes.

        Raises:
            ExpressionError: an argument that is not the node's, or out of its range.
        """
        return read(call, self.plain, self.rules)

    def owns(self, thing: object) -> bool:
        """Return whether it is a node; where onnx is not imported there is none."""
        onnx: Any = sys.modules.get("onnx")
        return bool(self.classes) and onnx is not None and isinstance(thing, onnx.NodeProto)

    def run_graph(self, model: bytes, inputs: Mapping[str, Array]) -> list[Array]:
        """Run a model of several inputs and outputs; of an engine that has :attr:`model_files`."""
        raise NotImplementedError

    def owns_model(self, thing: object) -> bool:
        """Return whether it is a model; where onnx is not imported there is none."""
        onnx: Any = sys.modules.get("onnx")
        return bool(self.model_files) and onnx is not None and isinstance(thing, onnx.ModelProto)

    def open_model(self, thing: Any) -> OnnxModel:
        """Open a model in memory, or the file of one."""
        return open_model(self, self, thing)

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        """Return the case's nodes, and one of a longer kernel where the one by ``pads`` is refused.

        Where padding holds elements of the input, those of a Pad and a Conv.
        """
        if case.filled_with != ZEROS:
            return [Unsupported(self.why_no_pad(case) or "Conv pads with zeros alone"), *self.exact(case)]
        found = spellings(case, self.rules)
        refused = found[0].refusal is not None and found[0].refusal.certain
        return [*found, *(exact(case, self.rules) if refused else [])]

    def exact(self, case: Case, *, any_size: bool = False) -> list[Spelling]:  # noqa: ARG002 - all do
        """Return a node of a kernel with zeros after its taps, where its output padding is too large.

        Where padding holds elements of the input, a Pad and a Conv.
        """
        if case.filled_with != ZEROS:
            if self.why_no_pad(case):
                return []
            inside = behind_padding(case)
            refusal = self.rules.refusal(inside, by_pads(inside)) or self.refusal_of_pad(case)
            return [behind_pad(case, self.opset, refusal)]
        return exact(case, self.rules)

    def call(self, layer: Any, weights: Sequence[Array], x: Array) -> Array:
        """Make the model of the node, check it by ONNX's checker, load it and call it."""
        return self.run(model_of(layer, weights, x, self.opset), x)

    def calling(self, dtype: str) -> Script:
        """Make the model of the node, check it, load it and call it."""
        imports, statements = self.running
        return calling(dtype, self.opset, imports, statements)

    def _lacks(self, distribution: str) -> bool:
        others = self.distributions if distribution in self.distributions else (distribution,)
        return installed_version(*others) is None
