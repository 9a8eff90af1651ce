"""The command line: it parses, calls and prints, and decides nothing."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from importlib import import_module
from typing import Any

import click

from parity.cli.exits import exit_code
from parity.cli.streams import make_readable, open_streams
from parity.workers.collection import imports
from parity.workers.interrupts import end_at_once, handle_signals, interrupt

COMPLETE = "_PARITY_COMPLETE"
"""The variable by which a shell asks what a word may become; click answers."""

COMMANDS = {
    "run": "Run one case through the frameworks and compare the results.",
    "check": "Hold one framework, or one function, against the laws of its operation, compared with nothing.",
    "sweep": "Run every case of the suites: article, zoo, grid, or TOML files; article and zoo by default.",
    "shell": "Read commands line by line, and run each with the frameworks' processes that are there.",
    "fuzz": "Search random cases for what nothing explains, and shrink each cause to its smallest case.",
    "report": "Print a recorded sweep as tables.",
    "diff": "Print what changed from one recorded sweep to another.",
    "export": "Write a record as a table: a Parquet file with one row a result.",
    "frameworks": "Print what is installed, in which version, and what it can do; nothing is imported.",
    "translate": 'Write layers, as "nn.Conv2d(3, 8, 3)", in another framework, weights too, and prove each.',
    "layers": "List the convolutions that a model calls, in order, with the sizes that they see, as code.",
    "port": "Write each convolution of a model in another framework, weights too, and prove each.",
    "compare": "Run two models on one input, judge each convolution alone, and find where they part.",
    "explain": "Print the arithmetic of a case, step by step.",
    "sizes": "Print which sizes come out, which inputs are ambiguous, and what restores them.",
}
"""In the order of the help, with what it says of each; each is a module of this folder.

The help says it here, too, so that it need not import them all, and NumPy with them.
"""


class _Commands(click.Group):
    """A group that imports a command's module when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """List the commands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Return a command, or None where there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        name = f"parity.cli.{cmd_name}"
        with nullcontext() if name in sys.modules else imports():  # a shell's garbage is to go
            command: click.Command = import_module(name).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """Write the list of commands as click does, but from the table."""
        room = formatter.width - 6 - max(map(len, COMMANDS))
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, click.Command(name, help=text).get_short_help_str(room))
                    for name, text in COMMANDS.items()
                ]
            )


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="convparity", prog_name="parity")
def parity() -> None:
    """Do these convolution layers compute the same thing, and if not, why?

    \b
    Exit codes: 0 everything compared is explained; 1 something is unexplained;
    2 the command or its input is wrong; 3 a framework crashed or ran out of time;
    4 nothing was compared; 70 a bug of this project; 74 a file or stream cannot
    be read or written, or memory ran out; 129, 130, 143 ended by SIGHUP, Ctrl-C,
    SIGTERM; 141 nobody reads the output.
    """  # noqa: D301 - click reads the backspace as "keep these lines"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with a code that the help lists."""
    open_streams()
    make_readable()
    threading.excepthook = lambda _: None  # a thread that ends is noticed where its work is waited for
    try:
        handle_signals(interrupt)
        code = run_cli(arguments)
    except KeyboardInterrupt as error:  # another one, while it was said why the command ended
        code = exit_code(error)
    handle_signals(end_at_once)
    sys.exit(code)


def run_cli(
    arguments: Sequence[str] | None = None, defaults: Mapping[str, Mapping[str, Any]] | None = None
) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: its words; None for those of this process.
        defaults: by the name of a command, what its parameters are where the words do not say.
    """
    try:
        code = parity.main(
            arguments, "parity", complete_var=COMPLETE, standalone_mode=False, default_map=defaults
        )
        return int(code or 0)
    except (Exception, KeyboardInterrupt, SystemExit) as error:  # noqa: BLE001 - every error has its exit code
        if isinstance(error, SystemExit) and COMPLETE in os.environ:
            return int(error.code or 0)  # click leaves by it when it has answered a shell
        return exit_code(error)  # click leaves by SystemExit where nobody reads the output
