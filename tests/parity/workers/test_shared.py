"""The processes that all calls of a program share, from programs of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from parity import Case, FrameworkError, run
from parity.frameworks.table import find_framework
from parity.frameworks.task import here
from parity.running import run_with
from parity.workers.shared import Shared, shared
from tests.support.foreign import right
from tests.support.processes import workers_of
from tests.support.project import ROOT

PLAIN = Case("conv1d", (1, 1, 4), 1, 2)

SCRIPT = """
from parity import Case, run

print("begun")
result = run(Case("conv1d", (1, 1, 4), 1, 2), ["numpy", "torch"])
print(result.verdict)
"""


def test_a_framework_is_started_once_and_ended_when_closed() -> None:
    processes, framework = Shared(), find_framework("numpy")
    before = workers_of(psutil.Process())
    run_with(PLAIN, [framework], submit=processes.submit)
    started = workers_of(psutil.Process()) - before
    run_with(PLAIN, [framework], submit=processes.submit)
    assert len(started) == 1
    assert workers_of(psutil.Process()) - before == started
    processes.close()
    assert not workers_of(psutil.Process()) & started


def test_a_framework_that_crashes_costs_its_result_and_not_the_caller() -> None:
    impl = "tests.support.foreign:aborts_at_stride_3_of_conv"
    found = run(Case("conv1d", (1, 1, 9), 1, 2, stride=3), ["numpy"], impl=impl)
    assert [(each.status, each.error) for each in found.results] == [("ok", None), ("crashed", "SIGABRT")]
    assert run(PLAIN, ["numpy"], impl=impl).verdict == "agree"


def test_a_function_that_cannot_be_imported_is_said_so() -> None:
    with pytest.raises(FrameworkError, match="no_such' cannot be imported"):
        run(PLAIN, ["numpy"], impl="tests.support.foreign:no_such")
    with pytest.raises(FrameworkError, match="allowed is MODULE:FUNCTION"):
        run(PLAIN, ["numpy"], impl="no_module")


def test_a_function_given_itself_and_everything_that_is_not_isolated_run_in_this_process() -> None:
    pids: list[int] = []

    def ours(*_: object, **__: object) -> None:
        pids.append(os.getpid())

    run(PLAIN, ["numpy"], impl=ours)
    assert pids == [os.getpid()]
    code = (
        "from parity import Case, run; import sys; "
        "run(Case('conv1d', (1, 1, 4), 1, 2), ['torch'], isolated=False); print('torch' in sys.modules)"
    )
    assert ran([sys.executable, "-c", code]) == ["True"]
    assert ran([sys.executable, "-c", code.replace("isolated=False", "isolated=True")]) == ["False"]


def test_a_frameworks_switches_are_those_that_the_command_pins() -> None:
    run(PLAIN, ["torch"])
    switches = shared().switches(find_framework("torch"))
    assert switches is not None
    assert (switches["threads"], switches["nnpack"]) == (1, False)


def ran(command: list[str], text: str | None = None, folder: Path = ROOT) -> list[str]:
    """The words that a program prints."""
    done = subprocess.run(command, input=text, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.split()


def test_a_script_may_call_run_at_its_top_level_and_is_not_run_again(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    assert ran([sys.executable, str(script)]) == ["begun", "agree"]
    assert ran([sys.executable, "-c", SCRIPT]) == ["begun", "agree"]
    assert ran([sys.executable, "-"], SCRIPT) == ["begun", "agree"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_has_processes_of_its_own() -> None:
    code = """
import multiprocessing
from parity import Case, run

case = Case("conv1d", (1, 1, 4), 1, 2)
show = lambda: print(run(case, ["numpy"]).results[0].status, flush=True)
show()
child = multiprocessing.get_context("fork").Process(target=show)
child.start()
child.join()
show()
"""
    assert ran([sys.executable, "-W", "ignore", "-c", code]) == ["ok", "ok", "ok"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_the_end_of_a_forked_child_and_of_its_own_child_leaves_the_parents_processes_alone() -> None:
    code = """
import os, sys
from parity import Case, run

case = Case("conv1d", (1, 1, 4), 1, 2)
show = lambda: print(run(case, ["numpy"]).results[0].status, flush=True)

def generation(left):
    show()
    child = os.fork() if left else None
    if child == 0:
        generation(left - 1)
        sys.exit()
    if child:
        assert os.waitpid(child, 0)[1] == 0
        show()

generation(2)
"""
    assert ran([sys.executable, "-W", "ignore", "-c", code]) == ["ok"] * 5


DAEMONIC = """
import multiprocessing, os
from parity import Case, run, translate
from parity.testing import assert_parity

def asked(_):
    case = Case("conv1d", (1, 1, 4), 1, 2)
    assert_parity(case, ["numpy", "torch"])
    verified = translate("torch.nn.Conv1d(1, 1, 2)", "numpy").verified
    return run(case, ["numpy", "torch"]).verdict, verified, os.getpid()

with multiprocessing.get_context("fork").Pool(1) as pool:
    [(verdict, verified, process)] = pool.map(asked, [0])
print(verdict, verified, process != os.getpid())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_daemonic_process_which_may_start_none_runs_everything_itself() -> None:
    assert ran([sys.executable, "-W", "ignore", "-c", DAEMONIC]) == ["agree", "True", "True"]


