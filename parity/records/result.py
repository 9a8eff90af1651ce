"""What is recorded of a case: one result a spelling, and the verdict over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from parity.cases.arrays import Array, is_constant
from parity.cases.case import Case
from parity.cases.own import OwnArrays, command_of
from parity.cases.verdict import Verdict
from parity.records.command import command
from parity.records.machine import Machine

SCHEMA: Literal[1] = 1

ORACLE = "numpy"
"""The name of the NumPy core among the frameworks of a record: what all others are compared with."""

Status = Literal["ok", "rejected", "unsupported", "crashed", "timeout", "invalid"]
ENDED_BADLY = frozenset({"crashed", "timeout"})
"""The statuses of what gave no answer: its process ended, or it ran out of time."""

DRAWN = "hypothesis: "
"""What the name of a suite begins with whose cases hypothesis drew and shrank: the next run has others."""

Output = Literal["value", "input_grad", "weight_grad", "bias_grad"]


class Repeats(msgspec.Struct, frozen=True, kw_only=True):
    """How often a layer was called, and how many different answers it gave.

    Attributes:
        runs: calls with each number of threads.
        distinct: different answers, to the bit, by the number of threads.
        same: all the answers of all the runs are the same.
    """

    runs: int
    distinct: dict[str, int]
    same: bool


class ErrorMap(msgspec.Struct, frozen=True, kw_only=True):
    """Where a result differs from what is due: the largest error by channel and position, over all samples.

    Attributes:
        shape: of the map, (C, *spatial); of a large result it has fewer cells than that has elements.
        block: how many channels, and elements of each axis, share a cell of it.
        levels: a byte a cell, in C order, in base64: 0 without an error, 255 for the largest one and for what
            is no number, and between them the error over the largest, rounded up.
    """

    shape: tuple[int, ...]
    block: tuple[int, ...]
    levels: str


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One layer of one framework beside the reference. Shapes are channels first.

    What this version does not know, such as another output, is read all the same: a newer one may have it.

    Attributes:
        framework: its name, or an implementation's function's.
        version: of the framework.
        backend: what computes underneath, with its version.
        spelling: "native", "lookalike" or "exact".
        variant: what tells it from the framework's other layers of that kind for the case; empty for the
            first of a kind.
        layer: the call as code, None where there is none.
        status: "ok", it computed; "rejected", it raised; "unsupported", no arguments of it mean the case, or
            a function said by NotImplementedError that it has no such operation; "invalid", what it
            returned is no array of the case's dtype; "crashed", its process ended; "timeout", it did not end
            in time.
        output: "value", what the layer computes; else which gradient of it, by its input, by its kernel (in
            convmm's layout) or by its bias.
        error: class and message of what it raised.
        shape: of its output.
        shape_equal: to the reference's.
        allclose: within the dtype's tolerances of the reference; None without an element.
        exact: equal to the reference; None without an element.
        finite_share: the share of its output's elements that are finite; None without an element.
        not_ruled_out: narrower precisions in which it may have been computed all the same, as far as these
            values tell: "tf32" for operands in it, "bfloat16-result" for a result that went through it.
        compared: its values tell it from those of a function that returns zeros, or no number at all.
        notes: why the result tells little, in sentences.
        max_abs_error: the largest difference; None where there is none to take.
        errors: where the output differs; not there where it does not, or has another shape.
        bound_ratio: the largest error over its rigorous bound; 0.0 where the result is exact.
        relation: what was observed: "identical", "empty", "rejected", "unrelated", or the mistake that
            explains every value, one of :data:`parity.verdict.diagnosis.suspect.Mistake`.
        offset: how far it begins after the reference, on each axis.
        places: where it is unrelated, what all differences are confined to, as "the last of axis 1" or "the
            first of channels"; only what would be said in the same words of an output of another size.
        predicted: what the framework's rules say: "identical", "window", "flipped", "window flipped",
            "empty", "rejected".
        explained: what was observed is what was predicted, or the call itself said that it is unsupported.
        reason: why it differs, or why the framework has no layer.
        warnings: what the framework warned of meanwhile.
        printed: what it wrote to its standard output and error meanwhile, where it ran in its own process.
        repeats: where it was run more than once: how often with each number of threads, how many different
            outputs came, and whether all were the same to the bit.
        divergence: the name of the known difference that explains it.
        unseen: the names of those known differences that it should have, and does not have.
    """

    framework: str
    version: str | None = None
    backend: str | None = None
    spelling: str
    variant: str = ""
    layer: str | None = None
    status: str
    output: str = "value"
    error: str | None = None
    shape: tuple[int, ...] | None = None
    shape_equal: bool | None = None
    allclose: bool | None = None
    exact: bool | None = None
    finite_share: float | None = None
    not_ruled_out: tuple[str, ...] = ()
    compared: bool = True
    notes: tuple[str, ...] = ()
    max_abs_error: float | None = None
    errors: ErrorMap | msgspec.UnsetType = msgspec.UNSET
    bound_ratio: float | None = None
    relation: str | None = None
    offset: tuple[int, ...] | None = None
    places: tuple[str, ...] = ()
    predicted: str | None = None
    explained: bool = False
    reason: str | None = None
    warnings: tuple[str, ...] = ()
    printed: str = ""
    repeats: Repeats | None = None
    divergence: str | None = None
    unseen: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The result's name among those of its case."""
        name = f"{self.framework} {self.spelling}" + (f" ({self.variant})" if self.variant else "")
        return name if self.output == "value" else f"{name} {self.output}"

    @property
    def compares(self) -> bool:
        """Whether it compares values, or shapes that differ, of something else than the NumPy core."""
        told = self.framework != ORACLE and self.status == "ok" and self.compared
        return told and self.relation != "no verdict" and not self.is_nothing

    @property
    def is_nothing(self) -> bool:
        """Whether it has no element, and the reference has none either."""
        return self.relation == "empty" and self.shape_equal is not False

    @property
    def error_class(self) -> str | None:
        """The name of the exception's class, or how its process ended."""
        return class_of(self.error)

    @property
    def why(self) -> tuple[str, ...]:
        """What it raised, and the reason; only one of them where it says the other, too."""
        error, reason = self.error or "", self.reason or ""
        said = (reason,) if error in reason else (error,) if reason in error else (error, reason)
        return tuple(filter(None, said))


