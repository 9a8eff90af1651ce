"""`parity fuzz`: its exit codes, what it prints, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from parity.cases.case import Case
from parity.cli.main import run_cli
from parity.records.counts import Outcome
from tests.support.strategies import TIMES

COINCIDENCES = "tests.support.coincidences"
PLAIN = "--dtypes float32 --values integers".split()


def fuzz(
    capsys: pytest.CaptureFixture[str], database: Path, function: str, *options: str
) -> tuple[int, dict[str, Any]]:
    given = [
        "--frameworks",
        "numpy",
        "--impl",
        f"tests.support.coincidences:{function}",
        "--database",
        str(database),
    ]
    code = run_cli(["fuzz", *given, "--json", *options])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, document


def test_what_is_found_is_told_with_all_that_is_needed_to_pass_it_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, document = fuzz(capsys, tmp_path, "wrong_dilation", *PLAIN, "--examples", "100", "--seed", "7")
    assert code == Outcome.UNEXPLAINED
    assert (document["kind"], document["seed"], document["cases"]) == ("fuzz", 7, 100)
    frameworks = [each["framework"] for each in document["frameworks"]]
    assert frameworks == ["numpy", f"{COINCIDENCES}:wrong_dilation"]
    finding = next(each for each in document["findings"] if each["summary"].endswith("conv scaled"))
    assert finding["cause"] == {
        "framework": f"{COINCIDENCES}:wrong_dilation",
        "operation": "conv",
        "spelling": "native",
        "output": "value",
        "status": "ok",
        "relation": "scaled",
        "error": None,
    }
    assert (finding["dtypes"], finding["shrunk"]) == (["float32"], True)
    assert (finding["machine"], finding["tried"]) == ({}, None)  # a function names nothing to try
    assert "assert np.array_equal(y, expected)" in finding["script"]
    assert f'example = "{Case.from_dict(finding["case"]).command}"' in finding["entry"]
    assert run_cli(finding["command"].split()[1:]) == Outcome.UNEXPLAINED


@pytest.mark.parametrize("beside", [["--impl", "tests.support.coincidences:right"], []], ids=len)
def test_gradients_are_searched_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, beside: list[str]
) -> None:
    gradient = ["--impl-grad", "tests.support.gradient_functions:flipped_gradients"]
    asked = ["--grad", "--frameworks", "numpy", *beside, *gradient]
    given = [*asked, "--database", str(tmp_path), "--ops", "conv1d"]
    code = run_cli(["fuzz", *given, *PLAIN, "--examples", "30", "--json"])
    [finding] = json.loads(capsys.readouterr().out)["findings"]
    assert (code, finding["cause"]["output"], finding["shrunk"]) == (Outcome.UNEXPLAINED, "weight_grad", True)
    assert 'output = ["weight_grad"]' in finding["entry"]
    assert "expected[o, c, *i] += x[n, first + c, *at] * wide[n, o, *t]" in finding["script"]
    assert finding["command"].endswith(" ".join(asked))
    assert run_cli(finding["command"].split()[1:]) == Outcome.UNEXPLAINED
    assert run_cli(["fuzz", *given, *PLAIN, "--examples", "30"]) == Outcome.UNEXPLAINED


def test_the_frameworks_gradients_are_searched_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    given = ["--frameworks", "numpy,torch", "--grad", "--database", str(tmp_path), *PLAIN]
    code = run_cli(["fuzz", *given, "--examples", "40", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert (code, document["findings"], document["cases"]) == (Outcome.EXPLAINED, [], 40)


def test_a_search_is_printed_as_a_table_with_scripts_and_entries(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    impl = "tests.support.coincidences:wrong_dilation"
    given = f"--frameworks numpy --impl {impl} --ops conv1d --examples 50".split()
    assert run_cli(["fuzz", *given, *PLAIN, "--database", str(tmp_path)]) == Outcome.UNEXPLAINED
    out = capsys.readouterr().out
    assert "|tests.support.coincidences:wrong_dilation native conv scaled" in out.replace("| ", "|")
    script = "layer = functools.partial(\n    tests.support.coincidences.wrong_dilation,\n    stride=(3,),\n"
    assert script in out
    name = "tests-support-coincidences-wrong-dilation-native-conv-scaled-float32"
    assert f'\n[[divergence]]\nname = "{name}"\n' in out
    assert out.splitlines()[-1].startswith("50 cases: ")
    assert out.splitlines()[-1].endswith(" unexplained; 1 cause; seed 0")


def test_a_right_function_ends_well(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, document = fuzz(capsys, tmp_path, "right", "--examples", "200")
    assert code == Outcome.EXPLAINED
    assert document["findings"] == []
    assert document["verdicts"]["agree"] > 150  # of the others, every element is the same


def test_time_ends_a_search(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, document = fuzz(capsys, tmp_path, "right", "--seconds", "0.5")
    assert code == Outcome.EXPLAINED
    assert document["cases"] > 0


def test_a_crash_is_shrunk(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, document = fuzz(capsys, tmp_path, "aborts", *PLAIN, "--ops", "conv1d", "--examples", "20")
    [finding] = document["findings"]
    case = finding["case"]
    assert code == Outcome.CRASHED
    assert (finding["cause"]["status"], finding["cause"]["error"]) == ("crashed", "SIGABRT")
    assert finding["shrunk"]
    assert (case["kernel"], case["dilation"]) == ([2], [2])
    assert (case["input"][:2], case["filters"], case["stride"]) == ([1, 1], 1, [1])
    assert 'seen.status = "crashed"' in finding["entry"]


@pytest.mark.skipif(TIMES < 1, reason="by night: each hang takes its time, and a crash is shrunk by day")
def test_a_hang_is_shrunk(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    given = [*PLAIN, "--ops", "conv1d", "--examples", "4", "--timeout", "0.5", "--jobs", "2", "--seed", "1"]
    code, document = fuzz(capsys, tmp_path, "hangs", *given)
    [finding] = document["findings"]
    assert code == Outcome.CRASHED
    assert finding["cause"]["status"] == "timeout"
    assert finding["shrunk"]
    assert Case.from_dict(finding["case"]).command == (
        "parity run conv1d --input 1,1,1 --filters 1 --kernel 1 --stride 2 --bias"
    )


def test_nothing_compared_is_no_pass(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    given = ["fuzz", "--frameworks", "numpy", "--examples", "20", "--database", str(tmp_path)]
    assert run_cli(given) == Outcome.NOTHING_COMPARED
    assert "nothing was compared" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("--seconds 0", "--seconds"),
        ("--seconds -1", "--seconds"),
        ("--examples 0", "--examples"),
        ("--seed -1", "--seed"),
        ("--jobs 0", "--jobs"),
        ("--timeout 0", "--timeout"),
        ("--frameworks jax", "'jax'"),
        ("--ops conv9d", "conv9d"),
        ("--dtypes int8", "int8"),
        ("--values odd", "odd"),
        ("--impl nothing", "MODULE:FUNCTION"),
        ("--impl tests.support.coincidences:nothing --frameworks numpy", "no attribute 'nothing'"),
        ("--mode tf32", "mode='tf32' without impl"),
        ("--divergences nosuch.toml", "nosuch.toml"),
        ("--database setup.py/x --frameworks numpy --examples 1 conv1d", "conv1d"),
    ],
)
def test_bad_input_is_one_sentence_on_stderr(
    capsys: pytest.CaptureFixture[str], options: str, named: str
) -> None:
    code = run_cli(["fuzz", *options.split()])
    printed = capsys.readouterr()
    assert (code, printed.out) == (Outcome.WRONG_INPUT, "")
    assert len(printed.err.splitlines()) == 1
    assert named in printed.err


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_search_ends_cleanly_with_what_it_found(
    tmp_path: Path, signum: int, code: int
) -> None:
    given = "--frameworks numpy --impl tests.support.coincidences:wrong_dilation --seconds 300".split()
    running = subprocess.Popen(
        [sys.executable, "-m", "parity", "fuzz", *given, *PLAIN, "--database", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while running.poll() is None and not any(path.is_file() for path in tmp_path.rglob("*")):
        time.sleep(0.01)
    running.send_signal(signum)
    out, err = running.communicate(timeout=60)
    assert running.returncode == code
    assert err.strip().splitlines()[-1] == "parity: interrupted"
    assert "Traceback" not in err
    assert "wrong_dilation native conv" in out
    assert "[[divergence]]" in out


@pytest.mark.parametrize(
    ("command", "asker"),
    [(["fuzz"], "fuzz"), (["check", "--frameworks", "numpy"], "check without --input")],
    ids=["fuzz", "check"],
)
def test_without_hypothesis_one_sentence_says_what_to_install(
    tmp_path: Path, command: list[str], asker: str
) -> None:
    code = (
        "import sys\n"
        "import parity.frameworks.distributions as distributions\n"
        "distributions.installed_version = lambda name: None\n"
        f"from parity.cli.main import run_cli; sys.exit(run_cli({command}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"parity: {asker} needs hypothesis, which is not installed: pip install 'convparity[testing]'\n"
    )


def test_no_other_command_imports_hypothesis() -> None:
    code = (
        "import sys, parity.cli.main as cli; cli.run_cli(['--help']); sys.exit('hypothesis' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
