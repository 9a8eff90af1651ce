"""Read commands line by line, and run each while the frameworks' processes stay."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
from click.core import ParameterSource
from click.shell_completion import ShellComplete

from parity.cases.op import OPS
from parity.cli.contestants import run_options
from parity.cli.exits import BUG, UNREAD, UNREADABLE, sentence
from parity.cli.lines import Piped, Typed
from parity.cli.main import COMMANDS, COMPLETE, parity, run_cli
from parity.cli.options import jobs_option
from parity.cli.streams import say
from parity.frameworks.table import find_framework, on_device
from parity.records.counts import Outcome
from parity.workers.lending import Lender

_COMPARING = ("run", "sweep", "fuzz")
"""The commands that take the shell's options as theirs, where a line does not say otherwise."""

_OF_ALL = ("timeout",)
"""The options that others take, too, which compare nothing or one framework alone."""

_LEAVE = ("exit", "quit")

_INTERRUPTED = 128 + signal.SIGINT

_ENDS = {UNREAD, *(128 + int(getattr(signal, name, 0)) for name in ("SIGHUP", "SIGTERM"))}
"""The codes of a line behind which there is nobody to write another, or it was the shell that was to end."""

_WORST_FIRST = (BUG, UNREADABLE, 2, 1, 3, 4, 0)
"""What lines end with."""

Defaults = Mapping[str, Mapping[str, Any]]
"""By the name of a command, what its parameters are where a line does not say."""


@click.command("shell")
@jobs_option
@run_options
def command(**_: Any) -> int:
    """Read commands line by line, and run each with the frameworks' processes that are there.

    A line is a command without its first word, as "run conv2d --input 1,3,8,8 --filters 4 --kernel 3", where
    "run" may be left out; "exit" and Ctrl-D end it, Ctrl-C ends the line that runs. The options are those of
    each run, sweep and fuzz that does not say otherwise. From a pipe or a file it takes a command a line, and
    ends with the worst of their exit codes.
    """
    if Lender.current is not None:
        raise click.UsageError("shell: it runs already; allowed is every other command")
    given = _given()
    defaults: Defaults = {
        name: given if name in _COMPARING else {key: given[key] for key in _OF_ALL if key in given}
        for name in COMMANDS
    }
    with Lender(given.get("jobs", 1)) as lender:
        names, device = given.get("frameworks"), given.get("device")
        if names is not None:
            for name in names if device is None else on_device(names, device):
                lender.start(find_framework(name))
        return _run_lines(defaults)


def _given() -> dict[str, Any]:
    """Return the options of this command that its user has given."""
    context = click.get_current_context()
    typed = ParameterSource.COMMANDLINE
    return {
        name: value for name, value in context.params.items() if context.get_parameter_source(name) is typed
    }


def _run_lines(defaults: Defaults) -> int:
    """Run line after line; return the worst of their codes, or 0 where somebody has typed them."""
    typed = sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
    lines = Typed(complete) if typed else Piped()
    codes: set[int] = set()
    while True:
        try:
            words = words_of(lines.read())
            if len(words) == 1 and words[0] in _LEAVE:
                break
            code = run_cli(words, defaults) if words else None
        except EOFError:
            if typed:
                say()
            break
        except ValueError as error:
            say(f"parity: {sentence(f'the line cannot be read: {error}')}", err=True)
            code = Outcome.WRONG_INPUT
        except KeyboardInterrupt as error:  # what was not sent yet goes
            if not typed or getattr(error, "number", signal.SIGINT) != signal.SIGINT:
                raise
            say()
            continue
        if code in _ENDS or (code == _INTERRUPTED and not typed):
            return int(code or 0)
        codes |= set() if code is None else {code}
    if typed:
        return Outcome.EXPLAINED
    return min(codes, key=_WORST_FIRST.index, default=Outcome.NOTHING_COMPARED)


def words_of(line: str) -> list[str]:
    """Return the words of a line, split as a POSIX shell does, as arguments of this program.

    Raises:
        ValueError: a quotation has no end.
    """
    return _arguments(shlex.split(line, comments=True))


def _arguments(words: Sequence[str]) -> list[str]:
    """Leave out a "parity" before them; an operation alone is a case that is run."""
    rest = list(words[1:] if words[:1] == ["parity"] else words)
    if rest[:1] == ["help"]:
        return [*_arguments(rest[1:]), "--help"]
    return ["run", *rest] if rest and rest[0] in OPS else rest


def complete(before: Sequence[str], last: str) -> list[tuple[str, str]]:
    """Return what the last word of a line may become, as a shell is told that completes for this command."""
    words = _arguments(before)
    found = ShellComplete(parity, {}, "parity", COMPLETE).get_completions(words, last)
    more = (*OPS, *_LEAVE) if not words else ()
    named = [(word, "plain") for word in more if word.startswith(last)]
    return [*((each.value, each.type) for each in found), *named]
