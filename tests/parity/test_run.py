from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import convmm
from parity import Case, CaseError, run
from parity.cases.arrays import Array, is_constant, numpy_dtype
from parity.cases.values.drawing import draw_arrays
from parity.cases.verdict import VERDICTS
from parity.frameworks.contestants import contestants
from parity.frameworks.function import Implementation, implementation
from parity.frameworks.table import FrameworkError, installed
from parity.records.result import CaseResult, Result
from parity.verdict.judge import compare_pairs
from tests.support.hostile import signalling_nans
from tests.support.results import result_of
from tests.support.strategies import cases, examples

ARTICLE = Case("conv_transpose2d", (5, 3, 2, 2), 1, 3, stride=2, output_padding=1)
PLAIN = Case("conv2d", (2, 3, 6, 5), 4, 3, stride=2, padding=1, bias=True)
EMPTY = Case("conv_transpose1d", (1, 1, 2), 1, 2, padding=((1, 2),))

Function = Callable[..., Any]

# The keys of CaseResult.to_dict() and of each of its results and pairs, in order.
KEYS = ["schema", "case", "command", "verdict", "reference", "results", "pairs"]
RESULT_KEYS = [
    "framework",
    "version",
    "backend",
    "spelling",
    "variant",
    "layer",
    "status",
    "output",
    "error",
    "shape",
    "shape_equal",
    "allclose",
    "exact",
    "finite_share",
    "not_ruled_out",
    "compared",
    "notes",
    "max_abs_error",
    "bound_ratio",
    "relation",
    "offset",
    "places",
    "predicted",
    "explained",
    "reason",
    "warnings",
    "printed",
    "repeats",
    "divergence",
    "unseen",
]
PAIR_KEYS = ["a", "b", "shape_equal", "allclose"]
SPELLINGS = {"native", "lookalike", "exact"}
STATUSES = {"ok", "rejected", "unsupported", "crashed", "timeout", "invalid"}


def function_of(case: Case) -> Function:
    """The core's own function: a right implementation of the case's operation."""
    return convmm.conv_transpose if case.transposed else convmm.conv


def run_with_impl(case: Case, function: Function, *frameworks: str) -> tuple[CaseResult, Result]:
    """Through these frameworks, and the function after them."""
    found = run(case, list(frameworks), impl=function)
    return found, found.results[-1]


def is_of(value: object, *kinds: type) -> bool:
    """Of exactly one of these types: a NumPy number is none that JSON has."""
    return value is None or type(value) in kinds


# The article's example


@pytest.mark.parametrize(
    ("framework", "spelling", "shape"),
    [
        ("numpy", "native", (5, 1, 6, 6)),
        ("torch", "native", (5, 1, 6, 6)),
        ("keras", "native", (5, 1, 6, 6)),
        ("keras", "lookalike", (5, 1, 4, 4)),
    ],
)
def test_the_articles_example_has_the_articles_shapes(
    framework: str, spelling: str, shape: tuple[int, ...]
) -> None:
    results = {(result.framework, result.spelling): result for result in run(ARTICLE).results}
    result = results[framework, spelling]
    assert result.shape == shape
    assert result.exact == (spelling == "native")
    assert result.explained


def test_the_articles_example_agrees_in_all_frameworks() -> None:
    found = run(ARTICLE)
    assert found.verdict == "agree"
    assert found.reference.shape == (5, 1, 6, 6)


def test_the_articles_picture_has_the_articles_numbers() -> None:
    case = Case("conv_transpose2d", (1, 1, 2, 2), 1, 3, stride=2, output_padding=1, values="arange")
    expected = [
        [0, 0, 0, 1, 2, 0],
        [0, 0, 3, 4, 5, 0],
        [0, 2, 10, 10, 14, 0],
        [6, 8, 19, 12, 15, 0],
        [12, 14, 34, 21, 24, 0],
        [0, 0, 0, 0, 0, 0],
    ]
    found = run(case)
    for result, array in zip(found.results, found.arrays, strict=True):
        if result.spelling == "native":
            assert array is not None
            assert array.tolist() == [[expected]]


# All frameworks


