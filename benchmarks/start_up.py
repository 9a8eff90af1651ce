"""How long a command takes from its start to its end, beside the import of what it cannot do without.

Each pair is run in turn, in processes of their own, as often as asked; before that once, so that files are in
memory and bytecode is written, as an installation has it. Beside the ratio of the times stands that of the
processor time of all processes, which other load on the machine does not reach as far. That frameworks are
imported at the same time shows in the former alone, and only where there are processors for them.

Below stands what a case takes in ``parity shell``, whose frameworks are there from line to line.
"""

from __future__ import annotations

import argparse
import os
import resource
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import NamedTuple

_CASE = "run conv_transpose2d --input 1,3,8,8 --filters 4 --kernel 3 --stride 2"

_ASKED = {"_PARITY_COMPLETE": "bash_complete", "COMP_WORDS": "parity run --v", "COMP_CWORD": "2"}


class Pair(NamedTuple):
    """A command, and what it is measured by.

    Attributes:
        command: arguments of ``parity``.
        imported: modules that a script imports.
        most: what the ratio is to be at most; None where it is only shown.
        environment: variables of the command.
    """

    command: str
    imported: str
    most: float | None
    environment: Mapping[str, str] = {}


PAIRS = {
    "help": Pair("--help", "numpy", 1.5),
    "completion": Pair("", "numpy", None, _ASKED),
    "frameworks": Pair("frameworks", "numpy", None),
    "torch": Pair(f"{_CASE} --frameworks torch", "torch", 1.15),
    "keras": Pair(f"{_CASE} --frameworks keras", "keras", 1.15),
    "both": Pair(f"{_CASE} --frameworks torch,keras", "torch, keras", 0.8),
}


class Seconds(NamedTuple):
    """What a process took: by the clock, and of all processors together."""

    clock: float
    processor: float


def measure(words: list[str], environment: Mapping[str, str]) -> Seconds:
    """Run a process to its end, with those that it starts.

    Raises:
        CalledProcessError: it ended badly.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    given = {**inherited, **environment}
    subprocess.run(words, env=given, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    clock, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Seconds(clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def compare(pair: Pair) -> tuple[Seconds, Seconds]:
    """Run the import, and then the command."""
    imports = measure([sys.executable, "-c", f"import {pair.imported}"], {})
    return imports, measure([sys.executable, "-m", "parity", *shlex.split(pair.command)], pair.environment)


def warm(frameworks: str, cases: int) -> list[float]:
    """Return the seconds of cases that are given to ``parity shell`` one after another, but for the first."""
    words = [sys.executable, "-m", "parity", "shell", "--frameworks", frameworks, "--json"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as shell:
        assert shell.stdin is not None  # noqa: S101 - tells the type checker so
        assert shell.stdout is not None  # noqa: S101 - the same
        seconds = []
        for number in range(cases + 1):
            began = time.perf_counter()
            shell.stdin.write(f"{_CASE} --seed {number}\n")
            shell.stdin.flush()
            while (line := shell.stdout.readline()) != "}\n":
                if not line:
                    raise EOFError("the shell has ended")
            seconds.append(time.perf_counter() - began)
        shell.stdin.close()
        return seconds[1:]


def main() -> None:
    """Print the seconds and the ratios, the medians of all rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("pairs", nargs="*", metavar="PAIR", help=f"of {', '.join(PAIRS)}; all by default")
    options = parser.parse_args()
    names = options.pairs or list(PAIRS)
    rounds: dict[str, list[tuple[Seconds, Seconds]]] = {name: [] for name in names}
    for number in range(options.rounds + 1):
        for name in names:
            taken = compare(PAIRS[name])
            if number:
                rounds[name].append(taken)
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} processors, {options.rounds} rounds\n")
    print("| command | import | s, import | s, command | ratio, its range | by processor time | allowed |")
    print("|---|---|---|---|---|---|---|")
    for name in names:
        ratios = [command.clock / imports.clock for imports, command in rounds[name]]
        processor = statistics.median(
            command.processor / imports.processor for imports, command in rounds[name]
        )
        imports, command = (statistics.median(each[side].clock for each in rounds[name]) for side in (0, 1))
        pair = PAIRS[name]
        print(
            f"| {name} | {pair.imported} | {imports:.2f} | {command:.2f} | {statistics.median(ratios):.2f} "
            f"({min(ratios):.2f} to {max(ratios):.2f}) | {processor:.2f} | {pair.most or ''} |"
        )
    if "both" in names:
        seconds = warm("torch,keras", 30)
        print(
            f"\na case of torch and Keras in parity shell: {statistics.median(seconds):.3f} s "
            f"({min(seconds):.3f} to {max(seconds):.3f})"
        )


if __name__ == "__main__":
    main()