def test_a_function_that_cannot_be_imported_leaves_no_process_behind() -> None:
    before = workers_of(psutil.Process())
    for _ in range(2):
        with pytest.raises(FrameworkError, match="no_such_module"):
            run(PLAIN, ["numpy"], impl="no_such_module:f")
    run(PLAIN, ["numpy"])
    assert len(workers_of(psutil.Process()) - before) <= 1  # NumPy's own


def test_a_function_that_is_slow_to_import_holds_up_no_other_call(tmp_path: Path) -> None:
    (tmp_path / "slow_to_import.py").write_text("import convmm, time\ntime.sleep(6)\nf = convmm.conv\n")
    code = """
import threading, time
from parity import Case, run

case = Case("conv1d", (1, 1, 4), 1, 2)
run(case, ["numpy"])
slow = threading.Thread(target=lambda: print(run(case, [], impl="slow_to_import:f").results[0].framework))
slow.start()
time.sleep(1)
print(run(case, ["numpy"]).results[0].framework, flush=True)
slow.join()
"""
    assert ran([sys.executable, "-c", code], folder=tmp_path) == ["numpy", "slow_to_import:f"]


def test_an_interrupted_call_leaves_no_process_at_work(tmp_path: Path) -> None:
    (tmp_path / "slow_at_width_5.py").write_text(
        "import time, convmm\n"
        "def f(x, w, bias=None, **arguments):\n"
        "    time.sleep(100 if x.shape[-1] == 5 else 0)\n"
        "    return convmm.conv(x, w, bias, **arguments)\n"
    )
    code = """
import signal, time
from parity import Case, run

signal.signal(signal.SIGALRM, signal.default_int_handler)
impl = "slow_at_width_5:f"
run(Case("conv1d", (1, 1, 4), 1, 2), ["numpy"], impl=impl)
signal.alarm(2)
try:
    run(Case("conv1d", (1, 1, 5), 1, 2), ["numpy"], impl=impl)
except KeyboardInterrupt:
    began = time.monotonic()
    print(run(Case("conv1d", (1, 1, 4), 1, 2), ["numpy"], impl=impl).verdict, time.monotonic() - began < 50)
"""
    assert ran([sys.executable, "-c", code], folder=tmp_path) == ["agree", "True"]


def test_a_call_that_is_interrupted_while_it_imports_may_be_made_again(tmp_path: Path) -> None:
    (tmp_path / "slow_at_first.py").write_text(
        "import convmm, pathlib, time\n"
        "seen = pathlib.Path('seen')\n"
        "if not seen.exists():\n"
        "    seen.touch()\n"
        "    time.sleep(3)\n"
        "f = convmm.conv\n"
    )
    code = """
import pathlib, signal, threading, time
from parity import Case, run

def interrupt():
    while not pathlib.Path("seen").exists():
        time.sleep(0.1)
    signal.raise_signal(signal.SIGINT)

threading.Thread(target=interrupt).start()
ask = lambda: run(Case("conv1d", (1, 1, 4), 1, 2), [], impl="slow_at_first:f").results[0].relation
try:
    ask()
except KeyboardInterrupt:
    print(ask())
"""
    assert ran([sys.executable, "-c", code], folder=tmp_path) == ["identical"]


def test_a_program_that_is_ending_is_told_so_and_gets_no_verdict() -> None:
    code = """
import atexit

def late():
    try:
        run(Case("conv1d", (1, 1, 4), 1, 2), ["numpy"])
    except FrameworkError as error:
        print("the program is ending" in str(error))

atexit.register(late)  # before multiprocessing's own, and so called after it

from parity import Case, FrameworkError, run

print(run(Case("conv1d", (1, 1, 4), 1, 2), ["numpy"]).verdict)
"""
    assert ran([sys.executable, "-c", code]) == ["explained", "True"]  # the core alone agrees with nothing


def test_threads_that_run_a_function_itself_leave_the_streams_as_they_were() -> None:
    before = sys.stdout, list(warnings.filters)

    def asked(channels: int) -> str:
        case = Case("conv1d", (1, 1, 4), channels, 2)
        return {run(case, ["numpy"], impl=right).verdict for _ in range(20)}.pop()

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(asked, range(1, 9))) == {"agree"}
    assert (sys.stdout, list(warnings.filters)) == before


@pytest.fixture
def hurried_threads() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hurried_threads")
def test_threads_get_the_answers_to_their_own_cases() -> None:
    def widths(channels: int) -> set[tuple[int, ...]]:
        case = Case("conv1d", (1, 1, 4), channels, 2)
        found = [run(case, ["numpy"]) for _ in range(60)]
        return {each.arrays[0].shape for each in found if each.arrays[0] is not None}

    with ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(widths, channels) for channels in range(1, 9)]
        assert [each.result(timeout=120) for each in waiting] == [{(1, n, 3)} for n in range(1, 9)]


def test_the_same_comes_of_both_ways_to_run() -> None:
    case = Case("conv_transpose2d", (1, 2, 3, 3), 1, 3, stride=2, padding="same", values="normal")
    isolated = run(case, ["numpy", "torch"]).to_dict()
    assert (
        isolated == run_with(case, [find_framework("numpy"), find_framework("torch")], submit=here).to_dict()
    )
