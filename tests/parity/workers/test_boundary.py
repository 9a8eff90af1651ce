"""What comes out of a process of foreign code: one result is lost at most, and it says what was there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from parity import Case
from parity.frameworks.function import implementation
from parity.frameworks.interface import Framework
from parity.frameworks.table import FrameworkError, find_framework
from parity.records.result import Result
from parity.running import run_all, run_with
from parity.workers import folder, pool, processes
from parity.workers.processes import ProcessError
from parity.workers.workers import Workers
from tests.support.hostile import ACTS
from tests.support.processes import workers_of
from tests.support.project import ROOT

PLAIN = Case("conv1d", (1, 2, 6), 3, 2, bias=True)


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    """What came of each of the functions, in one sweep of them all."""
    adapters: list[Framework] = [implementation("tests.support.hostile:act")]
    cases = [replace(PLAIN, stride=(number,)) for number in range(1, len(ACTS) + 1)]
    with Workers(adapters, timeout=60) as workers:
        found = list(run_all(cases, adapters, workers.submit, ahead=workers.ahead))
    return {function.__name__: each.results[0] for function, each in zip(ACTS, found, strict=True)}


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("raises_its_own", "OwnError: mine"),
        ("raises_keyboard_interrupt", "KeyboardInterrupt: nobody's"),
        ("raises_generator_exit", "GeneratorExit"),
        ("raises_without_words", "SpeechlessError: (no message: to ask for it raises OwnError)"),
        ("exits_when_asked_why", "LeavingError: (no message: to ask for it raises SystemExit)"),
        ("says_half_a_character", r"ValueError: a\ud800b"),
        ("says_very_much", f"ValueError: {'a' * 400} …"),
        ("says_it_in_a_text_of_its_own", "ValueError: own"),
    ],
)
def test_what_it_raises_is_its_own_result(results: dict[str, Result], name: str, error: str) -> None:
    result = results[name]
    assert (result.status, result.error, result.explained) == ("rejected", error, False)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("returns_a_huge_view", "it returned 4398046511104 elements, of shape (1048576, 1048576, 4)"),
        ("returns_texts", "it returned dtype <U1, which is of no numbers"),
    ],
)
def test_what_is_no_array_of_numbers_of_some_size_is_told(
    results: dict[str, Result], name: str, reason: str
) -> None:
    result = results[name]
    assert result.status == "invalid"
    assert str(result.reason).startswith(reason)


@pytest.mark.parametrize(
    "name",
    [
        "returns_its_own_array",
        "returns_its_own_dtype",
        "replaces_its_streams",
        "removes_what_it_writes",
        "leaves_a_child",
        "leaves_a_program",
    ],
)
def test_right_values_are_right_whatever_comes_with_them(results: dict[str, Result], name: str) -> None:
    assert results[name].relation == "identical"


def test_what_it_writes_into_our_pipes_costs_its_answer_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    monkeypatch.setattr(pool, "_LONGEST_END", 0.5)  # seconds; who reads for the pool ends no more
    names = ("right", "writes_to_every_pipe")
    adapters: list[Framework] = [implementation(f"tests.support.hostile:{name}") for name in names]
    with Workers(adapters, timeout=60) as workers:
        found = list(run_all([PLAIN] * 2, adapters, workers.submit, ahead=workers.ahead))
    for each in found:
        fine, lost = each.results
        assert fine.relation == "identical"
        assert (lost.status, lost.error) == ("crashed", "what its process sent cannot be read")


def modules(place: Path, monkeypatch: pytest.MonkeyPatch, **texts: str) -> None:
    """Modules in a working folder of their own."""
    for name, text in texts.items():
        (place / f"{name}.py").write_text(text)
    monkeypatch.chdir(place)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import sys; print('before'); sys.exit(3)", "cannot be imported: SystemExit: 3; it printed: before"),
        ("class Own(BaseException): pass\nraise Own('x')", "cannot be imported: Own: x"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_a_module_that_cannot_be_imported_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    modules(tmp_path, monkeypatch, hostile_module=text)
    found = implementation("hostile_module:f")
    with Workers([found]) as workers:
        try:
            workers.switches()
            said = str(run_with(PLAIN, [found], submit=workers.submit).results[0].error)
        except FrameworkError as error:
            said = str(error)
    assert message in said


def test_a_module_that_ends_its_process_says_what_it_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules(tmp_path, monkeypatch, hostile_end="import os\nprint('before', flush=True)\nos._exit(3)")
    with Workers([implementation("hostile_end:f")]) as workers, pytest.raises(ProcessError) as raised:
        workers.switches()
    assert "3 times in a row" in str(raised.value)
    assert str(raised.value).endswith("it ended with exit code 3; it wrote: before")


KILLED = """
import os, signal
from pathlib import Path
count = Path("count")
times = int(count.read_text()) if count.exists() else 0
count.write_text(str(times + 1))
if times < LIMIT:
    os.kill(os.getpid(), signal.SIGKILL)
