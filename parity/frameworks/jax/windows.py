"""Which windows JAX's paddings mean, of its functions and of Flax's layers alike.

A transposed convolution is a convolution of the input with zeros between its elements: padding of numbers is
put around that, so that (lo, hi) begins ``extent - 1 - lo`` elements into the full response. "SAME" and
"VALID" mean what Keras means by them. Sources: ``_conv_transpose_padding`` and ``conv_transpose`` in
jax/_src/lax/convolution.py and ``padtype_to_pads`` in jax/_src/lax/lax.py (jax 0.10), and runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convmm.geometry import GeometryError, Ints, Padding
from parity.cases.case import Case
from parity.frameworks.code.script import Conversion

Pads = tuple[tuple[int, int], ...]

FLIP = "kernel = np.flip(kernel, tuple(range(2, kernel.ndim))).copy()"
"""Of convmm's kernel, on every spatial axis; a copy, for what takes no array that is read backwards."""


def explicit_padding(case: Case) -> Pads | None:
    """Return the padding in numbers that means the case, if there is one."""
    if case.transposed:
        return tuple(_around_stretched(case))
    if case.padding == "same" and 0 in case.input[2:]:
        return None
    pads: Pads = case.explicit["padding"]
    return pads


def _around_stretched(case: Case) -> Iterator[tuple[int, int]]:
    """Yield what is put around the input with zeros between: less than nothing where it is cropped."""
    for size, axis in zip(case.input[2:], case.geometry.axes, strict=True):
        before = axis.extent - 1 - axis.before
        stretched = (size - 1) * axis.stride + 1 if size else 0
        yield before, axis.fine + axis.extent - 1 - before - stretched


def consistent_padding(case: Case) -> Pads:
    """Return the case's padding as what a convolution the other way reads: negative where output is added."""
    axes = case.geometry.axes
    return tuple((axis.before, axis.full - axis.before - axis.fine) for axis in axes)


def by_name(case: Case) -> Iterator[tuple[str, Case]]:
    """Yield the paddings that are given by a name, each with its meaning."""
    if case.transposed and 0 in case.input[2:]:
        return  # JAX's outputs of these have another size
    for name in ("SAME", "VALID"):
        for meaning in padded(case, "same" if name == "SAME" else "valid"):
            yield name, meaning
            if name == "SAME" and not case.transposed and 0 not in case.input[2:]:
                pads = [(after, before) for before, after in meaning.explicit["padding"]]
                yield from (("SAME_LOWER", lower) for lower in padded(case, pads))


def named_as(case: Case) -> str | None:
    """Return the name that JAX has for the padding by which the case itself is named, or None."""
    return case.padding.upper() if isinstance(case.padding, str) and not case.output_padding else None


def of_torchs_numbers(case: Case) -> Case | None:
    """Return what a transposed layer means whose padding is given the numbers that torch has; or None."""
    if isinstance(case.padding, str) or 0 in case.input[2:]:
        return None
    return next(iter(around_stretched(case, case.padding)), None)


def around_stretched(case: Case, pads: Pads) -> Iterator[Case]:
    """Yield the case with this padding around its stretched input, if that is a case."""
    extents = [axis.extent for axis in case.geometry.axes]
    crops = [(extent - 1 - lo, extent - 1 - hi) for extent, (lo, hi) in zip(extents, pads, strict=True)]
    yield from padded(case, *cropped(crops))


def cropped(crops: Sequence[tuple[int, int]]) -> tuple[Pads, tuple[int, ...]]:
    """Return what drops these elements of a full response, as a case says it; less than none are added."""
    pads = tuple((before, max(after, 0)) for before, after in crops)
    return pads, tuple(max(-after, 0) for _, after in crops)


def padded(case: Case, padding: Padding, output_padding: Ints | None = None) -> Iterator[Case]:
    """Yield the case with this padding, if it is one."""
    try:
        yield case.padded(padding, output_padding)
    except GeometryError:
        return


def rearranged(groups: int) -> str:
    """Write the statement that makes a grouped convolution's kernel of a transposed one's, and back."""
    parts = f"[part.swapaxes(0, 1) for part in np.split(kernel, {groups})]"
    return f"kernel = np.concatenate({parts})"


def converting(*statements: str) -> Conversion:
    """Return the conversion of a kernel by these statements, with the bias as it is."""
    return Conversion((*statements, "converted = [kernel, *bias]"))


def variants(case: Case, names: Sequence[str]) -> Sequence[str]:
    """Order the names of a case's native paddings: its own name first, else the numbers, ""."""
    own = named_as(case)
    first = own if own is not None and own in names else ""
    return [first, *(name for name in ("", *names) if name != first)]
