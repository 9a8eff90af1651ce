"""What is recorded of a case: one result a spelling, and the verdict over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from parity.cases.arrays import Array
from parity.cases.case import Case

SCHEMA = 1

ORACLE = "numpy"
"""The name of the NumPy core among the frameworks of a record: what all others are compared with."""

Status = Literal["ok", "rejected", "unsupported", "crashed", "timeout", "invalid"]
Verdict = Literal["agree", "explained", "unexplained"]
Output = Literal["value", "input_grad", "weight_grad", "bias_grad"]


@dataclass(frozen=True)
class Result:
    """One layer of one framework beside the reference. Shapes are channels first.

    Attributes:
        framework: its name, or an implementation's function's.
        version: of the framework.
        backend: what computes underneath, with its version.
        spelling: "native", "lookalike" or "exact".
        layer: the call as code, None where there is none.
        status: "ok", it computed; "rejected", it raised; "unsupported", no arguments of it mean the case;
            "invalid", what it returned is no array of the case's dtype; "crashed", its process ended;
            "timeout", it did not end in time.
        output: "value", what the layer computes; else which gradient of it, by its input, by its kernel (in
            convmm's layout) or by its bias.
        error: class and message of what it raised.
        shape: of its output.
        shape_equal: to the reference's.
        allclose: within the dtype's tolerances of the reference; None without an element.
        exact: equal to the reference; None without an element.
        max_abs_error: the largest difference; None where there is none to take.
        bound_ratio: the largest error over its rigorous bound; 0.0 where the result is exact.
        relation: what was observed: "identical", "empty", "rejected", "unrelated", or the mistake that
            explains every value, one of :data:`parity.verdict.diagnosis.suspect.Mistake`.
        offset: how far it begins after the reference, on each axis.
        predicted: what the framework's rules say: "identical", "window", "empty", "rejected".
        explained: what was observed is what was predicted.
        reason: why it differs, or why the framework has no layer.
        warnings: what the framework warned of meanwhile.
        printed: what it wrote to its standard output and error meanwhile, where it ran in its own process.
        repeats: where it was run more than once: how often with each number of threads, how many different
            outputs came, and whether all were the same to the bit.
        divergence: the name of the known difference that explains it.
        unseen: the names of those known differences that it should have, and does not have.
        array: the output itself; not part of the record.
    """

    framework: str
    version: str | None
    backend: str | None
    spelling: str
    layer: str | None
    status: Status
    output: Output = "value"
    error: str | None = None
    shape: tuple[int, ...] | None = None
    shape_equal: bool | None = None
    allclose: bool | None = None
    exact: bool | None = None
    max_abs_error: float | None = None
    bound_ratio: float | None = None
    relation: str | None = None
    offset: tuple[int, ...] | None = None
    predicted: str | None = None
    explained: bool = False
    reason: str | None = None
    warnings: tuple[str, ...] = ()
    printed: str = ""
    repeats: dict[str, Any] | None = None
    divergence: str | None = None
    unseen: tuple[str, ...] = ()
    array: Array | None = field(default=None, repr=False, compare=False)

    @property
    def label(self) -> str:
        """The result's name among those of its case."""
        name = f"{self.framework} {self.spelling}"
        return name if self.output == "value" else f"{name} {self.output}"

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON has it."""
        values = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "array"}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


@dataclass(frozen=True)
class Pair:
    """Two results of one case, compared with each other.

    Attributes:
        a: label of one.
        b: label of the other.
        shape_equal: they have one shape.
        allclose: within the dtype's tolerances of each other; None without an element.
    """

    a: str
    b: str
    shape_equal: bool
    allclose: bool | None


@dataclass(frozen=True)
class Gradients:
    """What the gradients of a case are taken by, and what they have to be.

    Attributes:
        dy: the gradient by the output, (N, O, *spatial), of the case's dtype.
        expected: by name, each in the shape of what it is taken by, in float64.
    """

    dy: Array
    expected: Mapping[Output, Array]


@dataclass(frozen=True)
class CaseResult:
    """All results of one case.

    Attributes:
        case: the case.
        reference: the NumPy core's output in float64, (N, O, *spatial).
        results: one a spelling, in the frameworks' order; the gradients of a native or exact one behind it.
        pairs: every two results that computed the output, compared with each other.
        gradients: what they have to be, where they were asked for.
    """

    case: Case
    reference: Array = field(repr=False, compare=False)
    results: tuple[Result, ...]
    pairs: tuple[Pair, ...] = ()
    gradients: Gradients | None = field(default=None, repr=False, compare=False)

    @property
    def verdict(self) -> Verdict:
        """The one word for the case.

        "agree" when every framework has a native layer and all of them are identical to the reference;
        "explained" when every difference was predicted; "unexplained" otherwise, and when there is no
        result.
        """
        if not self.results or not all(result.explained for result in self.results):
            return "unexplained"
        natives = [result for result in self.results if result.spelling == "native"]
        return "agree" if all(native.relation == "identical" for native in natives) else "explained"

    @property
    def command(self) -> str:
        """The command line that gives these results again."""
        return command(self.case, grad=self.gradients is not None)

    def to_dict(self) -> dict[str, Any]:
        """The case and its results as JSON has them."""
        return {
            "schema": SCHEMA,
            "case": self.case.to_dict(),
            "command": self.command,
            "verdict": self.verdict,
            "reference": {"shape": list(self.reference.shape)},
            "results": [result.to_dict() for result in self.results],
            "pairs": [asdict(pair) for pair in self.pairs],
        }


def command(case: Case, *, grad: bool) -> str:
    """The command line that runs a case, with its gradients or without."""
    return f"{case.command} --grad" if grad else case.command
