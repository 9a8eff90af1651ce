"""Say on stderr why a command ended early, and choose its exit code."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from contextlib import suppress

import click

WRONG_INPUT = 2
"""The command or its input is wrong, as :class:`parity.records.counts.Outcome` has it, too."""

BUG = 70
"""A bug of this project; the number is EX_SOFTWARE of BSD's sysexits.h."""

UNREADABLE = 74
"""A file or stream that cannot be read or written; EX_IOERR there."""

ISSUES = "https://github.com/convparity/convparity/issues"

_NO_FILES_NAME = {errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOENT, errno.ENOTDIR}
"""What opening a file says of a path that is no file's: the command is wrong."""


def exit_code(error: BaseException) -> int:
    """Print why a command ended with an error, unless nobody is left to read it, and return the exit code."""
    if isinstance(error, click.Abort) and error.__cause__ is not None:
        error = error.__cause__  # what click made it of, a signal
    with suppress(OSError):  # the terminal may have gone
        _explain(error)
    return _code(error)


def _code(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return 128 + int(getattr(error, "number", signal.SIGINT))  # as shells have it
    if _is_wrong_input(error):
        cause = error.__cause__
        refused = isinstance(cause, OSError) and cause.errno not in _NO_FILES_NAME
        return UNREADABLE if refused else WRONG_INPUT
    return UNREADABLE if isinstance(error, OSError | SystemExit) else BUG


def _explain(error: BaseException) -> None:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
    elif isinstance(error, SystemExit | BrokenPipeError):
        _drop_output()
    elif isinstance(error, KeyboardInterrupt | click.Abort):
        _say("interrupted")
    elif isinstance(error, click.ClickException):
        _say(error.format_message())
    elif _is_wrong_input(error):
        _say(str(error))
    elif isinstance(error, OSError):
        _drop_output()
        _say(f"{error.filename or 'the output'} cannot be read or written: {error.strerror or error}")
    else:
        traceback.print_exception(error)
        _say(f"this is a bug of convparity; please report it, with the lines above, at {ISSUES}")


def _is_wrong_input(error: BaseException) -> bool:
    from convmm.geometry import GeometryError  # noqa: PLC0415 - it takes NumPy, and --help takes neither
    from parity.cases.errors import InputError  # noqa: PLC0415

    return isinstance(error, InputError | GeometryError | click.ClickException)


def _say(message: str) -> None:
    """Print one sentence on stderr."""
    click.echo(f"parity: {' '.join(message.split())}", err=True)


def _drop_output() -> None:
    """Let what is left in the buffer of standard output go nowhere: flushing it at exit would fail again."""
    with suppress(OSError, ValueError):  # ValueError: it is closed, or no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
