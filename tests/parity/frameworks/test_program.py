"""Programs as contestants: what a right one gives, and that a wrong one costs its own answers alone."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
import pytest
from hypothesis import given

from parity.cases.case import Case
from parity.cli.main import run_cli
from parity.frameworks.contestants import contestants
from parity.frameworks.program import Program, programs
from parity.frameworks.table import FrameworkError
from parity.records.counts import Outcome
from parity.running import run_with
from parity.testing import check_framework
from parity.workers.workers import Workers
from tests.support.documents import blocks
from tests.support.project import ROOT
from tests.support.strategies import cases, examples

pytestmark = pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # JAX warns of it

DOCUMENT = "docs/how-to/a-program-as-a-contestant.md"
PLAIN = Case("conv_transpose2d", (1, 2, 3, 2), 2, 3, stride=2, padding=1, bias=True)

PROGRAM = """\
import json, os, sys, time
import ml_dtypes
import numpy as np
import convmm

def load(path):
    array = np.load(path)
    return array.view(ml_dtypes.bfloat16) if array.dtype == np.dtype("V2") else array

def answer(**message):
    print(json.dumps(message), flush=True)

for line in sys.stdin:
    asked = json.loads(line)
    if "protocol" in asked:
        answer(protocol=1, name="test", version="1.2.3")
        continue
    names = ["stride", "padding", "dilation", "groups"]
    if asked["op"].startswith("conv_transpose"):
        names.append("output_padding")
    arrays = [load(asked[name]) if asked[name] else None for name in ("x", "w", "bias")]
    y = getattr(convmm, asked["op"])(*arrays, **{name: asked[name] for name in names})
    {do}
    np.save(asked["y"], y)
    answer(id=asked["id"], status="ok")
"""


OK = "answer(id=asked['id'], status='ok'); continue"
NO = "answer(id=asked['id'], status='rejected', error='{}'); continue"


def written(folder: Path, do: str = "", text: str = PROGRAM) -> str:
    """Write a program that does this before it answers; the option that names it."""
    path = folder / "program.py"
    path.write_text(text.replace("{do}", do))
    return f"mine={shlex.join([sys.executable, str(path)])}"


def soon(holds: Callable[[], bool]) -> bool:
    """Whether it holds within some seconds: a process that is killed is not gone at once."""
    until = time.monotonic() + 20
    while not holds() and time.monotonic() < until:
        time.sleep(0.1)
    return holds()


def is_over(process: psutil.Process) -> bool:
    """Whether it has ended, though nobody has asked how."""
    with suppress(psutil.NoSuchProcess):
        return process.status() == psutil.STATUS_ZOMBIE
    return True


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The example in C, built by the system's compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    built = tmp_path_factory.mktemp("kernel") / "kernel"
    source = ROOT / "examples" / "programs" / "kernel.c"
    subprocess.run([compiler, "-O1", "-Wall", "-Werror", "-o", built, source], check=True)
    return f"mine={shlex.quote(str(built))}"


def test_the_example_in_c_computes_every_case_or_says_that_it_does_not(kernel: str) -> None:
    (program,) = programs([kernel])
    assert (program.version(), program.backend()) == ("1.0", "kernel.c")
    check_framework(program, cases=120)


def test_the_example_in_tensorflow_js_computes_every_case_or_says_that_it_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    modules = ROOT / "build" / "tfjs" / "node_modules"
    if shutil.which("node") is None or not modules.is_dir():
        pytest.skip("there is no Node with @tensorflow/tfjs: `nox -s frameworks` installs it")
    monkeypatch.setenv("NODE_PATH", str(modules))
    script = ROOT / "examples" / "programs" / "tensorflow.mjs"
    (program,) = programs([f"tfjs=node {shlex.quote(str(script))}"])
    assert program.backend() == "TensorFlow.js"
    check_framework(program, cases=120)


def test_a_program_is_compared_by_its_name_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*PLAIN.command.split()[1:], "--frameworks", "numpy", "--contestant", written(tmp_path)]
    assert run_cli(command) == Outcome.EXPLAINED
    printed = capsys.readouterr().out
    assert "mine 1.2.3" in printed
    assert "mine native: parity.frameworks.program.Request('conv_transpose2d', dtype='float32'" in printed
    assert f"--contestant 'mine={sys.executable} " in printed.splitlines()[0]


@pytest.mark.parametrize(
    ("do", "status", "said"),
    [
        ("y = y[..., :-1]", "ok", "its shape is (1, 2, 5, 2), and by its rules (1, 2, 5, 3)"),
        ("y = y.astype('float64')", "invalid", "it returned dtype float64, and the case's is float32"),
        ("y = np.broadcast_to(y.ravel()[0], (2**40,))[:0]", "ok", "its shape is (0,)"),
        (OK, "invalid", "and has not written y.npy"),
        (f"open(asked['y'], 'w').write('none'); {OK}", "invalid", "y.npy is no .npy file of numbers"),
        ("print('hello', flush=True); continue", "invalid", "it answered 'hello"),
        ("answer(id=-1, status='ok'); continue", "invalid", "allowed are the id"),
        ("print('[' * 2**21, flush=True); continue", "invalid", "its answer is longer than"),
        (NO.format("ValueError: not today"), "rejected", "ValueError: not today"),
        (NO.format("so it is"), "rejected", "RejectedError: so it is"),
        (NO.format("NotImplementedError: no"), "unsupported", "no"),
        ("os.kill(os.getpid(), 11)", "crashed", "its process ended: SIGSEGV"),
        ("sys.exit(7)", "crashed", "its process ended: exit code 7"),
        ("time.sleep(100)", "timeout", "it did not end within 3 s"),
        ("sys.stderr.write('x' * 2**24 + 'the last'); sys.stderr.flush()", "ok", ""),
    ],
)  # fmt: skip
def test_what_goes_wrong_costs_one_answer(do: str, status: str, said: str, tmp_path: Path) -> None:
    only = f"if asked['groups'] == 1:\n        {do}"
    (program,) = programs([written(tmp_path, only)])
    right = Case("conv1d", (1, 2, 4), 2, 3, groups=2)
    with Workers([program], timeout=3) as workers:
        (wrong,) = run_with(PLAIN, [program], submit=workers.submit).results
        (after,) = run_with(right, [program], submit=workers.submit).results
    assert wrong.status == status
    assert said in f"{wrong.error} {wrong.reason}"
    assert after.relation == "identical"
    if "last" in do:
        assert wrong.printed.endswith("the last")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A right program, for all the examples of a property."""
    (found,) = programs([written(tmp_path_factory.mktemp("program"))])
    return found


