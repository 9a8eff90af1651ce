"""What a command ends with where the system fails it: a code, at most one line, and never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a shell")

CASE = "conv1d --input 1,1,4 --filters 1 --kernel 2"
NUMPY = f"{CASE} --frameworks numpy"
FULL = "parity: the output cannot be read or written: No space left on device\n"
FAULTS = {
    ">/dev/full": (74, FULL),
    ">&-": (None, None),
    "2>/dev/full": (None, ""),
    "2>&-": (None, ""),
    ">&- 2>&-": (None, ""),
    "<&-": (None, None),
    "| true; exit ${PIPESTATUS[0]}": (141, ""),
}
"""What a command ends with, None for its own, and what it says, None for anything."""

TABLE = [
    *(("--help", 0, fault) for fault in FAULTS),
    *(("sizes conv1d --kernel 3", 0, fault) for fault in (">&-", "2>/dev/full")),
    *((f"run {NUMPY}", 4, fault) for fault in (">/dev/full", ">&-", "2>&-", "<&-")),
    ("run conv9d", 2, "2>/dev/full"),
]


def shell(line: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **more}
    return subprocess.run(
        ["/bin/bash", "-c", line],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment,
    )


@pytest.mark.parametrize(("command", "own", "fault"), TABLE)
def test_a_command_says_what_failed_it_and_no_more(
    command: str, own: int, fault: str, tmp_path: Path
) -> None:
    code, said = FAULTS[fault]
    done = shell(f"{sys.executable} -m parity {command} {fault}", tmp_path)
    assert "Traceback" not in done.stderr
    assert done.returncode == (own if code is None else code), done.stderr
    assert said in {None, done.stderr}
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("line", "more"),
    [
        (f"run {NUMPY}", {"TMPDIR": "/nonexistent"}),
    ],
)
def test_what_is_absent_is_done_without(line: str, more: dict[str, str], tmp_path: Path) -> None:
    done = shell(f"{sys.executable} -m parity {line}", tmp_path, **more)
    assert (done.returncode, "Traceback" in done.stderr) == (4, False), done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("seconds", [0.15, 0.9])
def test_a_signal_ends_a_command_at_any_moment(
    number: signal.Signals, seconds: float, tmp_path: Path
) -> None:
    path = os.pathsep.join(filter(None, sys.path))
    process = subprocess.Popen(
        [sys.executable, "-m", "parity", *"sweep grid --frameworks numpy".split()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
    )
    time.sleep(seconds)
    process.send_signal(number)
    _, said = process.communicate()
    assert "Traceback" not in said
    assert process.returncode == 128 + number, said
    assert said.endswith("parity: interrupted\n")


DURING_IMPORTS = """
import signal, sys
from parity.__main__ import main

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "parity.cli.main":
            signal.raise_signal({number})

sys.meta_path.insert(0, Finder())
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_the_imports_ends_the_command(number: signal.Signals) -> None:
    code = DURING_IMPORTS.format(number=int(number))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (128 + number, "parity: interrupted\n")
