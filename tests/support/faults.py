"""Ways to be wrong: each takes a right implementation and gives one with a mistake.

An implementation is a function with convmm's signature, everything explicit. The mistakes are made around it,
in its operands, its arguments or its result, so that they are the same whoever computes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from parity.cases.arrays import Array

Function = Callable[..., Any]
Wrong = Callable[[Function], Function]
Change = Callable[[Array], Any]
Arguments = dict[str, Any]


# Where a mistake is made


def in_arguments(change: Callable[[Arguments], Arguments]) -> Wrong:
    """Computed by other arguments."""
    return lambda right: lambda *arrays, **arguments: right(*arrays, **{**arguments, **change(arguments)})


def in_input(change: Change) -> Wrong:
    """Computed from another input."""
    return lambda right: lambda x, *weights, **arguments: right(change(x), *weights, **arguments)


def in_kernel(change: Change) -> Wrong:
    """Computed from another kernel."""
    return lambda right: lambda x, w, *bias, **arguments: right(x, change(w), *bias, **arguments)


def in_bias(change: Change) -> Wrong:
    """Computed with another bias, or with none where the change gives None."""

    def wrong(right: Function) -> Function:
        def called(x: Array, w: Array, bias: Array, **arguments: Any) -> Any:  # noqa: ANN401 - what is returned
            other = change(bias)
            return right(x, w, *([] if other is None else [other]), **arguments)

        return called

    return wrong


def in_operands(change: Change) -> Wrong:
    """Computed from another input, kernel and bias."""
    return lambda right: lambda *arrays, **arguments: right(*map(change, arrays), **arguments)


def in_result(change: Change) -> Wrong:
    """Computed, and then spoilt."""
    return lambda right: lambda *arrays, **arguments: change(np.array(right(*arrays, **arguments)))


def only_if(condition: Callable[..., bool], wrong: Wrong) -> Wrong:
    """A mistake that is made under a condition on the input, the kernel and the arguments."""

    def sometimes(right: Function) -> Function:
        def called(x: Array, w: Array, *bias: Array, **arguments: Any) -> Any:  # noqa: ANN401 - what is returned
            function = wrong(right) if condition(x, w, **arguments) else right
            return function(x, w, *bias, **arguments)

        return called

    return sometimes


# Windows


def moved(by: int, axes: slice = slice(None)) -> Wrong:
    """Padding that begins so many elements later on these axes, and ends as many sooner."""

    def change(arguments: Arguments) -> Arguments:
        pads = list(arguments["padding"])
        pads[axes] = [(before + by, after - by) for before, after in pads[axes]]
        return {"padding": tuple(pads)}

    return in_arguments(change)


def padded(mode: Any, axes: slice = slice(None), *, exchanged: bool = False) -> Wrong:  # noqa: ANN401 - NumPy names its modes by literals
    """Padding of other values on these axes, zeros on the others, as they are or in reverse order."""

    def wrong(right: Function) -> Function:
        def called(x: Array, *weights: Array, padding: Any, **arguments: Any) -> Any:  # noqa: ANN401 - pairs, an output
            nothing = [(0, 0)] * len(padding)
            filled, zeros = list(nothing), list(padding)
            filled[axes], zeros[axes] = padding[:: -1 if exchanged else 1][axes], nothing[axes]
            full = np.pad(x, [(0, 0), (0, 0), *filled], mode=mode)
            return right(full, *weights, **{**arguments, "padding": tuple(zeros), "padding_mode": "zeros"})

        return called

    return wrong


def output_padding_first(*, of_zeros: bool) -> Wrong:
    """Output padding before the output: of the response's elements, or of zeros."""

    def wrong(right: Function) -> Function:
        def called(*arrays: Array, padding: Any, output_padding: Any, **arguments: Any) -> Any:  # noqa: ANN401 - as above
            pairs = list(zip(padding, output_padding, strict=True))
            if of_zeros:
                y = right(*arrays, padding=padding, output_padding=(0,) * len(pairs), **arguments)
                return np.pad(y, [(0, 0), (0, 0), *((q, 0) for q in output_padding)])
            earlier = tuple((before - q, after + q) for (before, after), q in pairs)
            return right(*arrays, padding=earlier, output_padding=output_padding, **arguments)

        return called

    return wrong