@examples(15)
@given(case=cases(dtypes=("float16", "bfloat16", "float64")))
def test_all_dtypes_cross(case: Case, program: Program) -> None:
    (result,) = run_with(case, [program]).results
    assert result.status == "ok"
    assert result.explained, result.reason


def test_a_request_is_as_the_document_shows_it(tmp_path: Path) -> None:
    [block] = blocks(DOCUMENT, "json")
    shown, kept = json.loads(block.text), tmp_path / "asked"
    (program,) = programs([written(tmp_path, f"open({str(kept)!r}, 'w').write(line)")])
    case = Case("conv_transpose2d", (1, 2, 3, 2), 2, 3, stride=2, padding=1, output_padding=0)
    run_with(case, [program])
    asked = json.loads(kept.read_text())
    assert list(asked) == list(shown)
    paths = {"x", "w", "y", "id"}
    assert {key: value for key, value in asked.items() if key not in paths} == {
        key: value for key, value in shown.items() if key not in paths
    }
    assert {Path(asked[name]).name for name in "xwy"} == {Path(shown[name]).name for name in "xwy"}


def test_the_commands_of_the_document_end_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: str
) -> None:
    pytest.importorskip("torch")
    [block] = blocks(DOCUMENT, "sh")
    build, *commands = block.text.splitlines()
    assert (ROOT / build.split()[-1]).is_file()
    monkeypatch.chdir(tmp_path)
    shutil.copy(shlex.split(kernel)[0].removeprefix("mine="), "kernel")
    for command in commands:
        assert run_cli(shlex.split(command)[1:]) == Outcome.EXPLAINED


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("mine", "allowed is NAME=COMMAND"),
        ("=./kernel", "allowed is NAME=COMMAND"),
        ("mine=", "allowed is NAME=COMMAND"),
        ("mi ne=./kernel", "allowed is NAME=COMMAND"),
        ("torch=./kernel", "torch is a framework's name"),
        ("mine='", "No closing quotation"),
        ("mine=./nowhere/kernel", "cannot be started: [Errno 2] No such file"),
        ("mine=true", "it ended: exit code 0"),
        ("mine=sh -c 'echo no >&2; exit 3'", "it ended: exit code 3; it wrote: no"),
        ("mine=echo '{}'", "allowed is the protocol 1"),
        ("mine=echo hello", "it answered 'hello'"),
    ],
)
def test_a_program_that_cannot_be_asked_is_the_users_mistake(
    given: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["run", "conv1d", "--input", "1,1,4", "--filters", "1", "--kernel", "3", "--contestant", given]
    assert run_cli(command) == Outcome.WRONG_INPUT
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err


def test_a_name_is_given_once(tmp_path: Path) -> None:
    with pytest.raises(FrameworkError, match="'mine' is given 2 times"):
        contestants(["numpy"], programs=2 * [written(tmp_path)])


@pytest.mark.skipif(sys.platform != "linux", reason="it asks Linux which processes there are")
@pytest.mark.parametrize(
    ("do", "status", "said"),
    [
        ("subprocess.Popen(['sleep', '77']); os._exit(3)", "crashed", "exit code 3"),
        ("subprocess.run(['sleep', '77'])", "timeout", "within 3 s"),
    ],
)
def test_what_a_program_has_started_keeps_nobody_waiting_and_ends_with_the_run(
    do: str, status: str, said: str, tmp_path: Path
) -> None:
    given = written(tmp_path, f"import subprocess; {do}")
    (program,) = programs([f"mine=sh -c {shlex.quote(given.partition('=')[2] + '; exit $?')}"])
    began = time.monotonic()
    with Workers([program], timeout=3) as workers:
        (result,) = run_with(PLAIN, [program], submit=workers.submit).results
    assert time.monotonic() - began < 60
    assert result.status == status
    assert said in str(result.reason)
    sleeping = partial(psutil.process_iter, ["cmdline"])
    assert soon(lambda: not [each for each in sleeping() if "77" in (each.info["cmdline"] or ())])


def test_a_program_ends_with_the_process_that_asks_it(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    record = f"open({str(pids)!r}, 'a').write(f'{{os.getpid()}}\\n')"
    (program,) = programs([written(tmp_path, record)])
    with Workers([program]) as workers:
        run_with(PLAIN, [program], submit=workers.submit)
    (pid,) = pids.read_text().split()
    assert soon(lambda: not psutil.pid_exists(int(pid)) or is_over(psutil.Process(int(pid))))
