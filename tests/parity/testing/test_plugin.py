"""The plugin of pytest, in runs of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from parity.cases.suites import load_suite
from parity.cli.main import run_cli
from parity.frameworks.table import installed, names
from parity.records.counts import Outcome
from parity.records.reader import read_records
from tests.support.nested import run

pytest_plugins = ["pytester"]

SUITE = """
description = "Two layers."
[[case]]
name = "first"
op = "conv1d"
input = [1, 1, 4]
filters = 1
kernel = 2
[[case]]
name = "second"
op = "conv_transpose1d"
input = [1, 2, 3]
filters = 1
kernel = 3
stride = 2
"""

OF_A_SUITE = """
import pytest
from parity.testing import assert_parity

@pytest.mark.parity(suite="mine.toml")
def test_mine(parity_case):
    assert_parity(parity_case, ["numpy"], impl=right)
"""

RIGHT = """
import convmm

def right(x, w, bias=None, **arguments):
    function = convmm.conv_transpose if "output_padding" in arguments else convmm.conv
    return function(x, w, bias, **arguments)

def wrong(x, w, bias=None, **arguments):
    return 2 * right(x, w, bias, **arguments)
"""

COMPARING = """
import pytest
from hypothesis import given, settings
from parity import Case
from parity.strategies import cases
from parity.testing import assert_parity, assert_same_layer

@settings(max_examples=10, deadline=None, database=None, derandomize=True)
@given(cases(max_channels=2, max_groups=1))
def test_by_property(case):
    assert_parity(case, ["numpy"], impl=right)

@pytest.mark.parametrize("stride", [1, 2, 3])
def test_strides(stride):
    assert_same_layer(right, Case("conv1d", (1, 1, 7), 1, 2, stride=stride))

def test_wrong():
    assert_parity(Case("conv1d", (1, 1, 4), 1, 2), ["numpy"], impl=wrong)
"""


def read(file: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The header and the records of a file."""
    first, *rest = map(json.loads, file.read_text().splitlines())
    return first, rest


@pytest.fixture
def comparing(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with tests that compare: of a suite, by property, one by one, and one that fails."""
    pytester.makefile(".toml", mine=SUITE)
    pytester.makepyfile(test_suite=RIGHT + OF_A_SUITE, test_others=RIGHT + COMPARING)
    return pytester


# Suites


def test_a_suite_becomes_tests_that_are_named_as_its_cases_are(comparing: pytest.Pytester) -> None:
    result = run(comparing, "-v", "test_suite.py")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["*test_suite.py::test_mine[[]first[]] PASSED*", "*test_mine[[]second[]] PASSED*"]
    )


def test_a_case_that_the_function_cannot_do_is_skipped_with_its_reason(pytester: pytest.Pytester) -> None:
    pytester.makefile(".toml", mine=SUITE)
    partial = """
def only_conv(x, w, bias=None, **arguments):
    if "output_padding" in arguments:
        raise NotImplementedError("transposed")
    return right(x, w, bias, **arguments)
"""
    pytester.makepyfile(test_partial=RIGHT + partial + OF_A_SUITE.replace("impl=right", "impl=only_conv"))
    result = run(pytester, "-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*: test_partial:only_conv says that it is unsupported: transposed"])


def test_a_built_in_suite_is_known_by_name(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(OF_A_SUITE.replace("mine.toml", "zoo"))
    result = run(pytester, "--collect-only", "-q")
    names = [line.partition("[")[2] for line in result.outlines if "test_mine[" in line]
    assert names == [f"{named.name}]" for named in load_suite("zoo").cases]


def test_a_marked_class_may_have_tests_that_take_no_case(pytester: pytest.Pytester) -> None:
    pytester.makefile(".toml", mine=SUITE)
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parity(suite="mine.toml")
        class TestMine:
            def test_with(self, parity_case):
                assert parity_case.rank == 1

            def test_without(self):
                pass
        """
    )
    run(pytester).assert_outcomes(passed=3)


WRONG_MARKERS = {
    "parity": 'allowed is one suite, by name or as the path of a TOML file: *suite="zoo"*',
    'parity("zoo")': "allowed is one suite*",
    'parity(suites="zoo")': "allowed is one suite*",
    "parity(suite=3)": "allowed is one suite*",
    'parity(suite="zo")': "suite '*zo'*: allowed are article, zoo, threads, *known, or the path*",
    'parity(suite="broken.toml")': "*broken.toml: no valid TOML*",
}