@examples(40)
@given(cases(values=("integers", "arange")))
def test_a_case_as_json_has_the_contracts_keys_and_no_value_that_json_lacks(case: Case) -> None:
    found = json.loads(json.dumps(run(case).to_dict(), allow_nan=False))
    assert list(found) == KEYS
    assert found["schema"] == 1
    assert Case.from_dict(found["case"]) == case == Case.from_command(found["command"])
    assert found["verdict"] in VERDICTS
    assert found["reference"] == {"shape": list(case.output_shape)}
    assert found["results"]
    for result in found["results"]:
        assert [key for key in result if key != "errors"] == RESULT_KEYS
        assert "errors" not in result or result["relation"] != "identical"
    assert [list(pair) for pair in found["pairs"]] == [PAIR_KEYS] * len(found["pairs"])


@examples(40)
@given(cases(values=("integers",)))
def test_every_value_of_a_result_has_the_contracts_type(case: Case) -> None:
    for result in run(case).to_dict()["results"]:
        assert result["spelling"] in SPELLINGS
        assert result["status"] in STATUSES
        assert type(result["explained"]) is type(result["compared"]) is bool
        for name in ("framework", "version", "backend", "layer", "error", "relation", "predicted", "reason"):
            assert is_of(result[name], str)
        for name in ("shape_equal", "allclose", "exact"):
            assert is_of(result[name], bool)
        for name in ("finite_share", "max_abs_error", "bound_ratio"):
            assert is_of(result[name], float)
        for name in ("not_ruled_out", "notes", "places"):
            assert {type(word) for word in result[name]} <= {str}
        for name in ("shape", "offset"):
            assert is_of(result[name], list)
            assert {type(number) for number in result[name] or ()} <= {int}


@examples(30)
@given(cases(values=("integers",)))
def test_all_pairs_of_results_are_compared_and_not_only_neighbours(case: Case) -> None:
    found = run(case)
    computed = [result.label for result in found.results if result.shape is not None]
    expected = {(a, b) for number, a in enumerate(computed) for b in computed[number + 1 :]}
    assert {(pair.a, pair.b) for pair in found.pairs} == expected
    assert len(found.pairs) == len(expected)


def test_two_neighbours_that_are_close_do_not_make_the_ends_of_a_chain_close() -> None:
    step = 0.9 * (1e-5 + 1.3e-6 * 100)
    values = [np.full((1, 1, 1), 100 + i * step) for i in range(3)]
    results = [(result_of("f", "native", None, "ok", shape=(1, 1, 1)), value) for value in values]
    assert [pair.allclose for pair in compare_pairs(results, "float32")] == [True, False, True]


def test_a_result_says_which_versions_computed_it() -> None:
    for result in run(ARTICLE).results:
        assert result.version
        assert result.backend or result.framework == "torch"


def test_frameworks_run_in_the_order_asked_for() -> None:
    found = run(ARTICLE, ["torch", "numpy"])
    assert list(dict.fromkeys(result.framework for result in found.results)) == ["torch", "numpy"]


def test_all_installed_frameworks_run_where_none_is_named() -> None:
    assert list(dict.fromkeys(result.framework for result in run(ARTICLE).results)) == installed()


def test_one_unknown_framework_among_others_is_an_error() -> None:
    with pytest.raises(FrameworkError, match="'caffe'"):
        run(ARTICLE, ["numpy", "caffe"])


def test_no_result_is_no_pass() -> None:
    found = run(ARTICLE, [])
    assert found.results == ()
    assert found.pairs == ()
    assert found.verdict == "unexplained"


def test_values_too_large_for_the_dtype_are_an_error_and_no_verdict() -> None:
    with pytest.raises(CaseError, match="arange"):
        run(Case("conv1d", (1, 1, 70000), 1, 1, dtype="float16", values="arange"), ["numpy"])


@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")
def test_sums_that_overflow_in_the_dtype_are_no_difference() -> None:
    case = Case("conv1d", (1, 1, 300), 1, 300, dtype="float16", values="arange")
    found = run(case, ["numpy", "torch"])
    assert {(each.relation, each.finite_share, each.compared) for each in found.results} == {
        ("identical", 0.0, False)
    }
    assert found.verdict == "explained"


# Outputs without elements


@pytest.mark.parametrize("frameworks", [["numpy"], ["torch"], ["keras"], None])
def test_an_output_without_elements_is_explained_and_agrees_with_nothing(
    frameworks: list[str] | None,
) -> None:
    found = run(EMPTY, frameworks)
    assert found.reference.size == 0
    assert found.verdict == "explained"
    for result in found.results:
        if result.status == "ok":
            assert (result.relation, result.explained) == ("empty", True)
            assert (result.allclose, result.exact, result.max_abs_error) == (None, None, None)


