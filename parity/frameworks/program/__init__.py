"""A user's own program beside the frameworks: whatever it is written in, it reads and writes lines of JSON.

docs/how-to/a-program-as-a-contestant.md describes the protocol: arrays are .npy files, everything else of a
case is explicit in the line that asks for it.
"""

from __future__ import annotations

import atexit
import itertools
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convmm.geometry import shown
from parity.cases.arrays import Array, numpy_dtype
from parity.cases.case import Case
from parity.frameworks.attempt import one_line
from parity.frameworks.code.layer import layer
from parity.frameworks.code.script import Script, numpy_name
from parity.frameworks.interface import EndedError, Framework, NoOutputError
from parity.frameworks.modes import ANY_SUMS, MODES
from parity.frameworks.precision import Mode
from parity.frameworks.program.conversation import Conversation
from parity.frameworks.source import file_digest
from parity.frameworks.spelling import Spelling, Unsupported, why_not_in_numbers
from parity.frameworks.table import FrameworkError, names

PROTOCOL = 1
SECONDS_TO_BEGIN = 60.0
"""In which a program has to answer the first line."""

_FORM = "allowed is NAME=COMMAND, as in mine='./mykernel --fast'"


@dataclass(frozen=True)
class Program(Framework):
    """A program that computes what a line asks for, as a framework of its own.

    Attributes:
        command: its words.
        stated: the name and version that it gave.
        name: the user's name for it.
        declared: one of :data:`parity.frameworks.modes.MODES`, the precision that it is said to compute in.
    """

    command: tuple[str, ...]
    stated: tuple[str, str]
    name: str = "program"
    declared: str = ANY_SUMS

    is_a_users = True

    def version(self) -> str:
        """Return the version that it gave."""
        return self.stated[1]

    def backend(self) -> str:
        """Return the name that it gave."""
        return self.stated[0]

    def spell(self, case: Case) -> list[Spelling | Unsupported]:
        """Return the request with the case's arguments, all explicit."""
        missing = why_not_in_numbers(case)
        if missing:
            return [missing]
        call = layer("parity.frameworks.program:Request", case.op, dtype=case.dtype, **case.explicit)
        return [Spelling("native", call, meaning=case)]

    def mode(self, case: Case) -> Mode:
        """Return the mode that was declared."""
        return MODES[self.declared](case.dtype)

    def load(self) -> None:
        """Start the program, in this process's name.

        Raises:
            FrameworkError: it cannot be started, or does not answer as it has to.
        """
        _conversation_of(self)

    def pin(self, threads: int) -> dict[str, Any]:
        """Return what is known of it: its threads and switches are its own."""
        return {
            "threads": threads,
            "mode": self.declared,
            "command": shlex.join(self.command),
            "source": _digest(self.command[0]),
        }

    def calling(self, dtype: str) -> Script:
        """Start the program, and ask it."""
        name, modules = numpy_name(dtype)
        given = f"{self.name}={shlex.join(self.command)}"
        return Script(
            ("parity.frameworks.program", *modules),
            f"""\
(program,) = parity.frameworks.program.programs([{given!r}])
x, *arrays = (array.astype({name}) for array in (x, *converted))
y = program.call(layer, arrays, x).astype("float64")""",
        )

    @property
    def unsupported_by(self) -> tuple[type[BaseException], ...]:
        """NotImplementedError: a program may do a part of the operations only, and say so."""
        return (NotImplementedError,)

    def why_no_gradients(self) -> str:
        """Return that there are none."""
        return f"{self.name} is a program, which is asked for outputs alone"

    def call(self, layer: Request, weights: Sequence[Array], x: Array) -> Array:
        """Write the arrays to files, ask, and read the file that the program wrote.

        Raises:
            EndedError: it has ended.
            NoOutputError: its answer, or its file, is not what the protocol says.
            Exception: it rejected the request; of the class that it named.
        """
        conversation = _conversation_of(self)
        try:
            with _folder() as folder:
                return _answered(conversation, layer, weights, x, folder)
        except _RejectedError as error:
            raise error.as_named() from None
        except BaseException:  # out of step, or ended: the next request begins anew
            _end(self)
            raise
        finally:
            sys.stderr.write(conversation.log())


class Request:
    """What a line asks for, without its arrays.

    Args:
        op: one of :data:`parity.cases.case.OPS`.
        dtype: of all arrays.
        **arguments: as of :attr:`parity.cases.case.Case.explicit`.
    """

    def __init__(self, op: str, *, dtype: str, **arguments: Any) -> None:
        self.op, self.dtype, self.arguments = op, dtype, arguments


def programs(given: Sequence[str], mode: str | None = None) -> list[Program]:
    """Return the programs that NAME=COMMAND name, each started once and asked who it is.

    Raises:
        FrameworkError: not of that form, a name that is taken, no such mode, or a program that cannot be
            started or does not answer as it has to.
    """
    return [_program(text, ANY_SUMS if mode is None else mode) for text in given]