def test_a_marker_that_names_no_suite_is_one_error_without_a_traceback(pytester: pytest.Pytester) -> None:
    pytester.makefile(".toml", broken="[[")
    for number, marker in enumerate(WRONG_MARKERS):
        code = f"import pytest\n@pytest.mark.{marker}\ndef test_mine(parity_case): pass"
        pytester.makepyfile(**{f"test_{number}": code})
    result = run(pytester)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(errors=len(WRONG_MARKERS))
    for number, message in enumerate(WRONG_MARKERS.values()):
        result.stdout.fnmatch_lines([f"*test_{number}.py::test_mine: marker parity: {message}"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_suites.py*")


def test_a_marked_test_that_takes_no_case_is_an_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile('import pytest\n@pytest.mark.parity(suite="zoo")\ndef test_mine(): pass')
    result = run(pytester)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*test_mine: marker parity: allowed is a test that takes *parity_case"])


# Frameworks


@pytest.mark.parametrize(
    ("arguments", "names"), [([], installed()), (["--parity-frameworks", "torch, numpy"], ["torch", "numpy"])]
)
def test_the_fixture_has_the_names_of_the_frameworks(
    pytester: pytest.Pytester, arguments: list[str], names: list[str]
) -> None:
    pytester.makepyfile(f"def test_names(parity_frameworks): assert parity_frameworks == {names!r}")
    run(pytester, *arguments).assert_outcomes(passed=1)


def test_a_framework_that_is_not_known_ends_the_run_before_it_begins(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_nothing(): pass")
    result = run(pytester, "--parity-frameworks", "torhc")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.errlines == [
        "ERROR: --parity-frameworks: framework 'torhc': did you mean torch? allowed are "
        + ", ".join(names()),
        "",
    ]


def test_the_whole_run_shares_one_process_a_framework_and_ends_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys
        import psutil
        from parity import Case
        from parity.testing import assert_parity

        def processes():
            children = psutil.Process().children(recursive=True)
            return sorted(each.pid for each in children if "resource_tracker" not in str(each.cmdline()))

        def test_nothing_runs_before_it_is_asked_for():
            assert not processes()

        def test_first():
            assert_parity(Case("conv1d", (1, 1, 4), 1, 2))
            names = {"torch", "keras", "tensorflow"} & set(sys.modules)
            assert not names
            print("processes", *processes())

        def test_second():
            assert_parity(Case("conv1d", (1, 1, 5), 1, 2))
            print("processes", *processes())
        """
    )
    result = run(pytester, "-s", "--parity-frameworks", "numpy,torch")
    result.assert_outcomes(passed=3)
    first, second = (line.split("processes ")[1].split() for line in result.outlines if "processes" in line)
    assert first == second
    assert len(first) >= 2
    assert not [pid for pid in first if psutil.pid_exists(int(pid))]


def test_pytest_shows_the_users_line_and_the_diagnosis(comparing: pytest.Pytester) -> None:
    result = run(comparing, "test_others.py::test_wrong")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">   *assert_parity(Case(*impl=wrong)",
            "E   *AssertionError: conv1d of an input 1x1x4: unexplained: test_others:wrong native",
            "E   *$ parity run conv1d --input 1,1,4 --filters 1 --kernel 2*--impl test_others:wrong",
        ]
    )
    result.stdout.no_fnmatch_line("*testing.py:*")


# Recording


@pytest.mark.parametrize("processes", ["0", "2"])
def test_what_a_run_compares_is_recorded_as_a_sweep_is_each_case_once(
    comparing: pytest.Pytester, capsys: pytest.CaptureFixture[str], processes: str
) -> None:
    result = run(comparing, "-n", processes, "--parity-record", "run.jsonl")
    result.assert_outcomes(passed=6, failed=1)
    file = comparing.path / "run.jsonl"
    header, records = read(file)
    result.stdout.fnmatch_lines([f"parity: {len(records)} cases recorded in run.jsonl"])
    frameworks = {found["framework"]: found["switches"] for found in header["frameworks"]}
    assert frameworks == {
        "numpy": {"threads": 1},
        "test_others:right": None,
        "test_others:wrong": None,
        "test_suite:right": None,
    }
    drawn = "hypothesis: test_others.py::test_by_property"
    assert sorted(header["suites"]) == [drawn, "mine", "test_others.py"]
    names = [record["name"] for record in records]
    assert len(set(names)) == len(names)
    assert sorted(record["name"] for record in records if record["suite"] == "mine") == ["first", "second"]
    layer = "parity run conv1d --input 1,1,7 --filters 1 --kernel 2"
    assert sorted(name for name in names if name.startswith("test_strides")) == [
        f"test_strides[1] {layer}",
        f"test_strides[2] {layer} --stride 2",
        f"test_strides[3] {layer} --stride 3",
    ]
    assert sum(record["suite"] == drawn for record in records) >= 5
    assert not any("test_by_property" in name for name in names)
    assert run_cli(["report", str(file)]) == Outcome.UNEXPLAINED
    assert "1 unexplained" in capsys.readouterr().out


def test_a_run_is_recorded_packed_where_the_name_says_so(comparing: pytest.Pytester) -> None:
    for name in ("run.jsonl.zst", "run.jsonl.gz"):
        result = run(comparing, "--parity-record", name, "test_suite.py")
        count = len(list(read_records(comparing.path / name)[1]))
        result.stdout.fnmatch_lines([f"parity: {count} cases recorded in {name}"])
        assert count > 1


def test_what_hypothesis_drew_is_apart_and_no_change_from_run_to_run(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    pytester.makefile(".toml", mine=SUITE)
    for number in (1, 2):
        drawn = COMPARING.partition("@pytest.mark.parametrize")[0].replace(
            "derandomize=True)", f"derandomize=True)\n@seed({number})"
        )
        drawn = drawn.replace("derandomize=True", "").replace("import given", "import given, seed")
        pytester.makepyfile(test_suite=RIGHT + OF_A_SUITE, test_others=RIGHT + drawn)
        run(pytester, "--parity-record", f"{number}.jsonl").assert_outcomes(passed=3)
    files = [str(pytester.path / f"{number}.jsonl") for number in (1, 2)]
    cases = [{record["command"] for record in read(Path(file))[1]} for file in files]
    assert cases[0] != cases[1]
    capsys.readouterr()
    assert run_cli(["diff", *files]) == Outcome.EXPLAINED
    shown = capsys.readouterr().out
    assert f"only in {files[1]}: {len(cases[1] - cases[0])} case" in shown
    assert "that hypothesis drew; that is no change" in shown


def test_a_process_of_pytest_that_crashes_takes_its_own_test_s_records_only(
    comparing: pytest.Pytester,
) -> None:
    comparing.makepyfile(
        test_crash="import os\ndef test_crash(): os._exit(3)",
    )
    result = run(comparing, "-n", "1", "--parity-record", "run.jsonl", "test_suite.py", "test_crash.py")
    result.assert_outcomes(passed=2, failed=1)
    _, records = read(comparing.path / "run.jsonl")
    assert [record["name"] for record in records] == ["first", "second"]


@pytest.mark.parametrize("processes", ["0", "1"])
def test_an_existing_file_is_left_as_it_is_and_nothing_runs(
    comparing: pytest.Pytester, processes: str
) -> None:
    file = comparing.path / "there.jsonl"
    file.write_text("mine\n")
    result = run(comparing, "-n", processes, "--parity-record", "there.jsonl")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: --parity-record there.jsonl is there already; name another file, or remove it first" in (
        result.errlines
    )
    result.stdout.no_fnmatch_line("*passed*")
    assert file.read_text() == "mine\n"


def test_a_file_in_no_folder_is_an_error_before_anything_runs(comparing: pytest.Pytester) -> None:
    result = run(comparing, "--parity-record", "missing/run.jsonl")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: --parity-record missing/run.jsonl: allowed is a file in a folder that is there" in (
        result.errlines
    )


def test_a_file_that_appears_meanwhile_is_left_as_it_is_and_the_run_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        RIGHT
        + """
from pathlib import Path
from parity import Case
from parity.testing import assert_same_layer

def test_mine():
    assert_same_layer(right, Case("conv1d", (1, 1, 4), 1, 2))
    Path("run.jsonl").write_text("another's")
"""
    )
    result = run(pytester, "--parity-record", "run.jsonl")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["parity: nothing was recorded: run.jsonl is there already*"])
    assert (pytester.path / "run.jsonl").read_text() == "another's"


def test_a_run_that_compares_nothing_writes_no_file_and_says_so(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_nothing(): pass")
    result = run(pytester, "--parity-record", "run.jsonl")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["parity: nothing was compared, and run.jsonl was not written"])
    assert not (pytester.path / "run.jsonl").exists()


# What it costs


def test_a_run_that_does_not_use_the_plugin_imports_nothing_for_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing():
            assert "parity.testing.plugin" in sys.modules
            assert not {"numpy", "scipy", "torch", "keras", "parity.cases.case"} & set(sys.modules)
        """
    )
    run(pytester, "-p", "no:hypothesispytest").assert_outcomes(passed=1)


def test_the_plugin_itself_imports_neither_hypothesis_nor_numpy_nor_a_framework() -> None:
    code = "import parity.testing.plugin, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "scipy", "hypothesis", "torch", "keras", "tensorflow"} & set(done.stdout.split())


def test_a_module_of_the_package_does_not_take_the_place_of_the_function_of_its_name() -> None:
    code = "import parity.running, parity; print(callable(parity.run), callable(parity.translate))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]
