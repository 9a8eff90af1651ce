"""What tells nothing is no agreement."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity import Case, run
from parity.cases.arrays import Array
from parity.cases.case import VALUES
from parity.cases.values.drawing import draw_arrays
from parity.cli.main import run_cli
from parity.frameworks.function import Implementation
from parity.records.counts import Outcome, Report
from parity.verdict.reference import make_reference
from tests.support import narrow
from tests.support.strategies import cases, examples

CONSTANTS = (0.0, -0.0, 1.0, -1.0, 2.0, np.inf, np.nan)


def returning(number: float, case: Case) -> Implementation:
    def function(x: Array, *_: Array, **__: object) -> Array:
        return np.full(case.output_shape, number, x.dtype)

    return Implementation(function)


@examples(300)
@given(cases(), st.sampled_from(CONSTANTS))
def test_one_number_everywhere_never_agrees_by_any_values(case: Case, number: float) -> None:
    assert run(case, [], impl=returning(number, case)).verdict != "agree"


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("number", [0.0, np.nan])
def test_neither_do_zeros_where_no_window_holds_anything_else(values: str, number: float) -> None:
    case = Case("conv2d", (1, 32, 4, 4), 1, 3, values=values)
    found = run(case, [], impl=returning(number, case))
    assert found.verdict == "unexplained"
    assert Report([found.record]).outcome == Outcome.UNEXPLAINED


@examples(200)
@given(cases(values=("special",)))
def test_most_of_an_output_is_finite_beside_special_values(case: Case) -> None:
    due = make_reference(case, draw_arrays(case)).y
    assert np.isfinite(due).sum() >= due.size / 2


@pytest.mark.parametrize("channels", [1, 30, 1000])
def test_special_values_are_in_every_array_at_any_number_of_terms(channels: int) -> None:
    case = Case("conv2d", (4, channels, 9, 9), 16, 3, bias=True, values="special", dtype="float16")
    x, w, bias = (array.astype(np.float64) for array in draw_arrays(case) if array is not None)
    for array in (x, w, bias):
        assert not np.isfinite(array).all()
    assert (np.abs(x[np.isfinite(x)]) > 40_000).any()
    tiny = float(np.finfo(np.float16).smallest_normal)
    assert all(((array != 0) & (np.abs(array) < tiny)).any() for array in (x, w))
    assert np.isfinite(make_reference(case, draw_arrays(case)).y).mean() >= 1 / 2


@pytest.mark.parametrize(
    ("case", "note"),
    [
        (Case("conv1d", (1, 1, 3), 1, 3), "a single element was compared"),
        (Case("conv1d", (2, 1, 1), 1, 1, values="arange"), None),
    ],
)
def test_a_result_says_that_it_tells_little(case: Case, note: str | None) -> None:
    result = run(case, [], impl=narrow.RIGHT).results[0]
    if note is None:  # 0 * 0 and 1 * 0
        assert (result.relation, result.explained, result.compared) == ("identical", True, False)
        assert "every finite element is zero" in result.notes[0]
    else:
        assert (result.relation, result.notes, result.compared) == ("identical", (note,), True)


def test_the_share_of_finite_elements_is_recorded() -> None:
    case = Case("conv2d", (4, 3, 9, 9), 8, 3, values="special", bias=True)
    found = run(case, [], impl=narrow.RIGHT)
    share = float(np.isfinite(np.asarray(found.arrays[0], np.float64)).mean())
    assert 1 / 2 <= share < 1
    assert found.to_dict()["results"][0]["finite_share"] == share


def test_what_overflows_whole_is_not_compared() -> None:
    case = Case("conv2d", (1, 12, 9, 9), 4, 3, values="arange", dtype="float16")
    result = run(case, [], impl=narrow.RIGHT).results[0]
    assert (result.compared, result.finite_share) == (False, 0.0)


@pytest.mark.parametrize(("sign", "explained"), [(1, True), (-1, False)])
def test_a_float16_value_beyond_the_largest_number_is_an_infinity_of_its_sign(
    sign: int,
    explained: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    case = Case("conv2d", (4, 2, 9, 9), 4, 3, values="special", dtype="float16")

    def function(x: Array, w: Array, **arguments: object) -> Array:
        wide = narrow.RIGHT(x.astype(np.float64), w.astype(np.float64), None, **arguments)
        with np.errstate(over="ignore"):
            narrowed = wide.astype(np.float16)
        narrowed[np.isinf(narrowed) & np.isfinite(wide)] *= sign
        return narrowed

    overflown = np.isfinite(make_reference(case, draw_arrays(case)).y)
    assert overflown.any()
    assert run(case, [], impl=function, mode="float32-sums").results[0].explained is explained


def test_a_verdict_of_nothing_compared_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    command = "run conv1d --input 1,1,4 --filters 1 --kernel 2 --frameworks numpy".split()
    assert run_cli(command) == Outcome.NOTHING_COMPARED
    out = capsys.readouterr().out
    assert out.splitlines()[-1].startswith("verdict: none, nothing was compared")
    run_cli([*command, "--json"])
    assert json.loads(capsys.readouterr().out)["verdict"] == "explained"


def test_allclose_beside_a_verdict_that_differs_is_explained_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "near_kernels.py").write_text(
        "import convmm, numpy as np\n"
        "def near(x, w, bias=None, **arguments):\n"
        "    y = convmm.conv(x, w, bias, **arguments)\n"
        "    return (y + 3e-5 * np.sign(y)).astype(y.dtype)\n"
    )
    monkeypatch.chdir(tmp_path)
    command = "run conv2d --input 1,256,9,9 --filters 4 --kernel 3 --values normal --frameworks numpy".split()
    assert run_cli([*command, "--impl", "near_kernels:near"]) == Outcome.EXPLAINED
    out = capsys.readouterr().out
    assert "of what rounding them allows" in out
    assert "verdict: agree; these values do not rule out" in out
