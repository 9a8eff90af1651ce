from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, cast

import hypothesis.strategies as st
import pytest
from hypothesis import Phase, find, given, seed, settings

import convmm
from convmm import GeometryError
from parity import Case, CaseError, run
from parity.cases.case import VALUES
from parity.cases.op import OPS
from parity.cases.selection import Bounds, is_within
from parity.frameworks.known.registry import layers_of
from parity.frameworks.spelling import Spelling
from parity.frameworks.table import FrameworkError, find_framework
from parity.strategies import (
    PADDING_KINDS,
    cases,
    conv_cases,
    conv_transpose_cases,
    dilations,
    input_sizes,
    kernel_sizes,
    output_paddings,
    paddings,
    refused_cases,
    strides,
)
from tests.support.strategies import CONVS, EVERY_DTYPE, TRANSPOSES, examples

FINDING = (Phase.generate, Phase.shrink)

SMALLEST = "parity run conv1d --input 1,1,1 --filters 1 --kernel 1"
SMALLEST_TRANSPOSED = SMALLEST.replace("conv1d", "conv_transpose1d")

STEPS = ("kernel", "stride", "dilation", "groups")
COUNTS = ("channels", "filters", "batch")
RANGES = (*STEPS, "size", *COUNTS)


def all_pads(case: Case) -> tuple[int, ...]:
    """Its explicit padding on every side of every axis."""
    return () if isinstance(case.padding, str) else tuple(chain(*case.padding))


def kind_of(case: Case) -> str:
    """Its kind of padding, from what it is."""
    if isinstance(case.padding, str):
        return case.padding
    if not any(all_pads(case)):
        return "none"
    return "symmetric" if all(before == after for before, after in case.padding) else "pairs"


def bounded(case: Case) -> dict[str, tuple[int, ...]]:
    """What of a case each range bounds."""
    named = {
        "batch": case.input[0],
        "channels": case.input[1],
        "filters": case.filters,
        "groups": case.groups,
    }
    axes = {"kernel": case.kernel, "stride": case.stride, "dilation": case.dilation, "size": case.input[2:]}
    return axes | {name: (number,) for name, number in named.items()}


# Bounds


@st.composite
def satisfiable_bounds(draw: st.DrawFn) -> Bounds:
    """Some of the bounds, any values that do not contradict each other."""
    bounds: dict[str, Any] = {}
    for name in draw(st.sets(st.sampled_from(["stride", "dilation", "batch", "kernel"]))):
        low, more = draw(st.integers(1, 4)), draw(st.integers(0, 2))
        bounds |= {f"min_{name}": low, f"max_{name}": low + more}
    if draw(st.booleans()):  # with so many channels a multiple of each number of groups is in reach
        low, more = draw(st.integers(1, 4)), draw(st.integers(0, 2))
        bounds |= {"min_groups": low, "max_groups": low + more}
        bounds |= {"min_channels": 3, "max_channels": 9, "min_filters": 2, "max_filters": 7}
    if draw(st.booleans()):  # with so many elements the largest of the kernels fits
        low, more = draw(st.integers(1, 40)), draw(st.integers(0, 5))
        bounds |= {"min_size": low, "max_size": max(31, low) + more}
    if draw(st.booleans()):
        bounds["padding_kinds"] = draw(st.lists(st.sampled_from(PADDING_KINDS), min_size=1, unique=True))
        bounds["max_padding"] = draw(st.integers(1, 6))
    if draw(st.booleans()):
        bounds["biases"] = draw(st.sampled_from([(True,), (False,), (True, False)]))
    return cast("Bounds", bounds)


