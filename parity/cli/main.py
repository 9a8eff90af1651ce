"""The command line: it parses, calls and prints, and decides nothing."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from convmm.geometry import GeometryError
from parity.cases.errors import InputError
from parity.cli import output
from parity.records.counts import Outcome

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended, as shells have it."""


_COMMANDS = (
    "run",
    "check",
    "sweep",
    "fuzz",
    "report",
    "diff",
    "frameworks",
    "translate",
    "explain",
    "sizes",
)
"""In the order of the help; each is a module of this folder, imported when it is asked for."""


class _Commands(click.Group):
    """A group that imports a command's module when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """List the commands, in the order of the help."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Return a command, or None where there is none of this name."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"parity.cli.{cmd_name}").command
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="convparity", prog_name="parity")
def parity() -> None:
    """Do these convolution layers compute the same thing, and if not, why?

    \b
    Exit codes: 0 everything compared is explained; 1 something is unexplained;
    2 the command or its input is wrong; 3 a framework crashed or ran out of time;
    4 nothing was compared.
    """  # noqa: D301 - click reads the backspace as "keep these lines"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with one of :class:`parity.records.counts.Outcome`'s codes."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it ends a command as Ctrl-C does
    sys.exit(run_cli(arguments))


def run_cli(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit code."""
    try:
        return int(parity.main(arguments, prog_name="parity", standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
    except click.ClickException as error:
        output.error(error.format_message())
    except (InputError, GeometryError) as error:
        output.error(str(error))
    except (click.Abort, KeyboardInterrupt):
        output.error("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Outcome.WRONG_INPUT