@pytest.mark.parametrize("size", [(1, 1, 1), (1, 2, 0), (2, 1, 0)], ids=str)
def test_an_output_with_elements_where_none_were_due_is_unexplained(size: tuple[int, ...]) -> None:
    found, result = run_with_impl(EMPTY, lambda *_, **__: np.zeros(size, np.float32))
    assert not result.explained
    assert found.verdict == "unexplained"


# A user's own function


@examples(80)
@given(cases(values=("integers",)))
def test_a_right_function_agrees(case: Case) -> None:
    found, result = run_with_impl(case, function_of(case))
    assert result.framework == f"convmm.operations.forward:{function_of(case).__name__}"
    assert result.spelling == "native"
    assert result.explained
    assert found.verdict == ("explained" if is_constant(found.reference) else "agree")


@examples(50)
@given(cases())
def test_a_function_is_called_with_everything_explicit(case: Case) -> None:
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def recorded(*operands: Array, **arguments: Any) -> None:  # noqa: ANN401 - whatever it is called with
        calls.append((operands, arguments))

    run_with_impl(case, recorded)
    ((operands, arguments),) = calls
    assert [array.shape for array in operands[:2]] == [case.input, case.kernel_shape]
    assert len(operands) == 2 + case.bias
    assert {array.dtype for array in operands} == {numpy_dtype(case.dtype)}
    assert arguments == case.explicit


