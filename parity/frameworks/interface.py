"""What a framework is to this project: an object in five roles, of which most have a default.

A framework is a subclass of :class:`Framework` without state: a frozen object that is sent to worker
processes as it is. What it does not say it does not offer: a class with ``name`` and ``spell`` is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from parity.cases.arrays import Array
from parity.cases.case import ZEROS, Case
from parity.frameworks.choice import Choice
from parity.frameworks.code.chain import Chain, Written
from parity.frameworks.code.expression import Call
from parity.frameworks.code.layer import Layer, Name
from parity.frameworks.code.live import Live, LiveError
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.script import AS_THEY_ARE, Conversion, Script, function_call
from parity.frameworks.code.steps import Step
from parity.frameworks.model import Model
from parity.frameworks.precision import Mode, accumulator_unknown
from parity.frameworks.spelling import Kind, Refusal, Spelling, Unsupported
from parity.frameworks.window_rule import WindowRule


class NoOutputError(Exception):
    """What a call returned is not what it was to return; the message says what it is, in one sentence."""


class EndedError(Exception):
    """What computes has ended, where it is no part of this process; the message says how, as "SIGSEGV"."""


Refuses = Callable[[Case, Kind], Refusal | None]
"""Returns what is known of a framework's refusal of such a layer for a case beside its rules, or None."""


def refuses_nothing(_case: Case, _kind: Kind) -> None:
    """Know of no refusal."""


class Installed:
    """The role of what is installed; nothing is imported to answer."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name on the command line and in records."""
        raise NotImplementedError

    @property
    def extra(self) -> str | None:
        """The extra of this distribution that installs it, or None."""
        return None

    @property
    def routes(self) -> Mapping[str, Framework]:
        """The other ways in which it runs its layers: the framework on each, by what "+" adds to its name.

        What it returns may have routes itself, for names such as "torch+channels_last+compile".
        """
        return {}

    @property
    def devices(self) -> Mapping[str, Framework]:
        """The devices that it can be told to compute on: itself on each, by what "@" adds to its name.

        "cpu", the processor, adds nothing.
        """
        return {}

    @property
    def is_oracle(self) -> bool:
        """Whether it is the NumPy core itself, which everything is compared with."""
        return False

    @property
    def is_a_users(self) -> bool:
        """Whether it is a user's own function or program, given for this one command or call."""
        return False

    def why_unavailable(self) -> str | None:
        """Return why it cannot be used here and what to do about it, as "needs …", or None."""
        return None

    def version(self) -> str | None:
        """Return the installed version, from its metadata."""
        return None

    def backend(self) -> str | None:
        """Return what computes underneath, with its version, where that is another distribution."""
        return None


class Spells:
    """The role of what it has for a case; nothing is imported to answer."""

    __slots__ = ()

    @property
    def padding_modes(self) -> tuple[str, ...]:
        """The padding modes that it has layers for: it is asked for no case whose padding holds others."""
        return (ZEROS,)

    @property
    def windows(self) -> tuple[WindowRule, ...]:
        """Which windows its layers have, by their own arguments: a statement for people to read."""
        return ()

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        """Return its layers for a case, the native one or the reason for its lack first."""
        raise NotImplementedError

    def layers_for(self, case: Case, refuses: Refuses = refuses_nothing) -> list[Spelling | Unsupported]:
        """Return its layers for a case, with the refusals noted that are known beside its rules.

        Args:
            case: what the layers are to compute.
            refuses: what is known. A framework that chooses among layers by what it refuses takes its choice
                here.
        """
        return [_with_refusal(spelling, refuses) for spelling in self.spell(case)]

    def mode(self, case: Case) -> Mode:
        """Return the precision that it computes the case in; without a better word, any for half types."""
        return accumulator_unknown(case.dtype)

    def mode_of_gradients(self, case: Case) -> Mode:
        """Return the precision that it computes gradients in; without a better word, any for half types."""
        return accumulator_unknown(case.dtype)

    def unfolds(self, case: Case) -> bool:  # noqa: ARG002 - part of the role
        """Return whether a layer of the case may hold all that its taps read; without a better word, it may.

        What memory it is expected to take follows from that; it is not called where there is less.
        """
        return True

    def exact(self, case: Case, *, any_size: bool = False) -> list[Spelling]:  # noqa: ARG002 - part of the role
        """Return layers put together that compute the case, also where a native one does.

        Args:
            case: what they are to compute; without an output there are none.
            any_size: they have to hold for inputs of any size.
        """
        return []