def ends_exchanged(arguments: Arguments) -> Arguments:
    """The padding before an axis for that after it."""
    return {"padding": tuple((after, before) for before, after in arguments["padding"])}


# Order


def flipped(*axes: int) -> Wrong:
    """A kernel that is flipped on these spatial axes, on all where none is named."""
    return in_kernel(lambda w: np.flip(w, tuple(axes) or tuple(range(2, w.ndim))))


def interleaved(count: int) -> Change:
    """Channel c belongs to group c % count, not to group c // count."""
    return lambda x: x[:, np.arange(x.shape[1]).reshape(-1, count).T.ravel()]


def rolled(count: int) -> Change:
    """The channels of the first of so many groups come last."""
    return lambda x: np.roll(x, -(x.shape[1] // count), axis=1)


def read_channels_last(array: Array) -> Array:
    """Channels last in memory, and the shape says channels first."""
    return np.moveaxis(array, 1, -1).ravel().reshape(array.shape)


# Precision


def through(dtype: Any) -> Change:  # noqa: ANN401 - all that NumPy takes for one
    """Rounded to another dtype, and back."""
    return lambda array: array.astype(dtype).astype(array.dtype)


def truncated(bits: int) -> Change:
    """So many significant bits, the rest cut off, towards zero."""

    def cut(array: Array) -> Array:
        fraction, exponent = np.frexp(array.astype(np.float64))
        cut_off: Array = np.ldexp(np.trunc(np.ldexp(fraction, bits)), exponent - bits)
        return cut_off.astype(array.dtype)

    return cut


def summed(partial: Change) -> Wrong:
    """Sums tap by tap, each partial sum put through a change."""

    def wrong(right: Function) -> Function:
        def called(x: Array, w: Array, bias: Array, **arguments: Any) -> Array:  # noqa: ANN401 - as above
            total: Any = 0
            for tap in np.ndindex(w.shape[2:]):
                alone = np.zeros_like(w)
                alone[..., *tap] = w[..., *tap]
                total = partial(total + partial(right(x, alone, **arguments)))
            return np.asarray(partial(total + bias.reshape(-1, *[1] * (x.ndim - 2))))

        return called

    return wrong


def in_wider(dtype: Any, change: Change) -> Wrong:  # noqa: ANN401 - all that NumPy takes for one
    """Computed in a wider dtype, and brought back by a change."""

    def wrong(right: Function) -> Function:
        def called(*arrays: Array, **arguments: Any) -> Array:  # noqa: ANN401 - as above
            y = np.asarray(right(*(array.astype(dtype) for array in arrays), **arguments))
            cut: Array = change(y).astype(arrays[0].dtype)
            return cut

        return called

    return wrong


def one_ulp(y: Array) -> Array:
    """The largest element is the next number towards zero."""
    place = np.unravel_index(np.abs(y).argmax(), y.shape)
    y[place] = np.nextafter(y[place], np.zeros((), y.dtype))
    return y


# Single elements


def spoilt(*index: Any, by: Change) -> Change:  # noqa: ANN401 - an index
    """Some elements of the result changed."""

    def change(y: Array) -> Array:
        y[index] = by(y[index])
        return y

    return change


def spoilt_one_in(count: int) -> Change:
    """Every element with this number is one more."""

    def change(y: Array) -> Array:
        y.flat[count - 1 :: count] += 1
        return y

    return change


def junk_at_the_border(y: Array) -> Array:
    """What was in memory before stands in the outermost elements."""
    inner: Any = (..., *[slice(1, -1)] * (y.ndim - 2))
    junk = np.full_like(y, 6.0e-39)
    junk[inner] = y[inner]
    return junk


# Memory


def overwriting(number: int, *, first: bool) -> Wrong:
    """One of the arrays is overwritten: first, so that the result is wrong, or after it was read."""

    def wrong(right: Function) -> Function:
        def called(*arrays: Array, **arguments: Any) -> Any:  # noqa: ANN401 - what is returned
            y = None if first else right(*arrays, **arguments)
            np.maximum(arrays[number], 0, out=arrays[number])
            return right(*arrays, **arguments) if first else y

        return called

    return wrong


def accumulating(right: Function) -> Function:
    """The output buffer is not cleared between calls of one shape."""
    buffers: dict[tuple[int, ...], Array] = {}

    def called(*arrays: Array, **arguments: Any) -> Array:  # noqa: ANN401 - as above
        y = np.asarray(right(*arrays, **arguments))
        buffers[y.shape] = y + buffers.get(y.shape, np.zeros_like(y))
        return buffers[y.shape]

    return called


def remembering(right: Function) -> Function:
    """The output of the first call is given for every later one of the same shapes."""
    known: dict[tuple[Any, ...], Any] = {}

    def called(*arrays: Array, **arguments: Any) -> Any:  # noqa: ANN401 - what is returned
        key = tuple(array.shape for array in arrays)
        if key not in known:
            known[key] = right(*arrays, **arguments)
        return known[key]

    return called


# Operations


def without(*names: str) -> Wrong:
    """Some arguments are ignored."""
    neutral = {"stride": 1, "dilation": 1, "padding": (0, 0), "output_padding": 0}
    return in_arguments(lambda given: {name: (neutral[name],) * len(given[name]) for name in names})


def without_on(axis: int, name: str) -> Wrong:
    """An argument is ignored on one axis."""

    def change(arguments: Arguments) -> Arguments:
        numbers = list(arguments[name])
        numbers[axis] = 1
        return {name: tuple(numbers)}

    return in_arguments(change)


def reversed_axes(*names: str) -> Wrong:
    """Some arguments have their axes in reverse order."""
    return in_arguments(lambda given: {name: given[name][::-1] for name in names})


def without_groups(right: Function) -> Function:
    """One group, and a kernel that is repeated for it."""

    def called(x: Array, w: Array, *bias: Array, groups: int, **arguments: Any) -> Any:  # noqa: ANN401 - what is returned
        return right(x, np.concatenate([w] * groups, axis=1), *bias, groups=1, **arguments)

    return called


def groups_for_dilation(right: Function) -> Function:
    """The groups for the dilation, and as many channels as there are then."""

    def called(
        x: Array,
        w: Array,
        *bias: Array,
        groups: int,
        dilation: tuple[int, ...],
        **arguments: Any,  # noqa: ANN401 - as above
    ) -> Any:  # noqa: ANN401 - as above
        read = x[:, : w.shape[1] * dilation[0]]
        return right(read, w, *bias, groups=dilation[0], dilation=(groups,) * len(dilation), **arguments)

    return called


def bias_along_last_axis(right: Function) -> Function:
    """The bias is broadcast as NumPy does."""
    return lambda x, w, bias, **arguments: right(x, w, **arguments) + bias


def exchanged(one: str, other: str) -> Wrong:
    """Two arguments in each other's place."""
    return in_arguments(lambda given: {one: given[other], other: given[one]})


def stride_for_padding(arguments: Arguments) -> Arguments:
    """The stride for the padding, which is equal at both ends."""
    pads = tuple(before for before, _ in arguments["padding"])
    return {"stride": pads, "padding": tuple((s, s) for s in arguments["stride"])}


def without_last_tap(w: Array) -> Array:
    """A loop over taps that ends one too soon."""
    shorter = w.copy()
    shorter[..., -1] = 0
    return shorter


def first_sample_always(y: Array) -> Array:
    """Every sample is the first."""
    return np.repeat(y[:1], len(y), axis=0)


def wrapped_to_16_bits(y: Array) -> Array:
    """Sums in int16 that overflow."""
    return y.astype(np.int64).astype(np.int16).astype(y.dtype)


def view_of_input(_right: Function) -> Function:
    """The input itself, its values untouched."""

    def called(x: Array, *_: Array, **__: object) -> Array:
        return x[...]

    return called


def product(axes: dict[str, tuple[Any, ...]]) -> list[Arguments]:
    """Every combination of alternatives."""
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