@examples(300)
@given(st.data())
def test_a_drawn_case_keeps_every_bound(data: st.DataObject) -> None:
    bounds = data.draw(satisfiable_bounds())
    ops = data.draw(st.lists(st.sampled_from(OPS), min_size=1, unique=True))
    case = data.draw(cases(ops, ("float64", "float16"), ("normal", "arange"), **bounds))
    assert case.op in ops
    assert (case.dtype in {"float64", "float16"}, case.values in {"normal", "arange"}) == (True, True)
    given_bounds: dict[str, Any] = {**bounds}
    for name, numbers in bounded(case).items():
        assert min(numbers) >= given_bounds.get(f"min_{name}", 1)
        assert max(numbers) <= given_bounds.get(f"max_{name}", max(numbers))
    assert max(all_pads(case), default=0) <= bounds.get("max_padding", 4)
    # a kind has its smaller ones among it: no padding is symmetric, and a symmetric one is a pair
    kinds = bounds.get("padding_kinds", PADDING_KINDS)
    kind = kind_of(case)
    smaller = {"none": ("none", "symmetric", "pairs"), "symmetric": ("symmetric", "pairs")}
    assert set(smaller.get(kind, (kind,))) & set(kinds)
    assert case.bias in bounds.get("biases", (False, True))
    assert 0 not in case.output_shape
    assert is_within(case, bounds)


@examples(200)
@given(cases(max_kernel=7, min_kernel=4, max_size=4, max_padding=2, padding_kinds=("symmetric", "pairs")))
def test_a_kernel_that_only_the_padding_makes_room_for_is_drawn_with_that_padding(case: Case) -> None:
    assert min(case.kernel) >= 4
    assert max(case.input[2:]) <= 4
    assert max(all_pads(case)) <= 2


@examples(200)
@given(cases(min_kernel=5, max_kernel=5, min_dilation=3, max_size=2, padding_kinds=("same",)))
def test_under_same_any_kernel_fits_in_any_input(case: Case) -> None:
    assert (set(case.kernel), min(case.dilation) >= 3, max(case.input[2:]) <= 2) == ({5}, True, True)


@examples(200)
@given(conv_transpose_cases(padding_kinds=("same",), max_size=1, min_kernel=2, max_kernel=2, max_stride=1))
def test_no_output_is_empty_where_keras_s_formula_has_none_for_an_input_of_one_element(case: Case) -> None:
    assert 0 not in case.output_shape


def test_an_output_without_an_element_is_drawn_where_it_is_allowed() -> None:
    case = find(conv_transpose_cases(allow_empty=True), lambda case: 0 in case.output_shape)
    assert case.transposed
    assert 0 in case.output_shape


@pytest.mark.parametrize(
    ("strategy", "ops"),
    [
        (conv_cases(), CONVS),
        (conv_transpose_cases(), TRANSPOSES),
        (conv_transpose_cases([2]), TRANSPOSES[1:2]),
    ],
)
def test_strategies_of_one_operation_draw_all_of_its_ranks_and_nothing_else(
    strategy: st.SearchStrategy[Case], ops: tuple[str, ...]
) -> None:
    drawn = set()

    @settings(examples(150), database=None, derandomize=True)
    @given(strategy)
    def draw(case: Case) -> None:
        drawn.add(case.op)

    draw()
    assert drawn == set(ops)


