"""Arrays of a user's own, given as they are and as files."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import hypothesis.strategies as st
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given

import convmm
from parity import Case, CaseError, run
from parity.cases.arrays import Array, Arrays, limit_of, numpy_dtype
from parity.cases.case import DTYPES, VALUES
from parity.cases.own import ArrayError, OwnArrays, arrays_of, own_arrays
from parity.cases.values.drawing import draw_arrays
from parity.records.result import CaseResult
from parity.running import run_with
from parity.verdict.reference import sums_are_exact
from tests.support.hostile import signalling_nans
from tests.support.strategies import cases, changed, examples

CASE = Case("conv2d", (1, 2, 4, 3), 4, (3, 2), bias=True)
NAMES = Arrays._fields


def saved(folder: Path, array: Array, name: str = "x.npy") -> Path:
    np.save(folder / name, array)
    return folder / name


def given_arrays(case: Case, **change: object) -> Arrays:
    """Arrays that fit the case, and are not those that it draws."""
    return draw_arrays(changed(case, seed=case.seed + 1, values="normal", **change))


def ran(case: Case, **options: Any) -> CaseResult:  # noqa: ANN401 - whatever `run` takes
    """Run the case by the core, in this process."""
    return run(case, ["numpy"], isolated=False, **options)


def same_bits(one: Array | None, other: Array | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


@given(cases(), st.sets(st.sampled_from(NAMES)))
@examples(100)
def test_what_is_given_is_used_and_all_else_is_drawn_as_before(case: Case, names: set[str]) -> None:
    mine, drawn = given_arrays(case), draw_arrays(case)
    chosen = {name: getattr(mine, name) for name in names if getattr(mine, name) is not None}
    found = arrays_of(case, own_arrays(case, **chosen))
    for name in NAMES:
        assert same_bits(getattr(found, name), chosen.get(name, getattr(drawn, name)))


@given(cases(), st.sampled_from("CF"), st.sampled_from("<>"), st.sampled_from(DTYPES))
@examples(60)
def test_a_file_is_read_in_any_memory_layout_and_byte_order(
    tmp_path_factory: pytest.TempPathFactory,
    case: Case,
    order: Literal["C", "F"],
    endian: Literal["<", ">"],
    dtype: str,
) -> None:
    case = changed(case, dtype=dtype)
    folder, mine = tmp_path_factory.mktemp("arrays"), given_arrays(case)
    other = numpy_dtype(dtype) if dtype == "bfloat16" else numpy_dtype(dtype).newbyteorder(endian)
    files = {
        name: saved(folder, np.asarray(array).astype(other, order=order), f"{name}.npy")
        for name, array in mine._asdict().items()
        if array is not None
    }
    found = arrays_of(case, own_arrays(case, **files))
    assert all(same_bits(a, b) for a, b in zip(found, mine, strict=True))
    assert all(array.flags.c_contiguous and array.flags.writeable for array in (found.x, found.w))


def test_what_is_given_is_copied() -> None:
    mine = given_arrays(CASE)
    own = own_arrays(CASE, x=mine.x)
    before = own["x"].array.copy()
    mine.x[...] = 0
    np.testing.assert_array_equal(own["x"].array, before)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_hash_is_that_of_the_bytes_in_c_order_and_little_endian(dtype: str, tmp_path: Path) -> None:
    case = replace(CASE, dtype=dtype)
    x = given_arrays(case).x
    little = x if dtype == "bfloat16" else x.astype(x.dtype.newbyteorder("<"))
    expected = f"sha256:{hashlib.sha256(little.tobytes('C')).hexdigest()}"
    other = np.asfortranarray(x if dtype == "bfloat16" else x.astype(x.dtype.newbyteorder(">")))
    assert own_arrays(case, x=x)["x"].digest == expected
    assert own_arrays(case, x=saved(tmp_path, other))["x"].digest == expected
    record = ran(case, x=x).to_dict()
    assert record["own_arrays"] == {"x": expected}


def test_a_record_of_drawn_arrays_says_nothing_of_own_ones() -> None:
    assert "own_arrays" not in ran(CASE).to_dict()


@given(cases())
@examples(40)
def test_values_that_are_drawn_and_given_back_change_no_result(case: Case) -> None:
    drawn = draw_arrays(case)
    once, again = (
        ran(case, grad=True, **arrays)
        for arrays in ({}, {name: array for name, array in drawn._asdict().items() if array is not None})
    )
    assert once.results == again.results
    np.testing.assert_array_equal(once.reference, again.reference)


@pytest.mark.parametrize("values", VALUES)
def test_exactness_is_that_of_the_arrays_and_not_of_the_values_that_the_case_names(values: str) -> None:
    case = replace(CASE, values=values)
    whole, broken = np.full(case.input, 2, np.float32), np.full(case.input, 0.1, np.float32)
    ones = {"w": np.ones(case.kernel_shape, np.float32), "bias": np.ones(4, np.float32)}

    def exact(x: Array) -> bool:
        own: OwnArrays = own_arrays(case, x=x, **ones)
        return sums_are_exact(case, arrays_of(case, own))

    assert exact(whole)
    assert not exact(broken)


def test_a_wrong_function_is_found_on_own_arrays() -> None:
    def late(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401 - the same
        return np.roll(convmm.conv2d(x, w, bias, **arguments), 1, axis=-1)

    x = np.random.default_rng(0).standard_normal(CASE.input).astype(np.float32)
    assert ran(CASE, impl=convmm.conv2d, x=x).verdict == "agree"
    assert ran(CASE, impl=late, x=x).verdict == "unexplained"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [0.0, 1.0, np.nan, np.inf, "max", "smallest_subnormal"])
def test_no_value_is_taken_for_a_difference(value: float | str, dtype: str) -> None:
    case = replace(CASE, dtype=dtype)
    number = limit_of(dtype, value) if isinstance(value, str) else value
    shapes = {"x": case.input, "w": case.kernel_shape, "bias": (4,)}
    filled = {name: np.full(shape, number, numpy_dtype(dtype)) for name, shape in shapes.items()}
    found = ran(case, impl=convmm.conv2d, grad=True, **filled)
    assert [each.label for each in found.results if not each.explained] == []


@pytest.mark.parametrize("dtype", DTYPES)
def test_signalling_nans_are_quiet_ones_and_warn_of_nothing(dtype: str) -> None:
    case = replace(CASE, dtype=dtype)
    shapes = {"x": case.input, "w": case.kernel_shape, "bias": (4,)}
    given = {name: signalling_nans(shape, numpy_dtype(dtype)) for name, shape in shapes.items()}
    found = ran(case, impl=convmm.conv2d, grad=True, **given)
    assert [each.label for each in found.results if not each.explained] == []


def test_values_too_many_to_be_drawn_may_be_given() -> None:
    case = Case("conv1d", (1, 1, 70000), 1, 3, dtype="float16", values="arange")
    with pytest.raises(CaseError, match="arange"):
        arrays_of(case, {})
    x, w = np.ones(case.input, np.float16), np.ones(case.kernel_shape, np.float16)
    np.testing.assert_array_equal(arrays_of(case, own_arrays(case, x=x, w=w)).x, x)


TRANSPOSED = Case("conv_transpose2d", (1, 2, 4, 3), 4, (3, 2), dtype="bfloat16")

X = np.ones(CASE.input)
WRONG = [
    (
        CASE,
        "x",
        np.ones((1, 2, 4, 4), np.float32),
        "x has shape (1, 2, 4, 4) and dtype float32: allowed are the case's own, (1, 2, 4, 3), (N,C,*spat",
    ),
    (CASE, "x", X, "x has shape (1, 2, 4, 3) and dtype float64"),
    (CASE, "x", X.astype(np.int32), "dtype int32"),
    (CASE, "x", X.astype("V4"), "dtype void32"),
    (CASE, "w", np.ones((2, 4, 3, 2), np.float32), "(4, 2, 3, 2), (O,C/groups,*kernel)"),
    (CASE, "bias", np.ones((4, 1), np.float32), "(4,), (O)"),
    (CASE, "bias", np.float32(1), "bias has shape ()"),
    (
        replace(CASE, bias=False),
        "bias",
        np.ones(4, np.float32),
        "bias: allowed beside a case that has a bias",
    ),
    (replace(CASE, dtype="float16"), "x", X.astype(ml_dtypes.bfloat16), "dtype bfloat16"),
    (replace(CASE, dtype="float16"), "x", X.astype("V2"), "dtype void16"),
    (
        TRANSPOSED,
        "w",
        np.ones((4, 2, 3, 2), ml_dtypes.bfloat16),
        "(2, 4, 3, 2), (C,O/groups,*kernel), and bf",
    ),
    (TRANSPOSED, "x", X.astype(np.float16), "dtype float16"),
]


@pytest.mark.parametrize(("case", "name", "array", "said"), WRONG)
def test_an_array_that_is_not_the_cases_is_refused(case: Case, name: str, array: Array, said: str) -> None:
    with pytest.raises(ArrayError) as caught:
        ran(case, **{name: array})
    assert said in str(caught.value)


def test_a_huge_file_is_refused_by_its_shape_alone(tmp_path: Path) -> None:
    file = tmp_path / "huge.npy"
    np.lib.format.open_memmap(file, "w+", np.float32, (2**36,))  # sparse: it takes no room on the disk
    with pytest.raises(ArrayError, match=r"has shape \(68719476736,\)"):
        own_arrays(CASE, x=file)


def test_a_case_that_does_not_fit_in_memory_is_refused_before_its_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "huge.npy"
    shape = (1, 1, 2**38)
    np.lib.format.open_memmap(file, "w+", np.float32, shape)
    with pytest.raises(CaseError, match="of memory"):
        own_arrays(Case("conv1d", shape, 1, 1), x=file)


WHOLE = (
    b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 2), }".ljust(127) + b"\n"
)


@given(st.binary(max_size=40), st.integers(0, 200), st.integers(0, 8))
@examples(300)
def test_bytes_are_an_array_or_refused_in_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, inserted: bytes, start: int, dropped: int
) -> None:
    whole = WHOLE + bytes(8)
    file = tmp_path_factory.getbasetemp() / "mutated.npy"
    file.write_bytes(whole[:start] + inserted + whole[start + dropped :])
    with contextlib.suppress(ArrayError):
        found = own_arrays(Case("conv1d", (1, 1, 2), 1, 1), x=file)
        assert found["x"].array.shape == (1, 1, 2)


def test_the_unchanged_bytes_are_an_array(tmp_path: Path) -> None:
    file = tmp_path / "whole.npy"
    file.write_bytes(WHOLE + bytes(8))
    assert own_arrays(Case("conv1d", (1, 1, 2), 1, 1), x=file)["x"].array.tolist() == [[[0, 0]]]


@pytest.mark.parametrize("name", ["-x.npy", "conv2d", "with a space.npy", "it's $HOME;.npy"])
def test_the_command_names_the_files(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mine = given_arrays(CASE)
    for path, array in ((name, mine.bias), ("w.npy", mine.w)):
        with Path(path).open("wb") as file:
            np.save(file, np.asarray(array))
    own = own_arrays(CASE, w="w.npy", bias=name)
    found = run_with(CASE, [], own=own)
    start, _, written = found.command.partition(" --bias ")
    assert start == f"{replace(CASE, bias=False).command} --w w.npy"
    command = ["sh", "-c", f"printf %s {written}"]  # the PATH's own sh
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert Path(shown).resolve() == Path(name).resolve()
    assert not shown.startswith("-")
    assert found.record.command == found.command


def test_an_array_of_no_file_has_its_name_in_the_command() -> None:
    found = ran(CASE, x=given_arrays(CASE).x, grad=True)
    assert found.command == f"{CASE.command} --x x.npy --grad --frameworks numpy"