import convmm
f = convmm.conv
"""


@pytest.mark.parametrize("times", [4, 5])
def test_a_process_that_is_killed_at_its_start_is_started_again_with_growing_pauses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    monkeypatch.setattr(pool, "_PAUSES_WHERE_KILLED", (0.01, 0.02, 0.04, 0.08))
    modules(tmp_path, monkeypatch, killed=KILLED.replace("LIMIT", str(times)))
    found = implementation("killed:f")
    with Workers([found]) as workers:
        if times == 4:
            assert run_with(PLAIN, [found], submit=workers.submit).results[0].relation == "identical"
        else:
            with pytest.raises(ProcessError, match=r"5 times in a row .* SIGKILL"):
                run_with(PLAIN, [found], submit=workers.submit)


def test_what_is_not_asked_is_not_recorded_and_asked_when_resumed(tmp_path: Path) -> None:
    (tmp_path / "killed.py").write_text(KILLED.replace("LIMIT", "6"))
    command = [sys.executable, "-m", "parity", "sweep", "article", "--ops", "conv2d", "--output", "r.jsonl"]
    command += ["--frameworks", "numpy", "--impl", "killed:f", "--resume"]
    code = f"""
from parity.workers import pool
pool._PAUSES_WHERE_KILLED = (0, 0, 0, 0)
from parity.cli.main import main
main({command[3:]!r})
"""
    program = [sys.executable, "-c", code]
    ends = [subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False) for _ in "12"]
    assert [done.returncode for done in ends] == [3, 0]
    assert ends[0].stderr.count("\n") == 1
    assert "crashed" not in (tmp_path / "r.jsonl").read_text()


# More cases than the limit and what is handed over at once: before the last batch the limit is reached.
@pytest.mark.parametrize(
    ("name", "limit", "cases"),
    [("_MOST_TASKS", 40, 40 + pool.MOST_TOGETHER + 8), ("_MOST_GROWTH", -(2**40), 9)],
)
def test_a_worn_process_is_replaced_and_no_answer_lost(
    monkeypatch: pytest.MonkeyPatch, name: str, limit: int, cases: int
) -> None:
    monkeypatch.setattr(pool, name, limit)
    adapters: list[Framework] = [find_framework("numpy")]
    before = workers_of(psutil.Process())
    with Workers(adapters) as workers:
        workers.switches()
        seen = workers_of(psutil.Process()) - before  # it may have ended when its first answer is looked at
        for found in run_all([PLAIN] * cases, adapters, workers.submit, ahead=workers.ahead):
            assert found.results[0].relation == "identical"
            seen |= workers_of(psutil.Process()) - before
    assert len(seen) > 1


@pytest.mark.skipif(sys.platform == "win32", reason="no process is stopped there")
def test_the_time_for_which_all_is_stopped_counts_for_no_task() -> None:
    """Ctrl-Z stops the command and its processes, and ``fg`` goes on with them."""
    code = """
from parity import Case
from parity.frameworks.function import implementation
from parity.frameworks.interface import Framework
from parity.running import run_with
from parity.workers.workers import Workers
adapters = [implementation("tests.support.foreign:takes_its_time")]
with Workers(adapters, timeout=4) as workers:
    workers.switches()
    print("begins", flush=True)
    found = run_with(Case("conv1d", (1, 2, 6), 3, 2), adapters, submit=workers.submit)
    print(found.results[0].status)