CONTRADICTIONS: list[tuple[dict[str, Any], list[str]]] = [
    ({"min_stride": 4, "max_stride": 3}, ["min_stride=4", "max_stride=3"]),
    *(({f"min_{name}": 9, f"max_{name}": 8}, [f"min_{name}=9", f"max_{name}=8"]) for name in RANGES),
    ({"min_kernel": 4, "max_size": 3}, ["min_kernel=4", "largest padded input", "3", "max_size=3", "'none'"]),
    (
        {"min_kernel": 9, "max_size": 4, "max_padding": 2, "padding_kinds": ("pairs",)},
        ["min_kernel=9", "max_size=4", "max_padding=2", "8 elements", "'pairs'"],
    ),
    (
        {"min_kernel": 2, "min_dilation": 6, "max_size": 4, "padding_kinds": ("valid",)},
        ["min_kernel=2", "spans 7", "min_dilation=6", "max_size=4"],
    ),
    (
        {"max_kernel": 9, "max_size": 4, "max_padding": 1, "padding_kinds": ("none", "pairs")},
        ["max_kernel=9", "max_size=4", "max_padding=1", "6 elements"],
    ),
    ({"max_groups": 4, "max_channels": 3}, ["max_groups=4", "max_channels=3"]),
    ({"max_groups": 4, "max_filters": 3}, ["max_groups=4", "max_filters=3"]),
    (
        {"min_groups": 3, "min_channels": 4, "max_channels": 5},
        ["min_groups=3", "multiple", "min_channels=4", "max_channels=5"],
    ),
    ({"padding_kinds": ("none", "pairs"), "max_padding": 0}, ["padding_kinds=", "max_padding=0", "same"]),
    ({"padding_kinds": ("full",)}, ["padding_kinds", "'full'", "symmetric"]),
    ({"padding_kinds": ()}, ["padding_kinds=()", "one or more"]),
    ({"padding_kinds": "same"}, ["padding_kinds='same'", "sequence"]),
    ({"biases": (1,)}, ["biases", "1", "True"]),
    ({"allow_empty": None}, ["allow_empty", "None", "True"]),
    ({"max_kernal": 3}, ["'max_kernal'", "max_kernel"]),
    ({"ops": ("conv4d",)}, ["ops", "'conv4d'", "conv3d"]),
    ({"ops": ()}, ["ops=()"]),
    ({"ops": "conv1d"}, ["ops='conv1d'"]),
    ({"dtypes": ("float8",)}, ["dtypes", "'float8'", "bfloat16"]),
    ({"values": ("ones",)}, ["values", "'ones'", "wide"]),
    ({"ops": TRANSPOSES, "max_output_padding": 3}, ["max_output_padding=3", "at most 2", "max_stride"]),
    ({"ops": OPS, "max_output_padding": 1}, ["max_output_padding=1", "conv1d"]),
    *(({f"max_{name}": None}, [f"max_{name}=None", "an int of at least 1"]) for name in (*STEPS, "size")),
    *(({f"max_{name}": None}, [f"max_{name}=None", "an int of at least 0"]) for name in COUNTS),
    *(({f"min_{name}": 0}, [f"min_{name}=0", "an int of at least 1"]) for name in STEPS),
    *(({f"min_{name}": -1}, [f"min_{name}=-1", "an int of at least 0"]) for name in ("size", *COUNTS)),
    ({"max_size": float("inf")}, ["max_size=inf", "an int"]),
    ({"max_padding": -1}, ["max_padding=-1", "at least 0"]),
    ({"max_output_padding": True}, ["max_output_padding=True", "an int"]),
]


@pytest.mark.parametrize(("arguments", "parts"), CONTRADICTIONS, ids=lambda value: str(value)[:60])
def test_bounds_that_cannot_be_are_refused_by_name_when_the_strategy_is_made(
    arguments: dict[str, Any], parts: list[str]
) -> None:
    with pytest.raises((CaseError, GeometryError)) as raised:
        cases(**arguments)
    assert [part for part in parts if part not in str(raised.value)] == [], str(raised.value)


def test_a_rank_that_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(CaseError, match=r"ranks: 4 is not allowed; allowed are 1, 2, 3"):
        conv_cases([4])


@pytest.mark.parametrize(
    "bounds",
    [
        {"min_stride": 7},
        {"min_kernel": 8},
        {"max_kernel": 11},
        {"min_dilation": 5},
        {"min_size": 30},
        {"min_groups": 9},
        {"max_groups": 12},
        {"min_channels": 20},
        {"max_padding": 0},
        {"max_channels": 1, "max_filters": 1},
    ],
    ids=str,
)
def test_a_bound_that_is_not_given_gives_way_to_one_that_is(bounds: Bounds) -> None:
    drawn = []

    @settings(examples(5), database=None, derandomize=True)
    @given(cases(**bounds))
    def draw(case: Case) -> None:
        drawn.append(case)

    draw()
    assert drawn


# Shrinking


