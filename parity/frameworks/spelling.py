"""How one framework writes a case, and what its knowledge says will come of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from parity.cases.case import Case
from parity.cases.notation import by_axes
from parity.frameworks.code.layer import Layer
from parity.frameworks.code.script import AS_THEY_ARE, Conversion, Script
from parity.frameworks.precision import Mode

Kind = Literal["native", "lookalike", "exact"]


@dataclass(frozen=True)
class Refusal:
    """What a framework raises, and why.

    Attributes:
        reason: one sentence.
        errors: names of the exception classes, any of which it may be.
        certain: False where the framework may compute all the same, on some of its code paths.
    """

    reason: str
    errors: tuple[str, ...]
    certain: bool = True


@dataclass(frozen=True)
class Spelling:
    """A layer of a framework, beside a case.

    Attributes:
        kind: "native", the framework's own arguments mean the case; "lookalike", another layer, which
            people take for it; "exact", native layers put together so that they compute the case.
        layer: what makes the layer.
        meaning: the case that this layer computes, by the framework's rules. For a native spelling its
            geometry is that of the case itself.
        refusal: what the framework raises instead of computing, if it does.
        convert: from convmm's kernel and bias to the arrays that the layer takes.
        convert_back: from the gradients by the layer's arrays to those by convmm's kernel and bias; of no
            lookalike, whose gradients are none of the case's.
        no_backward: why its backward pass is not to be run, in one sentence, if it is not.
        own_backward: what makes the function of its gradients, where that is another one than the layer.
        gives_output: False where it has gradients alone.
        inside: the case of the layer that computes, where that is another than what all of it means: on a
            longer input, with a larger output, or a kernel with zeros between its taps.
        variant: what tells it from the framework's other layers of its kind for the case, in a word or two,
            such as "auto_pad"; empty for the first of a kind.
        flips: the layer computes ``meaning`` with its kernel flipped on every axis, as JAX's transposed
            convolution does by default.
        mode: the precision that it computes in, where that is not the framework's for the case.
        is_idiom: it is what people write for the case, though another layer of its kind goes before it.
        remarks: what whoever writes it, or converts its weights, has to know, in sentences.
    """

    kind: Kind
    layer: Layer | Script
    meaning: Case
    refusal: Refusal | None = None
    convert: Conversion = AS_THEY_ARE
    convert_back: Conversion = AS_THEY_ARE
    no_backward: str | None = None
    own_backward: Layer | None = None
    gives_output: bool = True
    inside: Case | None = None
    variant: str = ""
    flips: bool = False
    mode: Mode | None = None
    is_idiom: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Its kind, and in brackets what tells it from others of the kind."""
        return f"{self.kind} ({self.variant})" if self.variant else self.kind

    @property
    def computes(self) -> Case:
        """The case of the layer that computes, without what is put around it."""
        return self.inside or self.meaning

    @property
    def backward(self) -> Layer | Script:
        """What makes the layer or function whose gradients these are."""
        return self.own_backward or self.layer


@dataclass(frozen=True)
class Unsupported:
    """No arguments of the framework mean the case; ``reason`` says why, in one sentence."""

    reason: str


@dataclass(frozen=True)
class Mistaken(Unsupported):
    """The framework's own code went wrong when it was asked; ``reason`` says how."""


def why_not_in_numbers(case: Case) -> Unsupported | None:
    """Return that no padding in numbers means the case, or None."""
    if case.transposed or case.padding != "same" or 0 not in case.input[2:]:
        return None
    return Unsupported("no explicit padding is that of 'same' on an axis without elements")


def windows_agree(case: Case, other: Case) -> bool:
    """Return whether two cases read the same: equal sizes and positions on every axis, and equal padding."""
    return case.geometry == other.geometry


def wanted_windows(case: Case) -> str:
    """Return what a layer that meant the case would read, or give, on its axes."""
    axes = case.geometry.axes
    if not case.transposed:
        return by_axes([f"{axis.before} before and {max(axis.after, 0)} after" for axis in axes])
    return by_axes(
        [
            f"begins at {axis.before} of a full response of {axis.full} and has {axis.fine} elements"
            for axis in axes
        ]
    )


def first_native(case: Case, meanings: Iterable[Case]) -> Case | None:
    """Return the first of these cases that means the given one, or None."""
    return next((meaning for meaning in meanings if windows_agree(case, meaning)), None)


def first_lookalike(case: Case, meanings: Iterable[Case]) -> Case | None:
    """Return the first of these cases with the given one's shape and other values, or None."""
    return next(
        (m for m in meanings if m.output_shape == case.output_shape and not windows_agree(case, m)), None
    )
