"""The readers of a user's text, in one table: for Hypothesis by day, for a guided fuzzer at night."""

from __future__ import annotations

import atexit
import functools
import io
import tempfile
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import click

from convmm import GeometryError
from parity.cases.case import Case
from parity.cases.errors import InputError
from parity.cases.notation import NotationError, parse_ints, parse_padding, parse_shape
from parity.cases.suites import load_suite
from parity.cli.arrays import case_and_arrays
from parity.cli.main import parity
from parity.frameworks.known.registry import load_registry
from parity.translation.translator import draft

EXPECTED = (InputError, GeometryError, NotationError, click.ClickException, click.exceptions.Exit)
"""What a reader may raise: a command says it in one sentence, or it is the end of its help."""

_ANSWERED = ("explain", "sizes")
"""The commands that compute what they print by themselves: of others the arguments are read."""


def read_suite(data: bytes) -> None:
    """Load a suite that is so in its file."""
    load_suite(str(_file_of(data)))


def read_registry(data: bytes) -> None:
    """Load a file of known differences that is so."""
    load_registry(_file_of(data))


def read_expression(data: bytes) -> None:
    """Write the layer that a text is in each framework, as functions too, up to where they are run."""
    text = _text_of(data)
    for framework in ("torch", "keras", "torch.nn.functional", "keras.ops"):
        try:
            draft(text, framework)
        except InputError as error:
            if "--channels" in str(error):
                draft(text, framework, channels=3)
            elif "--kernel-shape" in str(error):
                draft(text, framework, kernel_shape=(3, 3, 2, 2))
            else:
                raise


def read_command(data: bytes) -> None:
    """Read the case that a text runs."""
    case = Case.from_command(_text_of(data))
    assert Case.from_command(case.command) == case


def read_numbers(data: bytes) -> None:
    """Read a text as a shape, as numbers, and as padding."""
    text = _text_of(data)
    with suppress(NotationError):
        assert len(parse_shape(text)) < LONGEST
    try:
        parse_ints(text)
    except NotationError:
        parse_padding(text)


def read_arguments(data: bytes) -> None:
    """Read a command line, an argument a line; what needs no framework is done, too."""
    name, *words = _text_of(data).split("\n")
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        if name in _ANSWERED:
            parity.main([name, *words], prog_name="parity", standalone_mode=False)
            return
        command = parity.get_command(click.Context(parity), name)
        if command is None:
            return
        read = command.make_context(name, words).params
        if name == "run":
            case_and_arrays({key: read[key] for key in _OF_A_CASE})


_OF_A_CASE = (*Case.__dataclass_fields__, "x", "w")

READERS: Mapping[str, Callable[[bytes], None]] = {
    "suite": read_suite,
    "registry": read_registry,
    "expression": read_expression,
    "command": read_command,
    "numbers": read_numbers,
    "arguments": read_arguments,
}


def read(name: str, data: bytes) -> None:
    """Have a reader read; what it is expected to raise is an answer, too."""
    try:
        READERS[name](data)
    except EXPECTED as error:
        said = error.format_message() if isinstance(error, click.ClickException) else str(error)
        assert len(said) < LONGEST, f"a message of {len(said)} characters: {said[:200]}"


LONGEST = 20_000
"""Characters of a message, before the command line shortens what in it is a single long word."""


def _text_of(data: bytes) -> str:
    """Return an argument as Python has it: bytes that are no UTF-8 are halves of characters."""
    return data.decode(errors="surrogateescape")


def _file_of(data: bytes) -> Path:
    path = _folder() / "input.toml"
    path.write_bytes(data)
    return path


@functools.cache
def _folder() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="parity-")
    atexit.register(folder.cleanup)
    return Path(folder.name)
