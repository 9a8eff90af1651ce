"""Arrays of a user's own, in the place of drawn ones: given as they are or as .npy files."""

from __future__ import annotations

import hashlib
import os
import shlex
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.lib.format import MAGIC_PREFIX
from numpy.typing import ArrayLike

from convmm.geometry import shown
from parity.cases.arrays import Array, Arrays, numpy_dtype, quiet
from parity.cases.case import Case
from parity.cases.errors import InputError
from parity.cases.files import read_regular
from parity.cases.memory import check_memory
from parity.cases.op import OPS
from parity.cases.values.drawing import draw_arrays

Source = ArrayLike | os.PathLike[str]
"""An array, or the path of a .npy file."""


class ArrayError(InputError):
    """An array that is not the case's: the message names it, what it has and what the case has."""


class Own(NamedTuple):
    """An array of a user's own: contiguous, of the case's dtype, and nobody else's to change.

    Attributes:
        array: its values.
        file: the file that a command reads it from.
    """

    array: Array
    file: str

    @property
    def digest(self) -> str:
        """The SHA-256 of the values' bytes, in C order and little endian."""
        array = self.array.byteswap() if sys.byteorder == "big" else self.array
        return f"sha256:{hashlib.sha256(array.view(np.uint8).data).hexdigest()}"


OwnArrays = Mapping[str, Own]
"""By the name that :class:`parity.cases.arrays.Arrays` has for each."""

NONE: OwnArrays = MappingProxyType({})
"""All arrays are drawn."""


def own_arrays(
    case: Case, *, x: Source | None = None, w: Source | None = None, bias: Source | None = None
) -> OwnArrays:
    """Read and copy a user's own arrays, in the layouts of convmm; None leaves one to be drawn.

    The values are read in any byte order and memory layout. NumPy saves bfloat16 as two bytes of no known
    meaning, "V2", which are taken for it where the case is of bfloat16. A signalling NaN is read as a quiet
    one.

    Raises:
        ArrayError: a file that cannot be read or is no whole .npy file of numbers, or an array that has
            not the case's shape and dtype.
        CaseError: the case does not fit in memory.
    """
    layouts = {
        "x": (x, case.input, "N,C,*spatial"),
        "w": (w, case.kernel_shape, "C,O/groups,*kernel" if case.transposed else "O,C/groups,*kernel"),
        "bias": (bias, (case.filters,) if case.bias else None, "O"),
    }
    found = {}
    for name, (source, shape, layout) in layouts.items():
        if source is not None:
            check_memory(case)
            found[name] = _own(name, source, shape, f"({layout})", case.dtype)
    return found


def arrays_of(case: Case, own: OwnArrays) -> Arrays:
    """Return a case's arrays, and draw what is not there.

    Raises:
        CaseError: as :func:`parity.cases.values.drawing.draw_arrays`, where any is drawn.
    """
    given = {name: each.array for name, each in own.items()}
    if {"x", "w"} <= given.keys() and ("bias" in given or not case.bias):
        return Arrays(given["x"], given["w"], given.get("bias"))
    return draw_arrays(case)._replace(**given)


def command_of(case: Case, own: OwnArrays) -> str:
    """Write the command line that runs a case on these arrays, each from its file.

    An array that was read from no file is given the file NAME.npy.
    """
    plain = replace(case, bias=False) if "bias" in own else case  # which the file implies
    files = (word for name, each in own.items() for word in (f"--{name}", _unmistakable(each.file)))
    return " ".join([plain.command, *map(shlex.quote, files)])


def _own(name: str, source: Source, shape: tuple[int, ...] | None, layout: str, dtype: str) -> Own:
    path = Path(source) if isinstance(source, str | os.PathLike) else None
    file = os.fspath(source) if isinstance(source, str | os.PathLike) else f"{name}.npy"
    what = name if path is None else f"{name}={shown(file)}"
    if shape is None:
        raise ArrayError(f"{what}: allowed beside a case that has a {name}")
    array = np.asarray(source) if path is None else _read(what, path)
    if dtype == "bfloat16" and array.dtype == np.dtype("V2"):
        array = array.view(numpy_dtype(dtype))
    if array.shape != shape or array.dtype.newbyteorder("=") != numpy_dtype(dtype):
        raise ArrayError(
            f"{what} has shape {array.shape} and dtype {array.dtype.name}: allowed are the case's own, "
            f"{shape}, {layout}, and {dtype}"
        )
    return Own(quiet(np.array(array, numpy_dtype(dtype), order="C")), file)


def _read(what: str, path: Path) -> Array:
    """Map a file's array into memory, so that its shape is known before any of it is read."""
    try:
        with read_regular(path) as file:
            wrong = None if file.read(len(MAGIC_PREFIX)) == MAGIC_PREFIX else "this is none"
        if wrong is None:
            mapped: Array = np.load(path, mmap_mode="r", allow_pickle=False)
            return mapped
    except OSError as error:
        raise ArrayError(f"{what} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # noqa: BLE001 - NumPy's own, of bytes that are no array's, are of many classes
        wrong = f"this is no whole one: {textwrap.shorten(str(error), 200) or type(error).__name__}"
    raise ArrayError(f"{what}: allowed is a .npy file of numbers, as numpy.save writes it, and {wrong}")


def _unmistakable(file: str) -> str:
    """Write a file's name so that no command takes it for an option or an operation."""
    return f"./{file}" if file.startswith("-") or file in OPS else file