class Runs:
    """The role of what computes: in a process of its own, unless the caller asked for its own."""

    __slots__ = ()

    def load(self) -> object:
        """Import the framework, with its switches set; called before its layers are made."""
        return None

    def choices(self) -> tuple[Choice, ...]:
        """Return the variables of the environment by which its libraries choose code when they are loaded."""
        return ()

    def pin(self, threads: int) -> dict[str, Any]:
        """Set what changes numbers for the whole process, and the compute threads; return it by name.

        For a process of the framework's own, after :meth:`load` and before anything is computed.
        """
        return {"threads": threads}

    @property
    def keeps(self) -> bool:
        """Whether a layer that has been called is as a new one, once it is given other weights.

        Then a process calls one of the same text and input channels again, on inputs of any size: for each,
        :meth:`call` has to refuse what a new layer would.
        """
        return False

    def part(self, layer: Layer | Script) -> Layer | Script:
        """Return the layer in a chain that may stand in another one, too, as in the first; else the chain.

        Of a script it is its core.
        """
        return layer

    def detach(self, part: Any) -> None:
        """Have such a layer, which has been called, forget the chain that it stands in."""

    def call(self, layer: Any, weights: Sequence[Array], x: Array) -> Array:
        """Give a layer its weights and call it: (N, C, *spatial) to (N, O, *spatial), in its own dtype."""
        result: Array = layer(x, *weights)
        return result

    def filled(self, layer: Any, weights: Sequence[Array], shape: Sequence[int]) -> Any:  # noqa: ARG002
        """Return a layer with these weights in it; of one that holds none, a function of the input alone.

        Args:
            layer: as its code makes it.
            weights: in its order and layout.
            shape: of an input that it takes, (N, C, *spatial).
        """
        return partial(self.call, layer, list(weights))

    @property
    def seconds_per_case(self) -> float | None:
        """The seconds that a small case takes, where every layer is compiled; None for hardly any."""
        return None

    @property
    def unsupported_by(self) -> tuple[type[BaseException], ...]:
        """The exceptions by which a call says that it has no such operation; every other one is a refusal."""
        return ()

    def why_no_gradients(self) -> str | None:
        """Return why no gradients can be had of it, in one sentence, or None."""
        return "the framework offers no backward pass"

    def backward(
        self, layer: Any, weights: Sequence[Array], x: Array, dy: Array
    ) -> tuple[Array, Sequence[Array]]:
        """Return the gradients of the sum of output * ``dy``, by the framework's own differentiation.

        Returns:
            By the input, (N, C, *spatial), and by each of the weights, in the layer's order and layout.

        Raises:
            NoOutputError: what was returned is no such thing.
        """
        raise NotImplementedError(self.why_no_gradients())