def class_of(error: str | None) -> str | None:
    """Return the first part of an error as recorded, "Class: message": its class, or how a process ended."""
    return error and error.partition(":")[0]


class Pair(msgspec.Struct, frozen=True):
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


class Reference(msgspec.Struct, frozen=True):
    """What is recorded of the reference.

    Attributes:
        shape: of its output, (N, O, *spatial).
    """

    shape: tuple[int, ...]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A case and what came of it: a line of a sweep's file, or what a command prints.

    Attributes:
        kind: "record" in a file.
        suite: the suite's name, in a file.
        name: the case's name in its suite, in a file.
        schema: of these keys.
        case: its fields, as :meth:`parity.cases.case.Case.to_dict` gives them.
        command: the command line that gives the results again.
        verdict: the one word for the case.
        expected: the verdict that its suite expects; not there where it expects none.
        reference: what its output is like; None where that was not recorded.
        results: one per spelling and output.
        pairs: every two results that computed the output, compared with each other.
        own_arrays: of the arrays that were given and not drawn, by name: "sha256:" and the hash of the
            values' bytes, in C order and little endian.
        machine: that computed it, in a sweep over a cluster; not there where it is the one of the header.
    """

    kind: Literal["record"] | msgspec.UnsetType = msgspec.UNSET
    suite: str | msgspec.UnsetType = msgspec.UNSET
    name: str | msgspec.UnsetType = msgspec.UNSET
    schema: Literal[1] = SCHEMA
    case: dict[str, Any]
    command: str
    verdict: Verdict
    expected: Verdict | msgspec.UnsetType = msgspec.UNSET
    reference: Reference | None = None
    results: tuple[Result, ...]
    pairs: tuple[Pair, ...] = ()
    own_arrays: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    machine: Machine | msgspec.UnsetType = msgspec.UNSET

    @property
    def place(self) -> tuple[str, str]:
        """The names of its suite and of its case; empty where it has none."""
        suite, name = self.suite, self.name
        return "" if suite is msgspec.UNSET else suite, "" if name is msgspec.UNSET else name

    @property
    def unmet(self) -> str | None:
        """Which verdict was expected and which was found, in words; None where they are the same.

        None, too, where no verdict was expected, and where nothing is wrong but that frameworks crashed or
        ran out of time: they said nothing.
        """
        if self.expected is msgspec.UNSET or self.expected == self.verdict:
            return None
        wrong = [each for each in self.results if not each.explained]
        gone = bool(wrong) and all(each.status in ENDED_BADLY for each in wrong)
        return None if gone else f"expected {self.expected}, found {self.verdict}"

    @property
    def op(self) -> str:
        """The operation of its case."""
        return str(self.case["op"])


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
        results: one per spelling, in the frameworks' order; the gradients of a native or exact one behind it.
        arrays: what each of the results computed, if anything, in the same order.
        pairs: every two results that computed the output, compared with each other.
        gradients: what they have to be, where they were asked for.
        asked: the options of the command line that say what was asked of the case, beside its own.
        own: the arrays that were given and not drawn, by name.
    """

    case: Case
    reference: Array = field(repr=False, compare=False)
    results: tuple[Result, ...]
    arrays: tuple[Array | None, ...] = field(default=(), repr=False, compare=False)
    pairs: tuple[Pair, ...] = ()
    gradients: Gradients | None = field(default=None, repr=False, compare=False)
    asked: tuple[str, ...] = ()
    own: OwnArrays = field(default_factory=dict, repr=False, compare=False)

    @property
    def verdict(self) -> Verdict:
        """The one word for the case.

        "agree" when every framework has a native layer, all of them are identical to the reference, one of
        them is another's than the NumPy core, and one number everywhere would not be identical; "explained"
        when every difference was predicted; "unexplained" otherwise, and when there is no result.
        """
        if not self.results or not all(result.explained for result in self.results):
            return "unexplained"
        natives = [result for result in self.results if result.spelling == "native"]
        identical = all(native.relation == "identical" for native in natives)
        compared = any(native.compares for native in natives) and not is_constant(self.reference)
        return "agree" if identical and compared else "explained"

    @property
    def command(self) -> str:
        """The command line that gives these results again."""
        return command(command_of(self.case, self.own), self.asked)

    @property
    def record(self) -> Record:
        """What is kept of it."""
        return Record(
            case=self.case.to_dict(),
            command=self.command,
            verdict=self.verdict,
            reference=Reference(self.reference.shape),
            results=self.results,
            pairs=self.pairs,
            own_arrays={name: each.digest for name, each in self.own.items()} or msgspec.UNSET,
        )

    def _repr_html_(self) -> str:
        """Show the verdict, the command and a table of the results in a notebook."""
        from parity.markup.templates import render  # noqa: PLC0415 - imported when it is looked at

        return render("parity.records", "case.html", {"record": self.record})

    def to_dict(self) -> dict[str, Any]:
        """Return the case and its results as JSON has them."""
        found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self.record))
        return found
