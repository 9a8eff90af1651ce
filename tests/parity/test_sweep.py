"""Sweeps that survive: killed, interrupted, out of disk, resumed; each case recorded once."""

from __future__ import annotations

import json
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from parity.cli.exits import UNREADABLE
from parity.cli.main import run_cli

CASES = 60
SUITE = """
description = "Small cases."
[[product]]
name = "small"
op = ["conv1d", "conv_transpose1d"]
input = [[1, 2, 5], [2, 1, 7]]
filters = [1, 2]
kernel = [1, 2, 3]
stride = [1, 2, 3]
padding = [0]
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SUITE, encoding="utf-8")
    return path


def command(suite: Path, output: Path, *more: str) -> list[str]:
    arguments = f"sweep {suite} --frameworks numpy --limit {CASES} --output {output}".split()
    impl = ["--impl", "tests.support.foreign:aborts_at_stride_3_of_conv"]
    return [sys.executable, "-m", "parity", *arguments, *impl, *more]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def timeless(path: Path) -> list[dict[str, Any]]:
    """The records, and the header without its time; of what a crash printed, not the addresses."""
    first, *records = lines(path)
    for record in records:
        for result in record["results"]:
            result["printed"] = ""
    return [{**first, "started": None}, *records]


def finished(arguments: list[str], **options: Any) -> subprocess.CompletedProcess[str]:  # noqa: ANN401 - subprocess's
    return subprocess.run(arguments, check=False, capture_output=True, text=True, timeout=300, **options)


def test_a_killed_sweep_is_resumed_to_what_it_would_have_been(suite: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole.jsonl", tmp_path / "killed.jsonl"
    done = finished(command(suite, whole, "--jobs", "1"))
    assert done.returncode == 3, done.stderr
    assert len(lines(whole)) == 1 + CASES
    generator = random.Random(0)  # noqa: S311 - moments to kill at, no secrets
    kills = 0
    while kills < 4:
        running = subprocess.Popen(
            command(suite, killed, "--resume", "--jobs", "2"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            running.wait(generator.uniform(0.1, 2.5))
            break
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
            kills += 1
    if killed.exists():
        with killed.open("a", encoding="utf-8") as file:
            file.write('{"kind": "record", "torn')
    done = finished(command(suite, killed, "--resume"))
    assert done.returncode == 3, done.stderr
    assert timeless(killed) == timeless(whole)


def test_the_number_of_jobs_changes_no_record(suite: Path, tmp_path: Path) -> None:
    files = [tmp_path / f"{jobs}.jsonl" for jobs in (1, 3)]
    for jobs, path in zip((1, 3), files, strict=True):
        assert finished(command(suite, path, "--jobs", str(jobs))).returncode == 3
    assert timeless(files[0]) == timeless(files[1])


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_an_interrupted_sweep_ends_cleanly_with_what_is_done(
    suite: Path, tmp_path: Path, signum: int, code: int
) -> None:
    output = tmp_path / "out.jsonl"
    running = subprocess.Popen(
        [*command(suite, output), "--timeout", "300"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (output.exists() and output.read_bytes().count(b"\n") > 2):
        time.sleep(0.01)
    running.send_signal(signum)
    _, err = running.communicate(timeout=60)
    assert running.returncode == code
    assert err.strip().splitlines()[-1] == "parity: interrupted"
    assert "Traceback" not in err
    assert output.read_bytes().endswith(b"\n")
    assert 3 <= len(lines(output)) < 1 + CASES


def test_a_full_disk_is_one_clear_error_and_leaves_whole_lines(suite: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = finished(command(suite, output), preexec_fn=limit)
    assert done.returncode == UNREADABLE
    assert done.stderr.strip().splitlines()[-1] == f"parity: {output} cannot be written: File too large"
    assert "Traceback" not in done.stderr
    assert 1 < len(lines(output)) < 1 + CASES
    assert finished(command(suite, output, "--resume")).returncode == 3
    assert len(lines(output)) == 1 + CASES


def test_a_second_sweep_on_the_same_file_is_refused(suite: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    first = subprocess.Popen(command(suite, output), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (output.exists() and output.stat().st_size):
        time.sleep(0.01)
    link = tmp_path / "folder" / "link.jsonl"
    link.parent.mkdir()
    link.symlink_to(output)
    for name in (output, link):
        second = finished(command(suite, name, "--resume"))
        assert (second.returncode, second.stderr.strip()) == (
            2,
            f"parity: {name} is being written by another sweep",
        )
    assert first.wait(timeout=120) == 3


def test_a_file_that_has_gone_is_an_error(suite: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    output = folder / "out.jsonl"
    running = subprocess.Popen(
        command(suite, output), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while not (output.exists() and output.read_bytes().count(b"\n") > 1):
        time.sleep(0.01)
    shutil.rmtree(folder)
    _, err = running.communicate(timeout=120)
    assert running.returncode == UNREADABLE
    assert f"{output} cannot be written: No such file or directory" in err


def record(suite: Path, output: Path, *more: str) -> int:
    return run_cli(f"sweep {suite} --frameworks numpy --limit 3 --output {output}".split() + list(more))


def test_another_environment_is_not_gone_on_with(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.jsonl"
    record(suite, output)
    first, *rest = lines(output)
    first["frameworks"][0]["version"] = "1.0"
    first["python"] = "3.0"
    output.write_text("".join(json.dumps(line) + "\n" for line in [first, *rest]), encoding="utf-8")
    before = output.read_bytes()
    capsys.readouterr()
    assert record(suite, output, "--resume") == 2
    error = capsys.readouterr().err
    assert "cannot be resumed: frameworks.numpy was 1.0" in error
    assert "python was 3.0 and is" in error
    assert output.read_bytes() == before
    assert record(suite, output, "--resume", "--frameworks", "numpy,torch") == 2
    assert "the frameworks were numpy and are numpy, torch" in capsys.readouterr().err


def test_a_case_that_has_changed_is_not_gone_on_with(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.jsonl"
    record(suite, output)
    assert record(suite, output, "--resume", "--grad") == 2
    assert "recorded was another case" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", '{"kind": "head', "\0" * 100])
def test_a_file_without_a_line_is_begun_anew(suite: Path, tmp_path: Path, content: str) -> None:
    output = tmp_path / "out.jsonl"
    output.write_text(content, encoding="utf-8")
    assert record(suite, output, "--resume") == 4
    assert len(lines(output)) == 4


@pytest.mark.parametrize("content", ["something else\n", "{}\n", '{"kind": "record"}\n'])
def test_a_foreign_file_is_left_alone(
    suite: Path, tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.jsonl"
    output.write_text(content, encoding="utf-8")
    assert record(suite, output, "--resume") == 2
    assert f"{output}, line 1" in capsys.readouterr().err
    assert output.read_text(encoding="utf-8") == content


def test_a_function_that_cannot_be_imported_leaves_no_file(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.jsonl"
    assert record(suite, output, "--impl", "no_such_module:f") == 2
    assert "no_such_module" in capsys.readouterr().err
    assert not output.exists()


def test_resuming_without_a_file_is_refused(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["sweep", str(suite), "--resume"]) == 2
    assert "allowed with --output FILE" in capsys.readouterr().err


def test_a_finished_sweep_is_resumed_without_running_anything(suite: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    record(suite, output)
    before = output.read_bytes()
    assert record(suite, output, "--resume") == 4
    assert output.read_bytes() == before