class WritesCode:
    """The role of layers as code: read from what people write, and written for them."""

    __slots__ = ()

    @property
    def classes(self) -> Mapping[str, str]:
        """The names of its layers' classes, and the operation of each; none where no code is read.

        The operation is "" where the arguments decide it.
        """
        return {}

    @property
    def prefixes(self) -> tuple[str, ...]:
        """What may stand before the names of its classes; of a line that fits several the first is taken."""
        return ()

    def reads(self, call: Call) -> bool:
        """Return whether a call is of one of its layers, by the whole path."""
        return call.name in self.classes and call.prefix in self.prefixes

    @property
    def to_convmm(self) -> tuple[str, ...]:
        """Statements that bring the framework's own ``kernel`` into convmm's layout."""
        return ()

    @property
    def from_convmm(self) -> Conversion:
        """The conversion of convmm's kernel and bias to the arrays of the framework's own layers."""
        return AS_THEY_ARE

    def conversion_to(self, layer: Any, case: Case) -> Conversion:  # noqa: ARG002 - part of the role
        """Return the conversion of a case's kernel and bias, convmm's, to the arrays of a layer in memory."""
        return self.from_convmm

    def read(self, call: Call) -> Reading:
        """Return what a layer's expression says; the call's name is one of :attr:`classes`."""
        raise call.error("it is read by no framework")

    def activation(self, name: str) -> str | None:  # noqa: ARG002 - part of the role
        """Return a statement that puts this activation behind ``layer``, or None where there is no twin.

        Of a framework that writes steps, :meth:`write_step` does it.
        """
        return None

    @property
    def links(self) -> frozenset[str]:
        """The names of its layers that are read as chains: of several layers, or of one without weights."""
        return frozenset()

    @property
    def link_prefixes(self) -> tuple[str, ...]:
        """What may stand before the names of :attr:`links`."""
        return self.prefixes

    def read_chain(self, call: Call) -> Chain:
        """Return what an expression of a chain says, or of any one of its layers."""
        raise call.error("it is read by no framework")

    def write_step(self, step: Step, shape: tuple[int, ...], dtype: str) -> Written | Unsupported:  # noqa: ARG002
        """Return a layer without weights as its own, for an input of a shape (N, C, *spatial).

        Raises:
            StepError: an input that the step does not take.
        """
        return Unsupported(self.why_no_chains() or "it has no such layer")

    def why_no_chains(self) -> str | None:
        """Return why it has no layer that applies others in turn, in one sentence, or None."""
        return "no chain of layers is written for it"

    def sequence(self, layers: Sequence[Layer | Name]) -> Layer:
        """Return the layer that applies others in turn, where it has chains."""
        raise NotImplementedError(self.why_no_chains())

    def owns(self, thing: object) -> bool:  # noqa: ARG002 - part of the role
        """Return whether this is a layer of the framework, of any class; nothing is imported to find out."""
        return False

    def written(self, layer: Any) -> str:
        """Return a layer that its user has made, as code where its class is known."""
        return repr(layer)

    def live(self, layer: Any) -> Live:
        """Return the call that makes such a layer as its user has made, and its arrays.

        Raises:
            LiveError: it is no layer that can be read, or not as it is.
        """
        raise LiveError(f"{type(layer).__qualname__}: its framework's layers are read as texts alone")

    def sized_call(self, case: Case) -> str | None:  # noqa: ARG002 - part of the role
        """Return code that calls the layer whose padding the case has with its output's size instead.

        The code finds ``x``, and gives what the layer gives with the case's output padding. None where the
        framework's layers take no such argument, or the case has no output padding to replace.
        """
        return None

    def calling(self, dtype: str) -> Script:
        """Return what :meth:`Runs.call` does, for a reader who has the framework and NumPy only.

        They find ``layer``, its weights in the list ``converted`` and ``x``, (N, C, *spatial), in float64,
        with values that the dtype has, and leave ``y``, (N, O, *spatial), in float64.
        """
        return function_call(dtype)

    def differentiating(self, dtype: str) -> Script | None:  # noqa: ARG002 - part of the role
        """Return what :meth:`Runs.backward` does, as :meth:`calling`; None where no code is written for it.

        They also find ``dy``, (N, O, *spatial), in float64, and leave the list ``gradients`` in place of
        ``y``: by the input, (N, C, *spatial), and by each of the weights, in float64.
        """
        return None


class OpensModels:
    """The role of whole models: those in memory, and those in files."""

    __slots__ = ()

    @property
    def model_files(self) -> tuple[str, ...]:
        """How the names of files end that hold its models, such as ".keras"."""
        return ()

    def owns_model(self, thing: object) -> bool:  # noqa: ARG002 - part of the role
        """Return whether this is a model of the framework; nothing is imported to find out."""
        return False

    def open_model(self, thing: Any) -> Model:
        """Open a model: an object that it owns, or a file whose path ends as :attr:`model_files` do.

        Raises:
            ModelError: it cannot be opened.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Framework(Installed, Spells, Runs, WritesCode, OpensModels):
    """A framework, in all five roles: frozen, and equal to every other object of its class and fields."""


def _with_refusal(spelling: Spelling | Unsupported, refuses: Refuses) -> Spelling | Unsupported:
    if isinstance(spelling, Unsupported) or spelling.kind == "exact" or spelling.refusal is not None:
        return spelling
    refusal = refuses(spelling.meaning, spelling.kind)
    return spelling if refusal is None else replace(spelling, refusal=refusal)