@pytest.mark.parametrize(
    ("sought", "smallest"),
    [
        (lambda _: True, SMALLEST),
        (lambda case: case.transposed, SMALLEST_TRANSPOSED),
        (lambda case: case.rank >= 2, "parity run conv2d --input 1,1,1,1 --filters 1 --kernel 1"),
        (lambda case: max(case.stride) >= 3, f"{SMALLEST} --stride 3"),
        (lambda case: max(case.dilation) >= 2, f"{SMALLEST} --dilation 2"),
        (lambda case: max(case.input[2:]) >= 4, "parity run conv1d --input 1,1,4 --filters 1 --kernel 1"),
        (lambda case: case.input[0] >= 2, "parity run conv1d --input 2,1,1 --filters 1 --kernel 1"),
        (lambda case: case.input[1] >= 4, "parity run conv1d --input 1,4,1 --filters 1 --kernel 1"),
        (lambda case: case.filters >= 3, "parity run conv1d --input 1,1,1 --filters 3 --kernel 1"),
        (lambda case: case.groups >= 2, "parity run conv1d --input 1,2,1 --filters 2 --kernel 1 --groups 2"),
        (lambda case: max(case.kernel) >= 3, "parity run conv1d --input 1,1,3 --filters 1 --kernel 3"),
        (
            lambda case: case.rank == 2 and case.kernel[1] >= 3,
            "parity run conv2d --input 1,1,1,3 --filters 1 --kernel 1,3",
        ),
        (lambda case: any(all_pads(case)), f"{SMALLEST} --padding 1"),
        (lambda case: kind_of(case) == "pairs", f"{SMALLEST} --padding 0:1"),
        (lambda case: case.padding == "valid", f"{SMALLEST} --padding valid"),
        (lambda case: case.padding == "same", f"{SMALLEST} --padding same"),
        (lambda case: case.output_padding is not None, f"{SMALLEST_TRANSPOSED} --output-padding 0"),
        (
            lambda case: max(case.output_padding or (0,)) >= 1,
            f"{SMALLEST_TRANSPOSED} --output-padding 1 --dilation 2",
        ),
        (
            lambda case: (3, 2) in zip(case.stride, case.dilation, strict=True),
            f"{SMALLEST} --stride 3 --dilation 2",
        ),
        (lambda case: case.bias, f"{SMALLEST} --bias"),
        (lambda case: case.dtype != "float32", f"{SMALLEST} --dtype float64"),
        (lambda case: case.values in VALUES[2:], f"{SMALLEST} --values wide"),
        (lambda case: case.seed >= 1000, f"{SMALLEST} --seed 1000"),
    ],
)
def test_a_case_shrinks_to_the_smallest_that_will_do(sought: Callable[[Case], bool], smallest: str) -> None:
    found = find(
        cases(dtypes=EVERY_DTYPE, values=VALUES),
        sought,
        settings=settings(max_examples=2000, database=None, derandomize=True, phases=FINDING),
    )
    assert found.command == smallest


def test_a_case_shrinks_to_the_fewest_axes_and_to_the_first_of_each_sequence() -> None:
    found = find(
        cases(
            ("conv_transpose2d", "conv2d"),
            ("bfloat16", "float32"),
            ("wide", "normal"),
            biases=(True, False),
            padding_kinds=("same", "none"),
        ),
        lambda _: True,
    )
    assert found.command == (
        "parity run conv2d --input 1,1,1,1 --filters 1 --kernel 1 --padding same --bias --dtype bfloat16 "
        "--values wide"
    )


# Coverage


def classes_of(case: Case) -> Iterable[str]:
    """The classes that a case is one of; of those of an axis, the ones of its first axis."""
    kernel, stride, size = case.kernel[0], case.stride[0], case.input[2]
    yield f"rank {case.rank}"
    yield "transposed" if case.transposed else "convolution"
    how = "smaller than" if kernel < stride else "equal to" if kernel == stride else "larger than"
    yield f"kernel {how} stride"
    yield "even kernel" if kernel % 2 == 0 else "odd kernel"
    yield "even size" if size % 2 == 0 else "odd size"
    yield "even span" if case.geometry.axes[0].extent % 2 == 0 else "odd span"
    yield f"padding {kind_of(case)}"
    yield "dilated" if max(case.dilation) > 1 else "not dilated"
    yield "strided" if max(case.stride) > 1 else "not strided"
    if max(case.stride) > 1 and max(case.dilation) > 1:
        yield "strided and dilated"
    yield "groups" if case.groups > 1 else "one group"
    if 1 < case.groups == case.input[1]:
        yield "depthwise"
    if 1 < case.groups < case.input[1]:
        yield "groups of several channels"
    yield "bias" if case.bias else "no bias"
    if case.transposed:
        added = case.output_padding
        yield f"output padding {'none' if added is None else 'positive' if any(added) else 'zero'}"