"""
    program = [sys.executable, "-c", code]
    with subprocess.Popen(
        program, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "begins\n"
        time.sleep(0.7)
        os.killpg(running.pid, signal.SIGSTOP)
        time.sleep(5)
        os.killpg(running.pid, signal.SIGCONT)
        assert running.communicate(timeout=60)[0] == "ok\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no process is stopped there")
def test_a_stopped_process_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_A_LITTLE", 2)
    adapters: list[Framework] = [find_framework("numpy")]
    before = workers_of(psutil.Process())
    with Workers(adapters) as workers:
        run_with(PLAIN, adapters, submit=workers.submit)
        [process] = workers_of(psutil.Process()) - before
        os.kill(process, signal.SIGSTOP)
        assert run_with(PLAIN, adapters, submit=workers.submit).results[0].relation == "identical"
        assert not psutil.pid_exists(process)


def test_an_interpreter_that_cannot_be_executed_is_named() -> None:
    code = """
import multiprocessing
multiprocessing.set_executable("/nowhere/python")
from parity import Case, FrameworkError, run
try:
    run(Case("conv1d", (1, 1, 4), 1, 2), ["numpy"])
except FrameworkError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "/nowhere/python cannot be executed" in done.stdout


ONE = ("run", "conv1d", "--input", "1,1,4", "--filters", "1", "--kernel", "2", "--frameworks", "numpy,torch")


def test_a_working_folder_that_was_deleted_is_named(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    code = f"import os; os.rmdir(os.getcwd()); from parity.cli.main import main; main({list(ONE)!r})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "gone",
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert "the working folder was deleted" in done.stderr


def test_descriptors_that_run_out_are_named() -> None:
    code = """
import resource
from parity.workers import pool
pool._PAUSES_WHERE_KILLED = ()
from parity.cli.main import main
import parity.cli.sweep
resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12))
main(["sweep", "article", "--limit", "1", "--frameworks", "numpy,torch"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert "Too many open files" in done.stderr


@pytest.mark.parametrize("closed", ["1", "2", "0,1,2"])
def test_closed_streams_cost_no_result(tmp_path: Path, closed: str) -> None:
    record = tmp_path / "r.jsonl"
    command = ["sweep", "article", "--limit", "3", "--frameworks", "numpy", "--output", str(record)]
    code = f"""
import os, sys
for number in ({closed},):
    os.close(number)
os.execv(sys.executable, [sys.executable, "-m", "parity", *{command!r}])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=100)
    assert done.returncode == 4  # the core alone
    assert record.read_text().count('"relation":"identical"') == 3


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes of a killed one")
def test_processes_that_are_starting_end_with_a_killed_parent(tmp_path: Path) -> None:
    code = """
import os, signal
from parity.frameworks.table import find_framework
from parity.workers.workers import Workers
from tests.support.hostile import ACTS
from tests.support.processes import workers_of
from tests.support.project import ROOT
with Workers([find_framework("numpy")], jobs=8):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {**os.environ, "TMPDIR": str(tmp_path), "MARKED_BY": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=False, timeout=100)
    left = [each for each in psutil.process_iter() if marked(each, str(tmp_path))]
    assert psutil.wait_procs(left, timeout=20)[1] == []


def marked(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get("MARKED_BY") == mark
    except psutil.Error:
        return False


# The folders


def test_the_folder_of_a_killed_command_goes_with_one_a_minute_later_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    used = folder.Folder()
    left = tmp_path / f"{used.path.name[:-8]}leftover"
    foreign, being_made, not_yet_locked = (tmp_path / f"{left.name}{number}" for number in range(3))
    for each in (left, foreign, being_made, not_yet_locked):
        each.mkdir()
    for each in (left, foreign, not_yet_locked):
        (each / "lock").touch()
    (left / "12.log").touch()
    (foreign / "thesis.txt").touch()
    for each in (left, foreign, used.path):
        os.utime(each, (time.time() - 61,) * 2)
    (tmp_path / f"{left.name}3").symlink_to(tmp_path)
    before = set(tmp_path.iterdir())
    another = folder.Folder()
    assert set(tmp_path.iterdir()) == before - {left} | {another.path}
    for made in (used, another):
        made.remove()
    assert not used.path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="it has no modes")
def test_what_processes_write_is_for_their_users_eyes_only() -> None:
    with Workers([find_framework("numpy")]) as workers:
        workers.switches()
        place = workers._folder.path  # noqa: SLF001 - nobody else is to know it
        assert {each.stat().st_mode & 0o077 for each in (place, *place.glob("*.log"))} == {0}
