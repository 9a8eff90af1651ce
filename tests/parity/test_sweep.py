"""Sweeps that survive: killed, interrupted, out of disk, resumed; each case recorded once."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from parity.cases.selection import Selection
from parity.cases.suites import load_suite
from parity.cli.exits import UNREADABLE
from parity.cli.main import run_cli
from parity.records.lock import Lock
from parity.records.writer import RecordFile

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
    if killed.exists() and killed.stat().st_size:  # it was killed when it had begun
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
    link, hard_link = tmp_path / "folder" / "link.jsonl", tmp_path / "folder" / "hard.jsonl"
    link.parent.mkdir()
    link.symlink_to(output)
    hard_link.hardlink_to(output)
    for name in (output, link, *([hard_link] if os.name == "posix" else [])):
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
    assert "recorded was another question" in capsys.readouterr().err


HEADER = '{"schema":1,"kind":"header","convparity":'


@pytest.mark.parametrize(
    "content", ["", HEADER[: len('{"schema":1,"kind":"header"')], HEADER, HEADER + "\0" * 9]
)
def test_an_empty_file_and_one_that_is_torn_in_its_header_are_begun_anew(
    suite: Path, tmp_path: Path, content: str
) -> None:
    output = tmp_path / "out.jsonl"
    output.write_text(content, encoding="utf-8")
    assert record(suite, output, "--resume") == 4
    assert len(lines(output)) == 4


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("something else\n", ", line 1: no valid JSON"),
        ("{}\n", ", line 1: allowed is a header"),
        ('{"kind": "record"}\n', ", line 1: allowed is a header"),
        (f"{HEADER}\n{HEADER}", ", line 1: no valid JSON"),
        ("a letter", " cannot be resumed: it has no whole line, and begins as no record does"),
        (HEADER.replace("header", "report"), " cannot be resumed: it has no whole line"),
        ('{"kind": "head', " cannot be resumed: it has no whole line"),
        (" " * 54 + "notes without an end of a line", " cannot be resumed: it has no whole line"),
        ("{", " cannot be resumed: it has no whole line"),
        ('{"schema":1', " cannot be resumed: it has no whole line"),
        ("\0" * 9, " cannot be resumed: it has no whole line"),
    ],
)
def test_a_foreign_file_is_left_alone(
    suite: Path, tmp_path: Path, content: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.jsonl"
    output.write_text(content, encoding="utf-8")
    link = tmp_path / "link.jsonl"
    link.symlink_to(output)
    for name in (output, link):
        assert record(suite, name, "--resume") == 2
        assert f"{name}{said}" in capsys.readouterr().err
    assert output.read_text(encoding="utf-8") == content
    assert sorted(tmp_path.iterdir()) == sorted([suite, output, link])


def state_of(folder: Path) -> list[tuple[Any, ...]]:
    """What is in a folder, and whether it was written to; reading changes nothing of it."""
    found = ((each, each.lstat()) for each in sorted(folder.iterdir()))
    return [(each, at.st_ino, at.st_mode, at.st_size, at.st_mtime_ns) for each, at in found]


def make_device(path: Path) -> None:
    """A second name of the device that takes everything and has nothing."""
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes devices")


IRREGULAR: dict[str, Callable[[Path], object]] = {
    "directory": Path.mkdir,
    "pipe": os.mkfifo,
    "device": make_device,
}


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("kind", IRREGULAR)
def test_what_is_no_regular_file_is_neither_waited_for_nor_written_nor_removed(
    suite: Path,
    tmp_path: Path,
    kind: str,
    linked: bool,  # noqa: FBT001 - a parameter
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "out.jsonl"
    IRREGULAR[kind](output)
    if linked:
        output = tmp_path / "link.jsonl"
        output.symlink_to("out.jsonl")
    before = state_of(tmp_path)
    assert record(suite, output) == 2
    assert f"{output} is there already" in capsys.readouterr().err
    assert record(suite, output, "--resume") == 2
    said = f"{output} cannot be written: allowed is a regular file, and this is a {kind}"
    assert said in capsys.readouterr().err
    assert state_of(tmp_path) == before


@pytest.mark.parametrize("content", ["", "a letter"])
def test_a_sweep_that_ends_before_its_first_line_removes_no_file_that_it_did_not_create(
    suite: Path, tmp_path: Path, content: str
) -> None:
    output, link = tmp_path / "out.jsonl", tmp_path / "link.jsonl"
    output.write_text(content, encoding="utf-8")
    link.symlink_to(output)
    for name in (output, link):
        assert record(suite, name, "--resume", "--impl", "no_such_module:f") == 2
        assert output.read_text(encoding="utf-8") == content
        assert link.is_symlink()


def test_through_a_link_a_record_is_gone_on_with(suite: Path, tmp_path: Path) -> None:
    output, link = tmp_path / "out.jsonl", tmp_path / "link.jsonl"
    record(suite, output)
    whole = timeless(output)
    output.write_bytes(b"".join(output.read_bytes().splitlines(keepends=True)[:2]))
    link.symlink_to(output)
    assert record(suite, link, "--resume") == 4
    assert (timeless(output), link.is_symlink()) == (whole, True)


def test_a_sweep_that_is_refused_leaves_even_a_torn_line(suite: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    record(suite, output, "--max-stride", "1")
    with output.open("a") as file:
        file.write('{"kind":"rec')
    before = output.read_bytes()
    assert record(suite, output, "--resume") == 2
    assert output.read_bytes() == before
    assert record(suite, output, "--resume", "--max-stride", "1") == 4


def test_another_file_that_has_taken_the_name_is_not_removed(tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    with RecordFile(output):
        output.unlink()
        output.touch()
    assert [each.name for each in tmp_path.iterdir()] == ["out.jsonl"]
    output.unlink()
    with RecordFile(output):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("kind", ["text", "link", "dangling", *IRREGULAR])
def test_what_has_the_name_of_the_lock_is_left_alone(
    suite: Path,
    tmp_path: Path,
    kind: str,
    resume: bool,  # noqa: FBT001 - a parameter
    capsys: pytest.CaptureFixture[str],
) -> None:
    output, lock = tmp_path / "out.jsonl", tmp_path / ".out.jsonl.lock"
    (tmp_path / "other").touch()
    if kind in IRREGULAR:
        IRREGULAR[kind](lock)
    elif kind == "text":
        lock.write_text("of mine", encoding="utf-8")
    else:
        lock.symlink_to("other" if kind == "link" else "nothing")
    if resume:
        output.touch()
    before = state_of(tmp_path)
    assert record(suite, output, *(["--resume"] if resume else [])) == 2
    said = f"{output} cannot be locked: .out.jsonl.lock beside it is no lock: move it away"
    assert said in capsys.readouterr().err
    assert state_of(tmp_path) == before


def test_a_file_that_another_sweep_has_locked_before_its_first_line_is_not_removed(
    suite: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    lock = Lock(output)
    lock.acquire()
    assert record(suite, output, "--resume") == 2
    assert output.exists()
    lock.release()


def test_another_file_that_has_taken_the_name_of_the_lock_is_not_removed(tmp_path: Path) -> None:
    output, lock = tmp_path / "out.jsonl", tmp_path / ".out.jsonl.lock"
    with RecordFile(output):
        lock.unlink()
        lock.write_text("of mine", encoding="utf-8")
    assert lock.read_text(encoding="utf-8") == "of mine"


def test_the_lock_of_a_sweep_that_was_killed_locks_nothing_and_goes(suite: Path, tmp_path: Path) -> None:
    output, lock = tmp_path / "out.jsonl", tmp_path / ".out.jsonl.lock"
    lock.touch()
    assert record(suite, output) == 4
    assert not lock.exists()


CHANGED: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda text: text[:-7],
    "emptied": lambda _: b"",
    "added to": lambda text: text + b'{"kind":"record"}\n',
}


@pytest.mark.parametrize("how", CHANGED)
def test_a_record_that_another_process_changes_is_not_written_to_any_more(
    suite: Path, tmp_path: Path, how: str
) -> None:
    output = tmp_path / "out.jsonl"
    running = subprocess.Popen(
        command(suite, output), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while not (output.exists() and output.read_bytes().count(b"\n") > 1):
        time.sleep(0.01)
    running.send_signal(signal.SIGSTOP)  # so that no line comes between
    changed = CHANGED[how](output.read_bytes())
    with output.open("r+b") as file:
        file.write(changed)
        file.truncate()
    running.send_signal(signal.SIGCONT)
    _, err = running.communicate(timeout=120)
    assert running.returncode == UNREADABLE
    assert f"parity: {output} cannot be written: another process has changed it, from " in err
    assert "Traceback" not in err
    assert output.read_bytes() == changed


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


# Some of the cases


PARTIAL = ["--max-groups", "1", "--max-dilation", "1"]


def test_bounds_select_the_cases_that_are_within_them(tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    given = f"sweep zoo --frameworks numpy --output {output} --ops conv2d,conv_transpose2d".split()
    assert run_cli([*given, *PARTIAL, "--limit", "40"]) == 4
    first, *records = lines(output)
    assert first["selection"] == {"ops": ["conv2d", "conv_transpose2d"], "max_groups": 1, "max_dilation": 1}
    among = Selection(("conv2d", "conv_transpose2d"), bounds={"max_groups": 1, "max_dilation": 1})
    expected = [named.name for named in load_suite("zoo").cases if named.case in among]
    assert [each["name"] for each in records] == expected[:40]
    assert len(expected) > 40


def test_a_sweep_without_bounds_says_nothing_of_them(suite: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    record(suite, output)
    assert "selection" not in lines(output)[0]


def test_a_record_says_within_what_it_was_made(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.jsonl"
    record(suite, output, "--max-stride", "2", "--paddings", "none,same")
    capsys.readouterr()
    assert run_cli(["report", str(output)]) == 4
    end = "3 cases: 0 agree, 3 explained, 0 unexplained (small within --max-stride 2 --paddings none,same)\n"
    assert capsys.readouterr().out.endswith(end)


def test_a_sweep_within_other_bounds_is_not_gone_on_with(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.jsonl"
    record(suite, output, "--max-stride", "1")
    before = output.read_bytes()
    for other, said in (
        (["--max-stride", "2"], "selection.max_stride was 1 and is 2"),
        ([], "selection.max_stride was 1 and is not recorded"),
        (["--max-stride", "1", "--ops", "conv1d"], "selection.ops was not recorded and is conv1d"),
    ):
        capsys.readouterr()
        assert record(suite, output, "--resume", *other) == 2
        assert said in capsys.readouterr().err
    assert output.read_bytes() == before
    assert record(suite, output, "--resume", "--max-stride", "1") == 4


def test_a_sweep_that_selects_nothing_says_so_and_writes_nothing(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.jsonl"
    assert record(suite, output, "--min-groups", "7") == 4
    assert capsys.readouterr() == (
        "",
        "nothing was compared: no case of small is within --min-groups 7\n",
    )
    assert not output.exists()


def test_a_selection_of_a_sweep_needs_no_hypothesis(suite: Path) -> None:
    code = (
        "import sys; sys.modules['hypothesis'] = None; from parity.cli.main import run_cli\n"
        f"sys.exit(run_cli(['sweep', {str(suite)!r}, '--frameworks', 'numpy', '--max-groups', '1']))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, "72 cases: 0 agree, 72 explained" in done.stdout) == (4, True), done.stderr