def _program(text: str, mode: str) -> Program:
    name, equals, rest = text.partition("=")
    if not (equals and name and rest.strip()) or set(name) & set(",:+@ \t\n"):
        raise FrameworkError(f"contestant {shown(text)}: {_FORM}; NAME has none of ',', ':', '+', '@', ' '")
    if name in names():
        raise FrameworkError(f"contestant {shown(text)}: {name} is a framework's name; {_FORM}")
    if mode not in MODES:
        raise FrameworkError(f"mode={shown(mode)}: allowed are {', '.join(MODES)}")
    try:
        command = tuple(shlex.split(rest))
    except ValueError as error:
        raise FrameworkError(f"contestant {shown(text)}: {error}; {_FORM}") from None
    conversation, stated = _begun(name, command)
    conversation.close()
    return Program(command, stated, name, mode)


def _begun(name: str, command: tuple[str, ...]) -> tuple[Conversation, tuple[str, str]]:
    """Start a program, and return the name and the version that it gives.

    Raises:
        FrameworkError: it cannot be started, or does not answer as it has to.
    """
    what = f"contestant {name}={shlex.join(command)!r}"
    try:
        conversation = Conversation(command)
    except (OSError, ValueError) as error:
        raise FrameworkError(f"{what} cannot be started: {one_line(error)}") from None
    try:
        return conversation, _introduction(conversation, name)
    except (EndedError, NoOutputError) as error:
        conversation.close()
        how = f"it ended: {error}" if isinstance(error, EndedError) else str(error)
        log = one_line(conversation.log())
        raise FrameworkError(f"{what}: asked for its name, {how}{log and f'; it wrote: {log}'}") from None


def _introduction(conversation: Conversation, name: str) -> tuple[str, str]:
    answer = conversation.ask({"protocol": PROTOCOL}, SECONDS_TO_BEGIN)
    if answer.get("protocol") != PROTOCOL:
        raise NoOutputError(f"it answered {one_line(answer)}: allowed is the protocol {PROTOCOL}")
    return one_line(answer.get("name", name)), one_line(answer.get("version", ""))


_conversations: dict[Program, Conversation] = {}
"""The programs that this process has started."""


def _conversation_of(program: Program) -> Conversation:
    if program not in _conversations:
        _conversations[program], _ = _begun(program.name, program.command)
    return _conversations[program]


def _end(program: Program) -> None:
    conversation = _conversations.pop(program, None)
    if conversation is not None:
        conversation.close()


@atexit.register
def _end_all() -> None:
    for program in tuple(_conversations):
        _end(program)


_numbers = itertools.count(1)


class _RejectedError(Exception):
    """The program rejected a request; ``str`` of it is "Kind: text"."""

    def as_named(self) -> Exception:
        """Return an exception of the class that the program named."""
        kind, colon, message = str(self).partition(": ")
        if not (colon and kind.isidentifier()):
            kind, message = "RejectedError", str(self)
        if kind == "NotImplementedError":
            return NotImplementedError(message)
        named: Exception = type(kind, (Exception,), {})(message)
        return named


@contextmanager
def _folder() -> Iterator[Path]:
    """Make a folder for the files of one request, and remove it when they are read."""
    folder = Path(tempfile.mkdtemp(prefix="convparity-program-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _answered(
    conversation: Conversation, asked: Request, weights: Sequence[Array], x: Array, folder: Path
) -> Array:
    """Ask for one output, by files in the folder."""
    paths = {name: folder / f"{name}.npy" for name in ("x", "w", "bias", "y")}
    given = dict(zip(("x", "w", "bias"), (x, *weights), strict=False))
    for name, array in given.items():
        np.save(paths[name], array)
    number = next(_numbers)
    answer = conversation.ask(
        {
            "id": number,
            "op": asked.op,
            "dtype": asked.dtype,
            **{name: str(paths[name]) if name in given else None for name in ("x", "w", "bias")},
            **asked.arguments,
            "y": str(paths["y"]),
        }
    )
    _check(answer, number)
    return _read(paths["y"], asked.dtype)


def _check(answer: dict[str, Any], number: int) -> None:
    """Accept the answer that the output is written, to the request of this number."""
    status = answer.get("status")
    if repr(answer.get("id")) != str(number) or status not in {"ok", "rejected"}:
        raise NoOutputError(
            f"it answered {one_line(answer)}: allowed are the id {number} and the status 'ok' or 'rejected'"
        )
    if status == "rejected":
        raise _RejectedError(one_line(answer.get("error") or "it said no more"))


def _read(path: Path, dtype: str) -> Array:
    """Map the output's file into memory: what shape it has is looked at before it is read."""
    try:
        mapped: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise NoOutputError("it answered 'ok', and has not written y.npy") from None
    except Exception as error:  # noqa: BLE001 - NumPy's own, of bytes that are no array's, are of many classes
        raise NoOutputError(f"y.npy is no .npy file of numbers: {one_line(error)}") from None
    if dtype == "bfloat16" and mapped.dtype in {np.dtype("V2"), np.dtype("u2")}:
        return mapped.view(numpy_dtype(dtype))
    return mapped.astype(mapped.dtype.newbyteorder("=")) if mapped.dtype.byteorder == ">" else mapped


def _digest(command: str) -> str | None:
    """Return the hash of the program's own file, if there is one."""
    found = shutil.which(command)
    with suppress(OSError):
        return None if found is None else file_digest(Path(found))
    return None