LEAST_SHARES = {
    **dict.fromkeys(("rank 1", "rank 2", "rank 3"), 0.2),
    **dict.fromkeys(("convolution", "transposed"), 0.4),
    **dict.fromkeys((f"kernel {how} stride" for how in ("smaller than", "equal to", "larger than")), 0.15),
    **dict.fromkeys(
        (f"{parity} {what}" for parity in ("even", "odd") for what in ("kernel", "size", "span")), 0.2
    ),
    **dict.fromkeys((f"padding {kind}" for kind in PADDING_KINDS), 0.1),
    **dict.fromkeys(("output padding none", "output padding zero", "output padding positive"), 0.1),
    **dict.fromkeys(("dilated", "not dilated", "strided", "not strided", "strided and dilated"), 0.15),
    **dict.fromkeys(("groups", "one group"), 0.25),
    **dict.fromkeys(("depthwise", "groups of several channels"), 0.1),
    **dict.fromkeys(("bias", "no bias"), 0.4),
}
"""Of all cases; of output padding it is half of them that can have any."""


def test_2000_draws_meet_every_class_of_cases_in_a_useful_share() -> None:
    counts: Counter[str] = Counter()
    total = 0

    def count(case: Case) -> None:
        nonlocal total
        total += 1
        counts.update(classes_of(case))

    # One run varies its own cases, and what it begins with depends on the modules that are loaded.
    for number in range(20):
        run_of_100 = settings(max_examples=100, database=None, deadline=None)(given(cases())(count))
        seed(number)(run_of_100)()
    assert total >= 2000
    shares = {name: counts[name] / total for name in LEAST_SHARES | counts}
    assert set(shares) == set(LEAST_SHARES)
    assert {name: share for name, share in shares.items() if share < LEAST_SHARES[name]} == {}, shares


# The pieces


@examples(200)
@given(st.data())
def test_a_kernel_fits_in_every_input_that_is_drawn_for_it(data: st.DataObject) -> None:
    kernel = data.draw(kernel_sizes(max_kernel=6))
    stride, dilation = data.draw(strides(max_stride=4)), data.draw(dilations())
    padding = data.draw(st.sampled_from(["valid", "same"]) | paddings().map(lambda pair: (pair,)))
    arguments: dict[str, Any] = {"stride": stride, "dilation": dilation, "padding": padding}
    size = data.draw(input_sizes(kernel, **arguments, min_size=2, max_size=16))
    assert 2 <= size <= 16
    assert convmm.conv_output_size(size, kernel, **arguments)[0] >= 1


@examples(200)
@given(st.data())
def test_explicit_padding_keeps_its_bounds_and_its_kind(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(PADDING_KINDS[:3]))
    most = data.draw(st.integers(1, 5))
    at_most = data.draw(st.none() | st.integers(0, 12))
    least = (
        0
        if kind == "none" or at_most == 0
        else data.draw(st.integers(0, min(2 * most, at_most or 0)) | st.just(0))
    )
    if kind == "symmetric":
        least -= least % 2
    before, after = data.draw(paddings(kind, max_padding=most, at_least=least, at_most=at_most))
    assert max(before, after) <= most
    assert least <= before + after <= (2 * most if at_most is None else at_most)
    assert kind != "symmetric" or before == after
    assert kind != "none" or (before, after) == (0, 0)


@examples(100)
@given(st.data())
def test_output_padding_is_less_than_the_larger_of_stride_and_dilation(data: st.DataObject) -> None:
    stride, dilation = data.draw(strides()), data.draw(dilations())
    assert 0 <= data.draw(output_paddings(stride, dilation)) < max(stride, dilation)


