"""One question: a layer's operation, sizes and arguments, and the values to try it on."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, cast

from convmm.geometry import (
    BORDER_MODES,
    BorderMode,
    Geometry,
    GeometryError,
    Ints,
    Padding,
    PaddingMode,
    check_int,
    check_ints,
    check_padding,
    conv_geometry,
    conv_transpose_geometry,
    shown,
)
from parity.cases.errors import InputError
from parity.cases.notation import (
    NotationError,
    Pads,
    format_ints,
    format_padding,
    parse_int,
    parse_ints,
    parse_padding,
    parse_shape,
)
from parity.cases.op import OPS, Op

DTYPES = ("float16", "bfloat16", "float32", "float64")
VALUES = ("integers", "normal", "wide", "special", "digits", "arange")
ZEROS: BorderMode = "zeros"
PADDING_MODES = BORDER_MODES


class CaseError(InputError):
    """A case that cannot be: the message names the field, its value and what is allowed."""


@dataclass(frozen=True, init=False)
class Case:
    """One layer and the seed of its arrays, validated; equal cases have equal canonical text.

    Every field is normalised: numbers to one int per axis, explicit padding to one (before, after) pair an
    axis.

    Attributes:
        op: one of :data:`OPS`.
        input: shape of the input, (N, C, *spatial); any size may be 0.
        filters: output channels; 0 for none.
        kernel: taps on each axis.
        stride: on each axis.
        padding: as in convmm: pairs, "valid" or "same" (which mean what Keras means by them).
        output_padding: on each axis, for the transposed ops; None for the default.
        dilation: on each axis.
        groups: divides the input channels and the filters.
        bias: whether the layer has one.
        dtype: of all arrays, one of :data:`DTYPES`.
        values: one of :data:`VALUES`: "integers" are small and make every sum exact, "normal" are drawn
            from the normal distribution, "wide" spread over eight decades in both signs, "special" are
            normal ones with signed zeros, subnormals, infinities and NaN among them, "digits" have all
            digits of the dtype and are mostly zero in the input, so that no output adds up more than eight
            products, "arange" are 0, 1, 2, … in each array.
        seed: of the drawn values.
        padding_mode: what a convolution's padding holds, one of :data:`PADDING_MODES`: zeros, or elements of
            the input: "reflect" those that lie as far inside, the edge not repeated, there and back as often
            as it takes, "replicate" the edge, "circular" the input over again (``np.pad``'s "reflect", "edge"
            and "wrap"). The transposed ops have zeros.

    Raises:
        CaseError: an unknown name, or a shape that is none.
        GeometryError: numbers that describe no convolution.
    """

    op: str
    input: tuple[int, ...]
    filters: int
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Pads | PaddingMode
    output_padding: tuple[int, ...] | None
    dilation: tuple[int, ...]
    groups: int
    bias: bool
    dtype: str
    values: str
    seed: int
    padding_mode: BorderMode

    def __init__(
        self,
        op: str,
        input: Sequence[int],
        filters: int,
        kernel: Ints,
        stride: Ints = 1,
        padding: Padding = 0,
        output_padding: Ints | None = None,
        dilation: Ints = 1,
        groups: int = 1,
        bias: bool = False,  # noqa: FBT001, FBT002 - a field like the others
        dtype: str = "float32",
        values: str = "integers",
        seed: int = 0,
        padding_mode: str = ZEROS,
    ) -> None:
        """Validate and normalise every field."""
        _check_choice("op", op, OPS)
        _check_choice("dtype", dtype, DTYPES)
        _check_choice("values", values, VALUES)
        _check_padding_mode(op, padding_mode)
        if not isinstance(bias, bool):
            raise CaseError(f"bias={shown(bias)}: allowed are True and False")
        _check_output_padding(op, output_padding)
        rank = Op.of(op).rank
        normalised = {
            "op": op,
            "input": _check_input(op, input, rank),
            "filters": check_int("filters", filters, minimum=0),
            "kernel": check_ints("kernel", kernel, rank, minimum=1),
            "stride": check_ints("stride", stride, rank, minimum=1),
            "padding": check_padding(padding, rank),
            "output_padding": _each_or_none(output_padding, rank),
            "dilation": check_ints("dilation", dilation, rank, minimum=1),
            "groups": check_int("groups", groups, minimum=1),
            "bias": bias,
            "dtype": dtype,
            "values": values,
            "seed": check_int("seed", seed, minimum=0),
            "padding_mode": padding_mode,
        }
        for name, value in normalised.items():
            object.__setattr__(self, name, value)
        _check_groups(self.groups, self.input[1], self.filters)
        _ = self.geometry  # raises where the numbers do not fit each other

    def padded(self, padding: Padding, output_padding: Ints | None) -> Case:
        """Return the case with another padding, where all else is known to be right.

        Raises:
            CaseError: an output padding of no transposed op.
            GeometryError: numbers that describe no convolution.
        """
        _check_output_padding(self.op, output_padding)
        pads, added = check_padding(padding, self.rank), _each_or_none(output_padding, self.rank)
        other = object.__new__(Case)
        other.__dict__.update(self.__dict__, padding=pads, output_padding=added)
        for name in _OF_PADDING:
            other.__dict__.pop(name, None)
        _ = other.geometry  # raises where the numbers do not fit each other
        return other

    @property
    def filled_with(self) -> BorderMode:
        """The padding mode, or "zeros" where no padding is read, of which all modes mean the same."""
        return self.geometry.padding_mode

    @cached_property
    def rank(self) -> int:
        """Number of spatial axes."""
        return Op.of(self.op).rank

    @cached_property
    def transposed(self) -> bool:
        """Whether this is a transposed convolution."""
        return Op.of(self.op).transposed

    @cached_property
    def geometry(self) -> Geometry:
        """Sizes and positions, worked out by convmm."""
        own: dict[str, Any] = {"padding_mode": self.padding_mode}
        if self.transposed:
            own = {"output_padding": self.output_padding}
        return _geometry(
            self.input,
            self.kernel_shape,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
            **own,
        )

    @cached_property
    def kernel_shape(self) -> tuple[int, ...]:
        """Shape of the kernel array as convmm takes it."""
        channels = self.input[1]
        if self.transposed:
            return (channels, self.filters // self.groups, *self.kernel)
        return (self.filters, channels // self.groups, *self.kernel)

    @cached_property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of the output, (N, O, *spatial)."""
        sizes = self.geometry.fine if self.transposed else self.geometry.coarse
        return (self.input[0], self.filters, *sizes)

    @property
    def explicit(self) -> dict[str, Any]:
        """The arguments with nothing left to default: ints per axis, padding as (before, after) pairs.

        The padding mode is among them where padding is filled with anything but zeros.
        """
        if isinstance(self.padding, str):
            padding = tuple((axis.before, max(axis.after, 0)) for axis in self.geometry.axes)
            output_padding = tuple(max(-axis.after, 0) for axis in self.geometry.axes)
        else:
            padding = self.padding
            output_padding = self.output_padding or (0,) * self.rank
        arguments = {
            "stride": self.stride,
            "padding": padding,
            "output_padding": output_padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }
        if not self.transposed:
            del arguments["output_padding"]
        if self.filled_with != ZEROS:
            arguments["padding_mode"] = self.padding_mode
        return arguments

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON has them; :meth:`from_dict` gives an equal case.

        A padding mode of zeros is left out: it is what cases had before there were others.
        """
        data = {field.name: _as_json(getattr(self, field.name)) for field in fields(self)}
        if self.padding_mode == ZEROS:
            del data["padding_mode"]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Case:
        """Make the case of these fields, those with a default optional.

        Raises:
            CaseError: an unknown or missing field, or any of the class's own reasons.
            GeometryError: numbers that describe no convolution.
        """
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(data) - set(known))
        if unknown:
            raise CaseError(
                f"{unknown[0]}={shown(data[unknown[0]])}: no such field; allowed are {', '.join(known)}"
            )
        missing = [name for name in ("op", "input", "filters", "kernel") if name not in data]
        if missing:
            raise CaseError(f"{missing[0]} is missing; a case has at least op, input, filters and kernel")
        return cls(**data)

    @property
    def command(self) -> str:
        """The one canonical command line that runs this case; fields at their default are left out."""
        words = ["parity", "run", self.op]
        defaults = self._defaults()
        for name in _PARSERS:
            value = getattr(self, name)
            if name not in defaults or value != defaults[name]:
                words += [_flag(name)] if name == "bias" else [_flag(name), _as_text(name, value)]
        return shlex.join(words)

    @classmethod
    def from_command(cls, command: str) -> Case:
        """Read the case that a canonical command line runs.

        Raises:
            CaseError: not such a command line, or any of the class's own reasons.
            GeometryError: numbers that describe no convolution.
        """
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise CaseError(f"{shown(command)}: {error}") from None
        if words[:2] != ["parity", "run"] or len(words) < 3:  # noqa: PLR2004 - the op is the third word
            raise CaseError(f"{shown(command)}: a case's command begins with 'parity run OP'")
        data: dict[str, Any] = {"op": words[2]}
        rest = iter(words[3:])
        for word in rest:
            name = word.removeprefix("--").replace("-", "_")
            if _flag(name) != word or name not in _PARSERS:
                raise CaseError(
                    f"{shown(word)} in {shown(command)}: allowed are {', '.join(map(_flag, _PARSERS))}"
                )
            data[name] = True if name == "bias" else _parse(name, next(rest, ""))
        return cls.from_dict(data)

    def _defaults(self) -> dict[str, object]:
        ones, zeros = (1,) * self.rank, ((0, 0),) * self.rank
        return {
            "stride": ones,
            "padding": zeros,
            "output_padding": None,
            "dilation": ones,
            "groups": 1,
            "bias": False,
            "dtype": "float32",
            "values": "integers",
            "seed": 0,
            "padding_mode": ZEROS,
        }


@functools.lru_cache(maxsize=4096)
def _geometry(*shapes: tuple[int, ...], **arguments: Any) -> Geometry:  # noqa: ANN401 - as of convmm's
    """Work out the geometry of a transposed convolution, which has an output padding, or of another one.

    Frameworks have several layers that mean a case, and many cases have the same geometry.
    """
    return (conv_transpose_geometry if "output_padding" in arguments else conv_geometry)(*shapes, **arguments)


_OF_PADDING = ("geometry", "output_shape")
"""What is worked out once, and from the padding too."""

_PARSERS: dict[str, Callable[[str], object]] = {
    "input": parse_shape,
    "filters": parse_int,
    "kernel": parse_ints,
    "stride": parse_ints,
    "padding": parse_padding,
    "output_padding": parse_ints,
    "dilation": parse_ints,
    "groups": parse_int,
    "bias": bool,
    "dtype": str,
    "values": str,
    "seed": parse_int,
    "padding_mode": str,
}


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _parse(name: str, text: str) -> object:
    try:
        return _PARSERS[name](text)
    except NotationError as error:
        raise CaseError(f"{_flag(name)}: {error}") from None


def _as_text(name: str, value: object) -> str:
    if name == "input":  # whose sizes are no axes: one number would not stand for all of them
        return ",".join(map(str, cast("tuple[int, ...]", value)))
    if isinstance(value, tuple):
        return format_padding(value) if isinstance(value[0], tuple) else format_ints(value)
    return str(value)


def _as_json(value: object) -> object:
    if not isinstance(value, tuple):
        return value
    if not isinstance(value[0], tuple):
        return list(value)
    symmetric = all(before == after for before, after in value)
    return [before for before, _ in value] if symmetric else [list(pair) for pair in value]


def _check_choice(name: str, value: object, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise CaseError(f"{name}={shown(value)}: allowed are {', '.join(allowed)}")


def _check_padding_mode(op: str, value: object) -> None:
    _check_choice("padding_mode", value, PADDING_MODES)
    if value != ZEROS and Op.of(op).transposed:
        raise CaseError(f"padding_mode={shown(value)}: allowed is {ZEROS} with {op}, all with convolutions")


def _check_output_padding(op: str, value: object) -> None:
    if value is not None and not Op.of(op).transposed:
        raise CaseError(f"output_padding={shown(value)}: allowed with the transposed ops, not with {op}")


def _each_or_none(output_padding: Ints | None, rank: int) -> tuple[int, ...] | None:
    return None if output_padding is None else check_ints("output_padding", output_padding, rank, minimum=0)


def _check_groups(groups: int, channels: int, filters: int) -> None:
    for what, count in (("input channels", channels), ("filters", filters)):
        if count % groups:
            raise GeometryError(f"groups={groups}: allowed is a divisor of the {count} {what}")


def _check_input(op: str, shape: object, rank: int) -> tuple[int, ...]:
    sizes = tuple(shape) if isinstance(shape, Iterable) and not isinstance(shape, str) else (shape,)
    if len(sizes) != rank + 2:
        raise CaseError(
            f"input={shown(sizes)}: allowed for {op} are {rank + 2} sizes, N,C and {rank} spatial ones"
        )
    return check_ints("input", cast("Sequence[int]", sizes), rank + 2, minimum=0)