def test_a_function_is_recorded_under_its_name_and_with_its_call() -> None:
    def mine(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401
        return np.asarray(convmm.conv(x, w, bias, **arguments))

    _, result = run_with_impl(PLAIN, mine)
    assert result.framework == f"{__name__}:mine"
    arguments = "stride=(2, 2), padding=((1, 1), (1, 1)), dilation=(1, 1), groups=1"
    assert result.layer == f"functools.partial({__name__}.mine, {arguments})"


def test_a_callable_without_a_name_has_that_of_its_class() -> None:
    assert Implementation(partial(convmm.conv)).name == "functools:partial"


def off_by_one_window(function: Function) -> Function:
    def shifted(*operands: Array, **arguments: Any) -> Array:  # noqa: ANN401 - whatever it is called with
        padding = tuple((before + 1, max(after - 1, 0)) for before, after in arguments["padding"])
        return np.asarray(function(*operands, **{**arguments, "padding": padding}))

    return shifted


def after(function: Function, change: Callable[[Array], object]) -> Function:
    """The function, its result changed."""
    return lambda *operands, **arguments: change(function(*operands, **arguments))


def flipped(function: Function) -> Function:
    return lambda x, w, *bias, **arguments: function(
        x, np.flip(w, tuple(range(2, w.ndim))), *bias, **arguments
    )


def swapped_kernel_axes(function: Function) -> Function:
    return lambda x, w, *bias, **arguments: function(x, np.swapaxes(w, -1, -2), *bias, **arguments)


def without_bias(function: Function) -> Function:
    return lambda x, w, *_, **arguments: function(x, w, **arguments)


def without_argument(name: str, function: Function) -> Function:
    return lambda *operands, **arguments: function(
        *operands, **{key: value for key, value in arguments.items() if key != name}
    )


def with_nan(result: Array) -> Array:
    result.flat[0] = np.nan
    return result


def with_infinity(result: Array) -> Array:
    result.flat[-1] = np.inf
    return result


def with_one_wrong(result: Array) -> Array:
    result.flat[result.size // 2] += 1
    return result


def with_one_last_bit_wrong(result: Array) -> Array:
    largest = np.unravel_index(np.abs(result).argmax(), result.shape)
    result[largest] = np.nextafter(result[largest], np.float32(0))
    return result


def all_masked(result: Array) -> Array:
    """A masked array compares as nothing at all where it is not looked at as it is."""
    return np.ma.masked_array(result + 1, mask=True)


WRONG: dict[str, Callable[[Function], Function]] = {
    "a window off by one": off_by_one_window,
    "a flipped kernel": flipped,
    "swapped kernel axes": swapped_kernel_axes,
    "no bias": without_bias,
    "no stride": partial(without_argument, "stride"),
    "no padding": partial(without_argument, "padding"),
    "no dilation": partial(without_argument, "dilation"),
    "float64": partial(after, change=lambda y: y.astype(np.float64)),
    "integers": partial(after, change=lambda y: y.astype(np.int32)),
    "None": partial(after, change=lambda _: None),
    "a list": partial(after, change=lambda y: y.tolist()),
    "a scalar": partial(after, change=lambda y: y.flat[0]),
    "one element": partial(after, change=lambda y: y[:1, :1, :1, :1]),
    "one sample": partial(after, change=lambda y: y[:1]),
    "no leading axis": partial(after, change=lambda y: y[0]),
    "another axis": partial(after, change=lambda y: y[..., np.newaxis]),
    "channels last": partial(after, change=lambda y: np.moveaxis(y, 1, -1)),
    "swapped spatial axes": partial(after, change=lambda y: np.swapaxes(y, -1, -2)),
    "no elements": partial(after, change=lambda y: y[..., :0]),
    "zeros": partial(after, change=np.zeros_like),
    "NaN": partial(after, change=lambda y: np.full_like(y, np.nan)),
    "one NaN": partial(after, change=with_nan),
    "memory that nobody wrote": partial(after, change=lambda y: signalling_nans(y.shape, y.dtype)),
    "one infinity": partial(after, change=with_infinity),
    "one wrong element": partial(after, change=with_one_wrong),
    "one wrong last bit": partial(after, change=with_one_last_bit_wrong),
    "a masked array": partial(after, change=all_masked),
    "twice the result": partial(after, change=lambda y: 2 * y),
    "a rounding to bfloat16": partial(
        after, change=lambda y: y.astype(numpy_dtype("bfloat16")).astype(np.float32)
    ),
}

FAULTY_CASES = {
    "conv2d": Case(
        "conv2d", (2, 4, 7, 7), 2, 3, stride=2, padding=((1, 1), (2, 1)), dilation=(1, 2), bias=True
    ),
    "conv_transpose2d": Case(
        "conv_transpose2d", (2, 4, 4, 4), 2, 3, stride=2, padding=((1, 1), (0, 1)), dilation=(1, 2), bias=True
    ),
}


@pytest.mark.parametrize("fault", WRONG)
@pytest.mark.parametrize("op", FAULTY_CASES)
def test_a_wrong_function_is_unexplained_and_changes_no_other_result(op: str, fault: str) -> None:
    case = FAULTY_CASES[op]
    found, result = run_with_impl(case, WRONG[fault](function_of(case)), "numpy", "torch")
    assert not result.explained
    assert result.reason
    assert found.verdict == "unexplained"
    assert found.results[:-1] == run(case, ["numpy", "torch"]).results
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize("op", FAULTY_CASES)
def test_a_window_off_by_one_is_named_as_such(op: str) -> None:
    case = FAULTY_CASES[op]
    _, result = run_with_impl(case, off_by_one_window(function_of(case)))
    assert result.relation == "window"
    assert result.offset == ((1, 1) if case.transposed else (-1, -1))
    assert "another window" in (result.reason or "")


@pytest.mark.parametrize("error", [ValueError("no"), AssertionError(), MemoryError("much"), RecursionError()])
def test_a_function_that_raises_is_rejected_and_unexplained(error: Exception) -> None:
    def raising(*_: Array, **__: object) -> None:
        raise error

    found, result = run_with_impl(PLAIN, raising, "numpy")
    assert (result.status, result.explained, result.shape) == ("rejected", False, None)
    assert (result.error or "").startswith(type(error).__name__)
    assert found.verdict == "unexplained"
    assert found.results[0].exact


def test_a_function_that_overwrites_its_inputs_changes_nothing_for_the_others() -> None:
    def destructive(x: Array, w: Array, bias: Array, **arguments: Any) -> Array:  # noqa: ANN401
        result = np.asarray(convmm.conv(x, w, bias, **arguments))
        for array in (x, w, bias):
            array[:] = np.nan
        return result

    found = run(PLAIN, ["numpy", "torch"], impl=destructive)
    assert [result.exact for result in found.results[:2]] == [True] * 2
    assert found.results[2].status == "invalid"
    assert found.results[2].error == "it changed x and w and bias, which it was given to read"
    again = run(PLAIN, ["numpy", "torch"], impl=destructive)
    assert again == found


def test_a_function_that_returns_its_input_buffer_leaves_the_others_as_they_are() -> None:
    case = Case("conv1d", (1, 1, 5), 1, 1)

    def in_place(x: Array, w: Array, **_: object) -> Array:
        x *= w[0, 0, 0]
        return x

    found = run(case, ["numpy", "torch"], impl=in_place)
    assert [result.relation for result in found.results] == ["identical", "identical", None]
    assert "it changed x" in (found.results[2].error or "")


def test_a_buffer_that_is_used_again_does_not_change_a_result_that_was_recorded() -> None:
    buffer = np.zeros(PLAIN.output_shape, np.float32)

    def reusing(*operands: Array, **arguments: Any) -> Array:  # noqa: ANN401 - whatever it is called with
        buffer[:] = convmm.conv(*operands, **arguments)
        return buffer

    found, _ = run_with_impl(PLAIN, reusing, "numpy")
    array = found.arrays[-1]
    assert array is not None
    kept = array.copy()
    buffer[:] = np.nan
    np.testing.assert_array_equal(array, kept)
    assert [pair.allclose for pair in found.pairs] == [True]


def test_a_function_with_a_state_from_call_to_call_is_caught() -> None:
    total = np.zeros(PLAIN.output_shape, np.float32)

    def accumulating(*operands: Array, **arguments: Any) -> Array:  # noqa: ANN401 - whatever it is called with
        np.add(total, convmm.conv(*operands, **arguments), out=total)
        return total

    first, _ = run_with_impl(PLAIN, accumulating)
    second, _ = run_with_impl(PLAIN, accumulating)
    assert (first.verdict, second.verdict) == ("agree", "unexplained")


def test_a_function_may_return_any_memory_layout() -> None:
    case = Case("conv_transpose2d", (2, 3, 4, 5), 4, 3, stride=2)
    transposed = after(function_of(case), lambda y: np.asfortranarray(y)[:, :, ::-1][:, :, ::-1])
    found, _ = run_with_impl(case, transposed)
    assert found.verdict == "agree"


def test_the_reference_is_no_view_of_what_a_function_can_reach() -> None:
    reached: list[Array] = []

    def keeping(*operands: Array, **arguments: Any) -> Array:  # noqa: ANN401 - whatever it is called with
        reached.extend(operands)
        return np.asarray(convmm.conv(*operands, **arguments))

    found, _ = run_with_impl(PLAIN, keeping)
    assert not any(np.shares_memory(found.reference, array) for array in reached)
    expected = [array for array in draw_arrays(PLAIN) if array is not None]
    for array, own in zip(reached, expected, strict=True):
        np.testing.assert_array_equal(array, own)


# Loading a user's own function


@pytest.mark.parametrize("text", ["", "module", "module:", ":function"])
def test_a_function_that_is_not_named_by_module_and_function_is_an_error(text: str) -> None:
    with pytest.raises(FrameworkError, match="allowed is MODULE:FUNCTION"):
        implementation(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no_such_module_anywhere:f", "ModuleNotFoundError"),
        ("convmm:no_such_function", "AttributeError"),
        ("convmm:__name__", "is no function but str"),
    ],
)
def test_a_function_that_is_not_there_is_an_error_that_says_why(text: str, message: str) -> None:
    with pytest.raises(FrameworkError, match=message) as raised:
        implementation(text).load()
    assert repr(text) in str(raised.value)


def test_a_function_is_found_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kernels_of_a_user.py").write_text("from convmm import conv as mine\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    found = implementation("kernels_of_a_user:mine")
    found.load()
    assert run(PLAIN, ["numpy"], impl=found).verdict == "agree"


def test_a_module_that_fails_when_imported_is_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_kernels_of_a_user.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(FrameworkError, match="ZeroDivisionError"):
        implementation("broken_kernels_of_a_user:mine").load()


def test_contestants_are_the_frameworks_and_then_the_function() -> None:
    assert [found.name for found in contestants(["torch", "numpy"], convmm.conv)] == [
        "torch",
        "numpy",
        "convmm.operations.forward:conv",
    ]


def test_half_a_character_in_an_error_is_recorded_as_one_that_a_file_can_have() -> None:
    def raising(*_: Array, **__: Any) -> Array:  # noqa: ANN401 - whatever it is called with
        raise ValueError("half \ud800 a character")

    found = run(PLAIN, ["numpy"], impl=raising).to_dict()
    assert found["results"][-1]["error"] == r"ValueError: half \ud800 a character"


def test_a_name_that_is_given_twice_is_refused_before_anything_runs() -> None:
    case = Case("conv2d", (1, 2, 5, 5), 3, 3)
    with pytest.raises(FrameworkError, match="framework 'numpy' is given 2 times: allowed is once"):
        run(case, ["numpy", "numpy"])