@pytest.mark.parametrize(
    ("make", "parts"),
    [
        (lambda: kernel_sizes(min_kernel=3, max_kernel=2), ["min_kernel=3", "max_kernel=2"]),
        (lambda: strides(max_stride=0), ["max_stride=0", "at least 1"]),
        (lambda: dilations(max_dilation=None), ["max_dilation=None", "an int"]),  # type: ignore[arg-type] # refused
        (lambda: paddings("full"), ["kind", "'full'", "pairs"]),  # type: ignore[arg-type] # refused
        (lambda: paddings(max_padding=2, at_least=5), ["at_least=5", "at most 4", "max_padding=2"]),
        (lambda: paddings("none", at_least=1), ["at_least=1", "at most 0"]),
        (lambda: paddings(at_least=3, at_most=2), ["at_least=3", "at_most=2"]),
        (lambda: output_paddings(2, max_output_padding=2), ["max_output_padding=2", "at most 1", "stride=2"]),
        (lambda: output_paddings(3, min_output_padding=2, max_output_padding=1), ["min_output_padding=2"]),
        (lambda: input_sizes(5, max_size=4), ["max_size=4", "at least 5", "kernel=5"]),
        (
            lambda: input_sizes(3, dilation=2, padding=1, max_size=2),
            ["max_size=2", "at least 3", "dilation=2"],
        ),
        (lambda: input_sizes(0), ["kernel=0", "at least 1"]),
        (lambda: input_sizes(3, padding="full"), ["padding='full'", "'same'"]),
        (lambda: input_sizes(3, stride=0), ["stride=0", "at least 1"]),
    ],
)
def test_a_piece_refuses_bounds_that_cannot_be_when_it_is_made(
    make: Callable[[], object], parts: list[str]
) -> None:
    with pytest.raises((CaseError, GeometryError)) as raised:
        make()
    assert [part for part in parts if part not in str(raised.value)] == [], str(raised.value)


# Refused cases


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_a_refused_case_is_one_that_the_framework_s_rules_refuse(framework: str) -> None:
    @settings(examples(200), database=None)
    @given(refused_cases(framework))
    def check(case: Case) -> None:
        native = layers_of(find_framework(framework), case)[0]
        assert isinstance(native, Spelling)
        assert native.refusal

    check()


@examples(25)
@given(refused_cases("keras", certain=True))
def test_keras_raises_what_its_rules_say_on_a_case_that_it_must_refuse(case: Case) -> None:
    native = run(case, ["keras"]).results[0]
    assert (native.status, native.relation, native.explained) == ("rejected", "rejected", True)


@examples(25)
@given(refused_cases("torch"))
def test_torch_refuses_an_output_without_an_element_or_returns_it(case: Case) -> None:
    native = run(case, ["torch"]).results[0]
    assert (native.relation in {"rejected", "empty"}, native.explained) == (True, True)


def reasons(framework: str) -> set[str]:
    """Why the drawn cases are refused, in the framework's own words."""
    found = set()

    @settings(examples(150), database=None, derandomize=True)
    @given(refused_cases(framework))
    def collect(case: Case) -> None:
        native = layers_of(find_framework(framework), case)[0]
        assert isinstance(native, Spelling)
        assert native.refusal
        found.add(native.refusal.reason)

    collect()
    return found


def test_every_rule_by_which_keras_refuses_is_drawn() -> None:
    found = reasons("keras")
    for words in ("no stride together with a dilation", "no output_padding that is not below the stride"):
        assert any(words in reason for reason in found), found


def test_a_refused_case_shrinks_as_others_do() -> None:
    assert find(refused_cases("keras"), lambda _: True).command == (
        f"{SMALLEST} --stride 2 --padding same --dilation 2"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"framework": "numpy"}, "framework 'numpy': .* refuses no case"),
        ({"framework": "torch", "certain": True}, "framework 'torch': .* refuses no case"),
        ({"framework": "torhc"}, "framework 'torhc': did you mean torch. allowed are numpy, torch, keras"),
    ],
)
def test_a_framework_that_refuses_nothing_has_no_refused_cases(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(FrameworkError, match=message):
        refused_cases(**arguments)


# Without Hypothesis


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_without_hypothesis_the_error_says_what_to_install() -> None:
    done = python("import sys; sys.modules['hypothesis'] = None; import parity.strategies")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ImportError: parity.strategies needs hypothesis, which is not installed: "
        "pip install 'convparity[testing]'"
    )


def test_the_command_line_and_the_package_import_no_hypothesis() -> None:
    done = python("import parity, parity.cli.main, sys; assert 'hypothesis' not in sys.modules")
    assert done.returncode == 0, done.stderr
