"""The command line, in this process; what it prints, and the codes it ends with."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from parity.cli.main import run_cli
from parity.records.counts import Outcome

pytestmark = pytest.mark.usefixtures("shared_processes")

ARTICLE = "conv_transpose2d --input 5,3,2,2 --filters 1 --kernel 3 --stride 2 --output-padding 1".split()
HEADER = '{"kind": "header", "schema": 1, "frameworks": [], "suites": []}\n'


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run_cli(list(arguments))
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_the_articles_case_agrees_in_every_framework(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ran(capsys, "run", *ARTICLE, "--json")
    record = json.loads(out)
    shapes = {f"{r['framework']} {r['spelling']}": r["shape"] for r in record["results"]}
    assert code == Outcome.EXPLAINED
    assert record["verdict"] == "agree"
    assert shapes == {
        "numpy native": [5, 1, 6, 6],
        "torch native": [5, 1, 6, 6],
        "keras native": [5, 1, 6, 6],
        "keras lookalike": [5, 1, 4, 4],
    }


def test_a_case_prints_its_layers_and_its_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ran(capsys, "run", *ARTICLE)
    assert code == Outcome.EXPLAINED
    assert "torch.nn.ConvTranspose2d(3, 1, (3, 3), stride=(2, 2)" in out
    assert out.splitlines()[-1].startswith("verdict: agree; these values do not rule out ")


def test_the_printed_command_runs_the_same_case(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = ran(capsys, "run", *ARTICLE, "--json", "--frameworks", "torch")
    command = json.loads(out)["command"].split()[1:]
    _, again, _ = ran(capsys, *command, "--json", "--frameworks", "torch")
    assert json.loads(again) == json.loads(out)


def test_arrays_are_shown_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    small = "conv1d --input 1,1,3 --filters 1 --kernel 1 --values arange --frameworks torch".split()
    _, out, _ = ran(capsys, "run", *small, "--show-arrays")
    assert "x, 1x1x3, float32:\n[[[0. 1. 2.]]]" in out
    _, out, _ = ran(capsys, "run", *small, "--show-arrays", "--json")
    assert json.loads(out)["arrays"]["x"] == [[[0.0, 1.0, 2.0]]]
    assert json.loads(out)["results"][0]["array"] == [[[0.0, 0.0, 0.0]]]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("run conv9d --input 1,1,3 --filters 1 --kernel 1", "conv9d"),
        ("run conv1d --input 1,1,3 --filters 1", "--kernel"),
        ("run conv1d --input 1,1,3 --filters 1 --kernel one", "'one'"),
        ("run conv1d --input 1,1,3 --filters 1 --kernel 1 --padding 1:x", "'1:x'"),
        ("run conv1d --input 1 --filters 1 --kernel 1", "input=(1,)"),
        ("run conv1d --input 1,1,-1 --filters 1 --kernel 1", "input=(1, 1, -1)"),
        ("run conv1d --input 1,1,3 --filters 1 --kernel 5", "kernel_size=5"),
        ("run conv1d --input 1,1,3 --filters 1 --kernel 1 --output-padding 1", "output_padding"),
        ("run conv2d --input 1,4,3,3 --filters 3 --kernel 1 --groups 2", "groups=2"),
        ("run conv1d --input 1,1,3 --filters 1 --kernel 1 --dtype int8", "int8"),
        ("run conv1d --input 1,1,3 --filters 1 --kernel 1 --frameworks cupy", "'cupy'"),
        ("run conv1d --input 1,1,3 --filters 1 --kernel 1 --seed -1", "seed=-1"),
        ("run conv1d --input 1,1,3 --filters 1 --kernel 1 --impl nothing", "MODULE:FUNCTION"),
        ("run conv1d --input 1,1,3 --filters 1 --kernel 1 --impl no.such:thing", "no.such:thing"),
        ("run conv1d --input 1,1,3 --filters 1 --kernel 1 --mode tf32", "mode='tf32' without impl"),
        ("run conv1d --input 1,1,3 --filters 1 --kernel 1 --impl math:sin --mode tf64", "any-sums, float32"),
        ("run conv1d --input 1,1,3 --filters 1 --kernel 1 --impl math:sin --mode=", "mode=''"),
        ("sweep --mode any-sums", "mode='any-sums' without impl"),
        ("sweep --impl math:sin --mode TF32", "mode='TF32': allowed are any-sums"),
        ("run conv_transpose1d --input 1,1,3 --filters 1 --kernel 1 --output-padding 1", "output_padding=1"),
        ("run conv1d --input 9999999,9999,999 --filters 1 --kernel 1", "GiB"),
        ("sweep nosuch", "'nosuch'"),
        ("sweep --limit 0", "--limit"),
        ("report nosuch.jsonl", "nosuch.jsonl"),
        ("sizes conv2d --kernel 3 --stride 0", "stride=0"),
        ("sizes conv2d --kernel 3 --want 3", "--want without --input"),
        ("sizes conv2d --kernel 3 --input 1,3,8,8 --want 8 --padding 1", "--padding beside --want"),
        ("sizes conv2d --kernel 3 --input 1,3,8,8 --want 8 --up-to 4", "--up-to beside --want"),
        ("sizes conv_transpose1d --kernel 3 --input 1,3,8 --want 8 --output-padding 0", "--output-padding"),
        ("sizes conv2d --kernel 3 --input 1,3,8,8 --want 8,8,8", "want=(8, 8, 8)"),
        ("sizes conv2d --kernel 3 --input 1,3,8,8 --want 0", "want=0"),
        ("sizes conv2d --kernel 3 --input 1,3,8,8 --want 8x8", "'8x8'"),
        ("sizes conv2d --kernel 3 --input 3 --want 8", "input=(3,)"),
        ("sizes conv2d --kernel 3 --input 1,3,8,8 --filters 4 --groups 2 --want 8", "groups=2"),
        ("explain conv1d --input 1,1,2 --filters 1 --kernel 3", "kernel_size=3"),
        ("nosuch", "nosuch"),
    ],
)
def test_bad_input_is_one_sentence_on_stderr(
    capsys: pytest.CaptureFixture[str], arguments: str, named: str
) -> None:
    code, out, err = ran(capsys, *arguments.split())
    assert code == Outcome.WRONG_INPUT
    assert out == ""
    assert len(err.splitlines()) == 1
    assert named in err
    assert "Traceback" not in err


def test_a_sweep_is_recorded_and_reported(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "record.jsonl"
    code, out, _ = ran(capsys, "sweep", "article", "--limit", "4", "--output", str(file))
    header, *records = map(json.loads, file.read_text().splitlines())
    assert code == Outcome.EXPLAINED
    assert header["kind"] == "header"
    assert [record["kind"] for record in records] == ["record"] * 4
    assert "4 cases: 4 agree, 0 explained, 0 unexplained (article)" in out
    assert ran(capsys, "report", str(file)) == (code, out, "")


def test_a_record_is_never_overwritten(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "record.jsonl"
    file.write_text("something dear")
    code, _, err = ran(capsys, "sweep", "--limit", "1", "--output", str(file))
    assert code == Outcome.WRONG_INPUT
    assert str(file) in err
    assert file.read_text() == "something dear"


def test_a_sweep_that_cannot_be_written_does_not_begin(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, err = ran(capsys, "sweep", "--output", str(tmp_path / "no" / "folder.jsonl"))
    assert (code, out) == (Outcome.WRONG_INPUT, "")
    assert "folder.jsonl cannot be written" in err


def test_a_sweep_as_json_is_a_line_a_record(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = ran(capsys, "sweep", "article", "--limit", "2", "--json", "--frameworks", "torch")
    assert [json.loads(line)["kind"] for line in out.splitlines()] == ["header", "record", "record"]


def test_a_torn_last_line_is_dropped_and_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "record.jsonl"
    ran(capsys, "sweep", "article", "--limit", "2", "--output", str(file), "--frameworks", "torch")
    file.write_text(file.read_text()[:-40])
    code, out, err = ran(capsys, "report", str(file))
    assert code == Outcome.EXPLAINED
    assert "1 cases: 1 agree" in out
    assert "torn" in err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no line"),
        ("not json\n", "line 1: no valid JSON"),
        ('{"kind": "record"}\n', "line 1: allowed is a header"),
        ('{"kind": "header", "schema": 99}\n', "schema 99"),
        (
            '{"kind": "header", "schema": 1, "frameworks": [], "suites": []}\n[]\n',
            "line 2: allowed is a record",
        ),
        ('{"kind": "header", "schema": 1}\n', "line 1: Object missing required field `suites`"),
        (
            HEADER + '{"kind": "record", "schema": 1, "case": {}, "command": "", '
            '"verdict": "agree", "results": [{}]}\n',
            "line 2: Object missing required field `framework` - at `$.results[0]`",
        ),
    ],
)
def test_a_file_that_is_no_record_is_refused_with_its_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "record.jsonl"
    file.write_text(text)
    code, out, err = ran(capsys, "report", str(file))
    assert (code, out) == (Outcome.WRONG_INPUT, "")
    assert said in err


def test_nothing_compared_is_no_pass(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ran(capsys, "run", *ARTICLE, "--frameworks", "numpy")
    assert code == Outcome.NOTHING_COMPARED
    assert "nothing was compared" in out


def test_a_wrong_implementation_is_unexplained(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wrongkernels.py").write_text(
        "import convmm\n"
        "def late(x, w, bias=None, **arguments):\n"
        "    return convmm.conv_transpose(x, w, bias, **{**arguments, 'padding': ((1, 0), (1, 0))})\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    code, out, _ = ran(
        capsys, "run", *ARTICLE, "--frameworks", "torch", "--impl", "wrongkernels:late", "--json"
    )
    late = json.loads(out)["results"][-1]
    assert code == Outcome.UNEXPLAINED
    assert (late["framework"], late["relation"], late["offset"]) == ("wrongkernels:late", "window", [1, 1])
    assert not late["explained"]


def test_a_function_is_judged_by_the_mode_that_is_declared(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cutkernels.py").write_text(
        "import convmm\n"
        "import numpy as np\n"
        "def cut(x, w, bias=None, **arguments):\n"
        "    y = convmm.conv(*(a.astype(np.float32) for a in (x, w)), **arguments)\n"
        "    return (y.view(np.uint32) & 0xFFFF0000).view(np.float32).astype(x.dtype)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    case = "conv1d --input 2,3,9 --filters 4 --kernel 3 --dtype bfloat16 --values normal --json".split()
    given = ["run", *case, "--frameworks", "numpy", "--impl", "cutkernels:cut"]
    assert ran(capsys, *given)[0] == Outcome.EXPLAINED
    code, out, _ = ran(capsys, *given, "--mode", "float32-sums")
    assert code == Outcome.UNEXPLAINED
    core, cut = json.loads(out)["results"]
    assert (core["explained"], cut["explained"]) == (True, False)
    assert "beyond the bound of bfloat16, sums in float32, and" in cut["reason"]
    assert "cut off instead of rounded" in cut["reason"]


def test_explain_shows_the_matrix_and_same_inside_valid(capsys: pytest.CaptureFixture[str]) -> None:
    worked = "conv_transpose2d --input 1,1,2,2 --filters 1 --kernel 3 --stride 2 --output-padding 1"
    code, out, _ = ran(capsys, "explain", *worked.split())
    assert code == Outcome.EXPLAINED
    assert "3. unroll transposed, 9x25" in out
    assert "  12 14 34 21 24  0\n" in out
    assert '"same" inside "valid": the 4x4 in brackets, of 6x6' in out
    assert "  [ 6] [ 8] [19] [12]  15    0\n" in out


def test_sizes_group_the_ambiguous_ones(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = "sizes conv2d --kernel 3,2 --stride 2,1 --padding 1 --up-to 2 --json".split()
    code, out, _ = ran(capsys, *arguments)
    rows, alone = (table["rows"] for table in json.loads(out))
    assert code == Outcome.EXPLAINED
    assert rows[1] == {
        "coarse": 2,
        "fine": [3, 4],
        "output_padding": [0, 1],
        "layers": {
            "torch": ["padding=1", "padding=1, output_padding=1"],
            "keras": ["padding='same', output_padding=0", None],
        },
        "default": 3,
        "ambiguous": True,
    }
    assert [row["ambiguous"] for row in alone] == [False, False]


def test_explain_draws_each_frameworks_window_on_the_full_response(
    capsys: pytest.CaptureFixture[str],
) -> None:
    doubling = "--input 1,1,3 --filters 1 --kernel 3 --stride 2 --padding 1 --output-padding 1"
    _, out, _ = ran(capsys, "explain", "conv_transpose1d", *doubling.split())
    assert "  this case        .######\n" in out
    assert "  keras lookalike  ######.\n" in out
    same = "conv1d --input 1,1,6 --filters 1 --kernel 3 --stride 2 --padding same"
    _, out, _ = ran(capsys, "explain", *same.split())
    assert "  this case         ######o\n" in out
    assert "  torch lookalike  o######\n" in out


def test_sizes_take_the_options_of_run(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ran(capsys, "sizes", *ARTICLE)
    assert code == Outcome.EXPLAINED
    assert "input 5x3x2x2 gives output 5x1x6x6" in out


def test_sizes_without_filters_have_as_many_as_input_channels(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ran(capsys, *"sizes conv2d --kernel 3 --input 1,3,8,8".split())
    assert code == Outcome.EXPLAINED
    assert "input 1x3x8x8 gives output 1x3x6x6" in out


@pytest.mark.parametrize(("asked", "most"), [("", 20), (" --up-to 9", 9), (" --up-to 30", 30)])
def test_the_largest_size_that_is_asked_for_counts_beside_an_input(
    capsys: pytest.CaptureFixture[str], asked: str, most: int
) -> None:
    _, out, _ = ran(capsys, *f"sizes conv1d --kernel 1 --input 1,1,20 --json{asked}".split())
    (table,) = json.loads(out)
    assert [row["coarse"] for row in table["rows"]] == list(range(1, most + 1))


def test_sizes_of_unlike_axes_are_one_table(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = ran(capsys, *"sizes conv2d --kernel 3,2 --stride 2 --up-to 2".split())
    assert out.count("restored in torch by") == 1
    assert out.count("| axis 0|") == out.count("| axis 1|") == 4


def test_a_wanted_size_is_answered_by_layers_in_code(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = "sizes conv_transpose2d --kernel 2 --stride 2 --input 1,3,16,16 --want 33,33".split()
    code, out, _ = ran(capsys, *wanted)
    assert code == Outcome.EXPLAINED
    assert "33x33 from an input of 16x16 and a full response of 32x32" in out
    assert "torch.nn.ConvTranspose2d(3, 3, (2, 2), stride=(2, 2), padding=(0, 0), output_padding=(1, " in out
    assert "output_size=(33, 33)" in out
    assert out.count("framework ") == 1
    _, out, _ = ran(capsys, *wanted, "--json")
    answers = {each["framework"]: each for each in json.loads(out)["answers"]}
    assert answers["torch"]["layers"][0]["begins"] == [0, 0]
    assert "output_padding=(1, 1)" in answers["keras"]["layers"][0]["layer"]


def test_a_wanted_size_that_cannot_be_had_is_answered_by_the_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = ran(capsys, *"sizes conv2d --kernel 3 --input 1,3,8,8 --want 4".split())
    assert code == Outcome.EXPLAINED
    assert out.count("without padding an input of 8 gives 6") >= 3


def test_frameworks_name_their_versions(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = ran(capsys, "frameworks", "--json")
    found = {each["framework"]: each for each in json.loads(out)}
    assert list(found)[:3] == ["numpy", "torch", "keras"]
    assert {"onnxruntime", "jax", "flax", "mlx"} <= set(found)
    for each in found.values():
        assert each["version"] if each["installed"] else "pip install" in each["unavailable"]


@pytest.mark.parametrize(
    "arguments", [["--help"], ["frameworks"], ["run", "--help"], ["sizes", "conv1d", "--kernel", "2"]]
)
def test_no_framework_is_imported_for_nothing(arguments: list[str]) -> None:
    script = (
        "import sys\nfrom parity.cli.main import run_cli\n"
        f"code = run_cli({arguments!r})\n"
        "loaded = sorted({'torch', 'keras', 'tensorflow', 'jax'} & set(sys.modules))\n"
        "sys.exit(f'{code} {loaded}')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == "0 []"


def test_the_module_runs_like_the_console_script() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "parity", "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: parity ")
