"""Say on stderr why a command ended early, and choose its exit code."""

from __future__ import annotations

import errno
import os
import shlex
import signal
import sys
import tempfile
import traceback
from contextlib import suppress

import click

from parity.cli.streams import drop, say
from parity.workers.interrupts import OutOfTimeError

WRONG_INPUT = 2
"""The command or its input is wrong, as :class:`parity.records.counts.Outcome` has it, too."""

CRASHED = 3
"""A framework cannot be asked, as in Outcome, too."""

BUG = 70
"""A bug of this project; the number is EX_SOFTWARE of BSD's sysexits.h."""

UNREADABLE = 74
"""A file or stream that cannot be read or written, or memory that ran out: EX_IOERR there."""

UNREAD = 141
"""Nobody reads the output any more: as a shell has it of a program that SIGPIPE, 13, ended."""

_OF_WRITING = {errno.EBADF, errno.EFBIG, errno.EIO, errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
"""What the system says where an output cannot be written."""

ISSUES = "https://github.com/convparity/convparity/issues"

_LONGEST_WORD = 500
"""Characters: a path of that many is still the user's to read."""

_LONGEST_SENTENCE = 3000

_NO_FILES_NAME = {
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.ENXIO,
}
"""What opening a file says of a path that is no file's: the command is wrong."""


def exit_code(error: BaseException) -> int:
    """Print why a command ended with an error, unless nobody is left to read it, and return the exit code."""
    cause = error.__cause__
    if cause is not None and isinstance(error, click.Abort | SystemError):
        error = cause  # what click made of it, a signal; or Python, of a signal behind another at a prompt
    with suppress(OSError):  # the terminal may have gone
        _explain(error)
    return _code(error)


def _code(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return 128 + int(getattr(error, "number", signal.SIGINT))  # as shells have it
    if _has_no_answer(error):
        return CRASHED
    if _is_wrong_input(error):
        cause = error.__cause__
        refused = isinstance(cause, OSError) and cause.errno not in _NO_FILES_NAME
        return UNREADABLE if refused else WRONG_INPUT
    if isinstance(error, SystemExit | BrokenPipeError):  # click and rich leave by the first
        return UNREAD
    return UNREADABLE if isinstance(error, OSError | MemoryError) else BUG


def _explain(error: BaseException) -> None:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
    elif isinstance(error, SystemExit | BrokenPipeError):
        _drop_output()
    elif isinstance(error, KeyboardInterrupt | click.Abort):
        say("parity: interrupted", err=True)  # NumPy's import may be what was interrupted
    elif isinstance(error, click.ClickException):
        _say(error.format_message())
    elif isinstance(error, OutOfTimeError) or _is_wrong_input(error):
        _say(str(error))
    elif isinstance(error, OSError):
        _drop_output()
        _say(_of_the_system(error))
    elif isinstance(error, MemoryError):
        _say(f"there is too little memory: {str(error) or 'no more could be had'}")
    else:
        _say(f"this is a bug of convparity; please report it, with {_kept(error)}, at {ISSUES}")


def _of_the_system(error: OSError) -> str:
    """Say what could not be done: without a file's name it was to write, or something else altogether."""
    why = error.strerror or error
    if error.filename is None and error.errno not in _OF_WRITING:
        return f"the system does not go on: {why}"
    return f"{error.filename or 'the output'} cannot be read or written: {why}"


def _kept(error: BaseException) -> str:
    """Write the traceback into a file that nobody else may read; the file's name, or where else it is."""
    text = "".join([f"$ {shlex.join(['parity', *sys.argv[1:]])}\n", *traceback.format_exception(error)])
    try:
        number, name = tempfile.mkstemp(prefix="parity-bug-", suffix=".txt")
        with os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError:
        say(text, err=True)
        return "the lines above"
    return name


def _is_wrong_input(error: BaseException) -> bool:
    from convmm.geometry import GeometryError  # noqa: PLC0415 - it takes NumPy, and --help takes neither
    from parity.cases.errors import InputError  # noqa: PLC0415

    return isinstance(error, InputError | GeometryError | click.ClickException)


def _has_no_answer(error: BaseException) -> bool:
    from parity.workers.processes import ProcessError  # noqa: PLC0415 - it takes NumPy, as above

    return isinstance(error, ProcessError | OutOfTimeError)


def _say(message: str) -> None:
    """Print one sentence on stderr."""
    say(f"parity: {sentence(message)}", err=True)


def sentence(message: object) -> str:
    """Write a message as one sentence, in which no word is longer than a reader wants: a path, an option."""
    from convmm.geometry import shorten  # noqa: PLC0415 - as above

    words = (word if len(word) <= _LONGEST_WORD else shorten(word) for word in str(message).split())
    return shorten(" ".join(words), _LONGEST_SENTENCE)


def _drop_output() -> None:
    with suppress(OSError, ValueError):  # it is closed, or no file
        drop(sys.stdout.fileno())
