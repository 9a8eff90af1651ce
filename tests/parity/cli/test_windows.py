"""What Windows lacks, taken away here: the commands start and record without it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT = """
import os, signal, sys

LACKING = {"fcntl", "termios"}  # psutil itself needs others where it runs on Linux

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in LACKING:
            raise ImportError(f"No module named {name!r}")

sys.meta_path.insert(0, Missing())
for name in LACKING:
    sys.modules.pop(name, None)
for name in ("register_at_fork", "getuid", "sched_getaffinity", "fork"):
    delattr(os, name)
for name in ("SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1", "pthread_sigmask"):
    delattr(signal, name)

from parity.cli.main import run_cli
sys.exit(run_cli(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    "command",
    [
        "--help",
        "frameworks",
        "sizes conv2d --kernel 3",
        "explain conv1d --input 1,1,4 --filters 1 --kernel 2",
        "report record.jsonl",
    ],
)
def test_a_command_needs_nothing_that_only_posix_has(command: str, tmp_path: Path) -> None:
    header = {"kind": "header", "schema": 1, "frameworks": [], "suites": []}
    (tmp_path / "record.jsonl").write_text(json.dumps(header) + "\n")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *command.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode in {0, 4}, done.stderr
