"""Every diagnosis provoked by an implementation with that mistake.

The mistakes are made here, around convmm's public functions, not by what the diagnosis computes with; windows
are cut from the response that the tests compute tap by tap.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, get_args

import hypothesis.strategies as st
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given

import convmm
from convmm.unfold import spatial
from parity.cases.arrays import SIGNIFICAND_BITS, Array
from parity.cases.case import Case
from parity.cases.notation import format_shape
from parity.cases.op import OPS, Op
from parity.records.result import Result
from parity.running import run
from parity.verdict import reference
from parity.verdict.diagnosis.suspect import Mistake
from parity.verdict.diagnosis.windows import find_windows
from parity.verdict.observation import observe
from tests.support.responses import reach, reference_of, response, widened
from tests.support.strategies import CONVS, TRANSPOSES, changed, exact_cases_with_an_output, examples

Fault = Callable[[Case], Iterator[Array]]

ORDER: tuple[str, ...] = get_args(Mistake)


def computed(
    case: Case,
    *,
    x: Array | None = None,
    w: Array | None = None,
    **arguments: Any,  # noqa: ANN401 - convmm's
) -> Array:
    """What convmm gives for the case, with other arrays or arguments in place of its own."""
    own = widened(case)
    function = convmm.conv_transpose if case.transposed else convmm.conv
    called: dict[str, Any] = {"bias": own.bias, **case.explicit, **arguments}
    return np.asarray(function(own.x if x is None else x, own.w if w is None else w, **called))


def with_kernels(*kernels: Callable[[Case, Array], Iterator[Array]]) -> Fault:
    def fault(case: Case) -> Iterator[Array]:
        for make in kernels:
            for w in make(case, widened(case).w):
                try:
                    yield computed(case, w=np.ascontiguousarray(w))
                except convmm.GeometryError:
                    continue

    return fault


def windows_of(case: Case, w: Array) -> Iterator[Array]:
    around = response(case, reach(case), widened(case)._replace(w=w))
    near = [range(-r, r + 1) for r in reach(case)]
    for offset in sorted(itertools.product(*near), key=lambda offset: sum(map(abs, offset))):
        yield around.cut(offset, case.output_shape[2:])


def another_window(case: Case) -> Iterator[Array]:
    return windows_of(case, widened(case).w)


def flips(case: Case, w: Array) -> Iterator[Array]:
    axes = range(2, w.ndim)
    for count in range(1, case.rank + 1):
        for chosen in itertools.combinations(axes, count):
            yield w[tuple(slice(None, None, -1 if axis in chosen else 1) for axis in range(w.ndim))]


def axis_orders(case: Case, w: Array) -> Iterator[Array]:
    for order in itertools.permutations(range(2, 2 + case.rank)):
        yield np.transpose(w, (0, 1, *order))


def channel_swaps(case: Case, w: Array) -> Iterator[Array]:
    first, second, *kernel = w.shape
    yield np.moveaxis(w, 0, 1).ravel().reshape(w.shape)
    yield np.moveaxis(w.ravel().reshape(second, first, *kernel), 0, 1)
    if first == second * case.groups:
        yield np.concatenate([np.moveaxis(part, 0, 1) for part in np.split(w, case.groups)])


def group_orders(case: Case) -> Iterator[Array]:
    own = widened(case)
    for order in itertools.permutations(range(case.groups)):
        yield computed(case, x=blocks(own.x, 1, order))
        yield computed(case, w=blocks(own.w, 0, order))
        yield blocks(computed(case), 1, order)
        y = blocks(computed(case, bias=None), 1, order)
        yield y if own.bias is None else y + own.bias.reshape(-1, *[1] * case.rank)


def blocks(array: Array, axis: int, order: tuple[int, ...]) -> Array:
    parts = np.split(array, len(order), axis=axis)
    return np.concatenate([parts[number] for number in order], axis=axis)


def interleaved(case: Case) -> Iterator[Array]:
    """Channel c in group c % g: of the input, of the filters, of both; one group after another."""
    if case.groups == 1:
        return
    for of_input, of_output in [(True, False), (False, True), (True, True)]:
        yield from by_groups(case, of_input=of_input, of_output=of_output)


def by_groups(case: Case, *, of_input: bool, of_output: bool) -> Iterator[Array]:
    """The groups one by one; an operand's axis that is of the input or of the output goes with it."""
    x, w, bias = widened(case)
    y = np.empty(case.output_shape)
    first_of_kernel = of_input if case.transposed else of_output
    for group in range(case.groups):
        y[:, members(case.filters, case.groups, group, dealt=of_output)] = computed(
            case,
            x=x[:, members(case.input[1], case.groups, group, dealt=of_input)],
            w=w[members(len(w), case.groups, group, dealt=first_of_kernel)],
            bias=None,
            groups=1,
        )
    yield y if bias is None else y + bias.reshape(-1, *[1] * case.rank)


def members(count: int, groups: int, group: int, *, dealt: bool) -> list[int]:
    return [c for c in range(count) if (c % groups if dealt else c // (count // groups)) == group]


def permuted_groups(case: Case) -> Iterator[Array]:
    yield from group_orders(case)
    yield from interleaved(case)


def layouts(case: Case) -> Iterator[Array]:
    x, w, _ = widened(case)
    sizes = x.shape[2:]
    yield computed(case, x=np.moveaxis(x, 1, -1).ravel().reshape(x.shape))
    yield computed(case, x=np.moveaxis(x.ravel().reshape(len(x), *sizes, -1), -1, 1))
    first, second, *taps = w.shape
    yield computed(case, w=np.moveaxis(w, 1, -1).ravel().reshape(w.shape))
    yield computed(case, w=np.moveaxis(w.ravel().reshape(first, *taps, second), -1, 1))
    keras = np.moveaxis(w, (0, 1), (-1, -2))
    yield computed(case, w=keras.ravel().reshape(w.shape))
    yield computed(case, w=np.moveaxis(w.ravel().reshape(keras.shape), (-1, -2), (0, 1)))
    y = computed(case)
    yield np.moveaxis(y, 1, -1).ravel().reshape(y.shape)
    yield np.moveaxis(y.ravel().reshape(len(y), *y.shape[2:], y.shape[1]), -1, 1)
    yield np.moveaxis(y, 1, -1)


def stride_for_dilation(case: Case) -> Iterator[Array]:
    exchanged = {"stride": case.dilation, "dilation": case.stride}
    for padding in ({}, {"padding": case.padding, "output_padding": case.output_padding}):
        arguments: dict[str, Any] = {**padding, **exchanged}
        if not case.transposed:
            arguments.pop("output_padding", None)
        try:
            yield computed(case, **arguments)
        except convmm.GeometryError:
            continue


def biases(case: Case) -> Iterator[Array]:
    bias = widened(case).bias
    if bias is not None:
        yield computed(case, bias=None)
        yield computed(case, bias=bias + bias)


def windows_by_flipped_kernels(case: Case) -> Iterator[Array]:
    for w in flips(case, widened(case).w):
        yield from windows_of(case, w)


def padding_values(case: Case) -> Iterator[Array]:
    yield from (zeros_for_output_padding(case, after=True) if case.transposed else padded_otherwise(case))


def padded_otherwise(case: Case) -> Iterator[Array]:
    x = widened(case).x
    pads = [(axis.before, max(axis.after, 0)) for axis in case.geometry.axes]
    most = [max(pad) for pad in pads]
    modes: dict[Any, int] = {"edge": -1000, "reflect": 1, "symmetric": 0, "wrap": 0}
    for mode, room in modes.items():
        if all(n - pad >= room for n, pad in zip(x.shape[2:], most, strict=True)):
            yield computed(case, x=np.pad(x, [(0, 0), (0, 0), *pads], mode=mode), padding=0)


def zeros_for_output_padding(case: Case, *, after: bool) -> Iterator[Array]:
    added = case.explicit.get("output_padding", (0,) * case.rank)
    bias = widened(case).bias
    if any(size < q for size, q in zip(case.output_shape[2:], added, strict=True)):
        return
    y = np.zeros(case.output_shape)
    short = tuple(slice(None, size - q) for size, q in zip(case.output_shape[2:], added, strict=True))
    placed = short if after else tuple(slice(q, None) for q in added)
    y[spatial(placed)] = computed(case, bias=None)[spatial(short)]
    if bias is None:
        yield y
        return
    yield y + bias.reshape(-1, *[1] * case.rank)
    y[spatial(placed)] = computed(case)[spatial(short)]
    yield y


def output_padding_side(case: Case) -> Iterator[Array]:
    if case.transposed:
        yield from zeros_for_output_padding(case, after=False)


def tf32(values: Array) -> Array:
    """float32 with its last 13 bits rounded away, halves to even."""
    bits = values.astype(np.float32).view(np.uint32).astype(np.uint64)
    rounded = (
        (bits + np.uint64(0xFFF) + (bits >> np.uint64(13) & np.uint64(1))) >> np.uint64(13) << np.uint64(13)
    )
    return rounded.astype(np.uint32).view(np.float32).astype(np.float64)


def through(dtype: type) -> Callable[[Array], Array]:
    def rounded(values: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.asarray(values.astype(dtype).astype(np.float64))

    return rounded


ROUNDINGS = {"bfloat16": through(ml_dtypes.bfloat16), "float16": through(np.float16), "TF32": tf32}


def roundings(case: Case) -> Iterator[Array]:
    for rounded in (*ROUNDINGS.values(), through(np.float32)):
        yield rounded(computed(case))


def factors(case: Case) -> Iterator[Array]:
    for factor in (-1, 2, 0.5, 3):
        yield factor * computed(case)


FAULTS: dict[str, Fault] = {
    "window": another_window,
    "flipped": with_kernels(flips),
    "axes swapped": with_kernels(axis_orders),
    "channels swapped": with_kernels(channel_swaps),
    "groups permuted": permuted_groups,
    "layout": layouts,
    "stride and dilation exchanged": stride_for_dilation,
    "bias": biases,
    "window flipped": windows_by_flipped_kernels,
    "padding values": padding_values,
    "output padding side": output_padding_side,
    "numeric": roundings,
    "scaled": factors,
}


def result_of(case: Case, output: Array) -> Result:
    """What parity says of an implementation that returns this."""

    def wrong(*_: object, **__: object) -> Array:
        return output.astype(case.dtype)

    (found,) = run(case, [], impl=wrong).results
    return found


def differs(case: Case, output: Array) -> bool:
    return output.size > 0 and not np.array_equal(output, computed(case))


def explains(mistake: str, case: Case, output: Array) -> bool:
    """Whether the mistake, as it is made here, gives this output."""
    if mistake == "numeric":
        return any(np.array_equal(output, each) for each in roundings(case))
    if mistake == "scaled":
        right = computed(case)
        factors_of_all = set((output[right != 0] / right[right != 0]).tolist())
        return len(factors_of_all) == 1 and not output[right == 0].any()
    if output.shape != case.output_shape and mistake in {"window", "window flipped"}:
        return bool(find_windows(output, reference_of(case)))
    if mistake == "groups permuted":
        return any(np.array_equal(output, each) for each in every_arrangement(case))
    return any(np.array_equal(output, each) for each in FAULTS[mistake](case))


def every_arrangement(case: Case) -> Iterator[Array]:
    """Wrong orders of groups, and every order of dealing channels out, of any of the arrays."""
    yield from permuted_groups(case)
    x, w, bias = widened(case)
    orders: list[Callable[[int], Any]] = [
        np.arange,
        lambda n: deal(n, case.groups),
        lambda n: np.argsort(deal(n, case.groups)),
    ]
    for of_x, of_w, of_y, of_bias in itertools.product(orders, orders, orders, (False, True)):
        y = computed(case, x=x[:, of_x(x.shape[1])], w=w[of_w(len(w))], bias=bias if of_bias else None)[
            :, of_y(case.filters)
        ]
        yield y if of_bias or bias is None else y + bias.reshape(-1, *[1] * case.rank)


def deal(count: int, groups: int) -> Array:
    return np.array([c for group in range(groups) for c in range(count) if c % groups == group])


@pytest.mark.parametrize("mistake", ORDER)
@examples(60)
@given(st.data())
def test_a_mistake_is_named_or_an_earlier_one_that_explains_as_much(
    mistake: str, data: st.DataObject
) -> None:
    case = data.draw(exact_cases_with_an_output(TRANSPOSES if mistake == "output padding side" else OPS))
    outputs = [output for output in itertools.islice(FAULTS[mistake](case), 200) if differs(case, output)]
    if not outputs:
        assert result_of(case, computed(case)).relation == "identical"
        return
    output = data.draw(st.sampled_from(outputs))
    found = result_of(case, output)
    assert found.relation in ORDER[: ORDER.index(mistake) + 1]
    assert explains(found.relation, case, output)
    assert not found.explained


@pytest.mark.parametrize("mistake", ORDER)
@pytest.mark.parametrize("op", OPS)
def test_each_mistake_has_its_name(op: str, mistake: str) -> None:
    case = typical_case(op)
    outputs = [output for output in itertools.islice(FAULTS[mistake](case), 50) if differs(case, output)]
    if not outputs:
        assert (mistake, op) in NOT_THERE
        return
    assert mistake in {result_of(case, output).relation for output in outputs}


NOT_THERE = {
    *(("axes swapped", op) for op in ("conv1d", "conv_transpose1d")),
    *(("output padding side", op) for op in CONVS),
}


def typical_case(op: str) -> Case:
    sizes = (6, 7, 5)[: Op.of(op).rank]
    case = Case(op, (2, 4, *sizes), 4, 3, stride=2, padding=2, groups=2, bias=True, dtype="float64")
    return changed(case, output_padding=1) if case.transposed else case


@examples(150)
@given(exact_cases_with_an_output())
def test_a_right_implementation_has_no_diagnosis(case: Case) -> None:
    found = result_of(case, computed(case))
    assert (found.relation, found.explained, found.reason) == ("identical", True, None)


@examples(60)
@given(exact_cases_with_an_output(), st.data())
def test_noise_is_unrelated_and_the_first_wrong_element_named(case: Case, data: st.DataObject) -> None:
    right = computed(case)
    output = (
        right
        + np.random.default_rng(data.draw(st.integers(0, 99))).integers(1, 2**20, right.shape) * 64
        + 0.5
    )
    found = result_of(case, output)
    if output.size > 8:
        assert found.relation == "unrelated"
        assert f"{output.size} of {output.size} elements differ" in str(found.reason)


@examples(100)
@given(exact_cases_with_an_output(), st.data())
def test_values_that_are_not_finite_are_never_explained(case: Case, data: st.DataObject) -> None:
    output = computed(case)
    places = data.draw(st.lists(st.integers(0, output.size - 1), min_size=1, max_size=3))
    output.flat[places] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    found = result_of(case, output)
    assert found.relation in {"unrelated", "numeric"}
    assert not found.explained


@pytest.mark.parametrize(
    "case", [Case("conv2d", (2, 3, 6, 6), 2, 3), Case("conv_transpose2d", (2, 3, 6, 6), 2, 3)]
)
@pytest.mark.parametrize("name", ROUNDINGS)
@pytest.mark.parametrize("what", ["operands", "result", "operands and the result"])
def test_reduced_precision_is_named(case: Case, name: str, what: str) -> None:
    case = changed(case, values="normal", bias=True)
    own, rounded = widened(case), ROUNDINGS[name]
    output = computed(case)
    if own.bias is not None and "operands" in what:
        output = computed(case, x=rounded(own.x), w=rounded(own.w), bias=rounded(own.bias))
    found = result_of(case, rounded(output) if "result" in what else output)
    assert found.relation == "numeric"
    assert f"the {what} " in str(found.reason)
    assert f"rounded to {name}" in str(found.reason)


def test_float64_that_was_computed_in_float32_is_named() -> None:
    case = Case("conv2d", (2, 3, 6, 6), 2, 3, dtype="float64", values="normal")
    own = widened(case)
    output = convmm.conv(own.x.astype(np.float32), own.w.astype(np.float32))
    found = result_of(case, output.astype(np.float64) * (1 + 2e-7))
    assert (found.relation, found.explained) == ("numeric", False)
    assert str(found.reason).startswith("it is computed in float32: within its tolerances, not within the ")


def test_integers_that_were_stored_in_float32_are_named() -> None:
    case = Case("conv1d", (1, 7, 601), 3, 9, dtype="float64", values="arange")
    output = computed(case)
    assert output.max() > 2 ** SIGNIFICAND_BITS["float32"]
    found = result_of(case, through(np.float32)(output))
    assert (found.relation, found.explained) == ("numeric", False)
    assert str(found.reason).startswith("the result is rounded to float32; greatest difference")


@pytest.mark.parametrize("values", ["integers", "normal"])
def test_float64_of_another_shape_is_unrelated_and_no_rounding(values: str) -> None:
    case = Case("conv2d", (1, 3, 6, 6), 2, 3, dtype="float64", values=values)
    found = observe(np.random.default_rng(0).standard_normal((1, 2, 5, 3)), reference_of(case))
    assert found.relation == "unrelated"


@pytest.mark.parametrize(("beside", "given"), [(1 + 0.75 * 2**-20, 1.0), (1 - 0.75 * 2**-20, 1 + 2**-7)])
def test_a_sum_that_errs_across_a_half_may_be_rounded_to_the_other_side(beside: float, given: float) -> None:
    own = reference_of(Case("conv1d", (1, 1, 4), 1, 1, values="normal"))
    half = 1 + 2**-8  # between two bfloat16
    y = np.array([[[3.0, half * beside, 5.0, 7.0]]])
    reference = replace(own, arrays=own.arrays._replace(x=y, w=np.ones((1, 1, 1))), y=y)
    found = observe(np.array([[[3.0, given, 5.0, 7.0]]]), reference)
    assert str(found.message).startswith("the result is rounded to bfloat16; ")


@pytest.mark.parametrize("op", OPS)
def test_zeros_are_no_multiple(op: str) -> None:
    case = typical_case(op)
    assert result_of(case, 0 * computed(case)).relation == "unrelated"


def test_a_constant_factor_is_named_though_the_first_value_is_zero() -> None:
    case = Case("conv1d", (1, 1, 9), 1, 3, padding=((4, 0),), dtype="float64")
    output = 3 * computed(case)
    assert output[0, 0, 0] == 0
    found = result_of(case, output)
    assert found.relation == "scaled"
    assert str(found.reason).startswith("the values are 3 times the reference's; ")


@pytest.mark.parametrize("factor", [1 / 9, 2, -1, 1.5])
def test_a_constant_factor_is_named_though_its_products_are_rounded(factor: float) -> None:
    case = Case("conv2d", (2, 3, 6, 6), 2, 3)
    found = result_of(case, (computed(case) * factor).astype(np.float32))
    assert found.relation == "scaled"
    assert f"{factor:.6g} times" in str(found.reason)


@pytest.mark.parametrize("op", ["conv1d", "conv_transpose1d"])
def test_channels_dealt_out_to_groups_are_named(op: str) -> None:
    case = Case(op, (1, 6, 8), 12, 2, groups=3, bias=True, dtype="float64")
    for output in interleaved(case):
        found = result_of(case, output)
        assert found.relation == "groups permuted"
        assert "belong to group channel % 3" in str(found.reason)


def test_the_number_of_flipped_axes_is_said() -> None:
    case = Case("conv3d", (1, 2, 5, 5, 5), 2, 3)
    w = widened(case).w
    reasons = [
        str(result_of(case, computed(case, w=np.flip(w, axes))).reason) for axes in [(2, 3, 4), (3,), (2, 4)]
    ]
    assert "flipped on 3 of 3 axes: axes 0 and 1 and 2" in reasons[0]
    assert "flipped on 1 of 3 axes: axis 1" in reasons[1]
    assert "flipped on 2 of 3 axes: axes 0 and 2" in reasons[2]


def test_both_sides_the_place_and_the_size_of_the_difference_are_said() -> None:
    case = Case("conv2d", (1, 1, 4, 4), 1, 3, values="arange")
    output = computed(case)
    output[0, 0, 1, 0] += 12
    before, after = (f"{y[0, 0, 1, 0]:.0f}" for y in (computed(case), output))
    reason = str(result_of(case, output).reason)
    assert f"greatest difference 12 at index (0, 0, 1, 0): {after} against {before}" in reason
    assert "1 of 4 elements differ (0.25 of all), first at index (0, 0, 1, 0)" in reason


def test_a_window_of_other_sizes_says_both() -> None:
    case = Case("conv_transpose2d", (1, 2, 3, 3), 2, 3, stride=2, padding=1, output_padding=1)
    reason = str(result_of(case, response(case, (2, 2)).cut((1, 1), (4, 4))).reason)
    assert "begins (1, 1) elements after the reference in the full response" in reason
    assert "its shape is 1x2x4x4 against 1x2x6x6" in reason


def test_output_padding_before_the_output_is_a_window_that_says_so() -> None:
    case = Case("conv_transpose1d", (1, 2, 5), 2, 3, stride=2, padding=1, output_padding=1)
    found = result_of(case, response(case, (2,)).cut((-1,), case.output_shape[2:]))
    assert (found.relation, found.offset) == ("window", (-1,))
    assert "as if the output padding were added before it, not after" in str(found.reason)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (np.s_[:, -1], "only in the last of 3 channels"),
        (np.s_[1:], "only in all but the first of 4 samples"),
        (np.s_[:, :, -1], "only in the last of 5 elements of axis 0"),
        (np.s_[..., 1:-1], "only in all but the first and the last of 6 elements of axis 1"),
        (np.s_[..., 1::2], "only in numbers 1 to 5 in steps of 2 of 6 elements of axis 1"),
        (np.s_[:, 1, 0], "only in number 1 of 3 channels, only in the first of 5 elements of axis 0"),
        (np.s_[:, :, :, 1:4], "only in numbers 1 to 3 of 6 elements of axis 1"),
    ],
)
def test_where_a_result_is_wrong_is_said(wrong: Any, where: str) -> None:  # noqa: ANN401 - an index
    case = Case("conv2d", (4, 2, 5, 6), 3, 1)
    output = computed(case)
    output[wrong] += np.random.default_rng(0).integers(1, 99, output[wrong].shape) + 0.5
    found = result_of(case, output)
    assert found.relation == "unrelated"
    assert where in str(found.reason)


def test_a_kernel_of_one_tap_has_no_other_way_round() -> None:
    case = Case("conv_transpose1d", (1, 1, 2), 1, 1, padding=((1, 0),))
    found = observe(computed(case, padding=((0, 1),)), reference_of(case))
    assert found.relation == "window"
    assert "ambiguous, since there is a single element" in str(found.message)
    assert "flipped" not in str(found.message)


def test_two_flips_that_a_symmetric_kernel_makes_equal_are_both_said() -> None:
    case = Case("conv2d", (1, 1, 3, 3), 1, (3, 2), padding=1, dtype="float64")
    own = reference_of(case)
    column = np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]]).reshape(1, 1, 3, 2)
    arrays = own.arrays._replace(w=column)
    symmetric = replace(own, arrays=arrays, y=own.compute(arrays))
    observed = observe(own.compute(arrays._replace(w=column[..., ::-1])), symmetric)
    assert observed.relation == "flipped"
    assert "ambiguous: as well it may be flipped (the kernel is flipped on 1 of 2 axes: axis 1)" in str(
        observed.message
    )


@pytest.mark.parametrize("value", [0, 7])
@pytest.mark.parametrize("op", OPS)
def test_a_constant_result_is_called_ambiguous_or_unrelated(op: str, value: float) -> None:
    case = Case(op, (1, 2, *[4] * Op.of(op).rank), 2, 2)
    found = result_of(case, np.full(case.output_shape, float(value)))
    assert found.relation == "unrelated" or f"ambiguous, since every value is {float(value)}" in str(
        found.reason
    )


def test_of_a_single_element_all_that_fits_is_said() -> None:
    case = Case("conv1d", (1, 1, 3), 1, 3, bias=True, seed=1)
    reason = str(result_of(case, computed(case, bias=None)).reason)
    assert "the bias is missing" in reason
    assert "ambiguous, since there is a single element: as well it may be scaled" in reason


def test_a_large_case_is_not_searched_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("conv2d", (1, 2, 6, 6), 2, 3, bias=True)
    scaled = 3 * computed(case)
    assert result_of(case, scaled).relation == "scaled"
    monkeypatch.setattr(reference, "_MOST_WORK", 10)
    found = result_of(case, scaled)
    assert found.relation == "unrelated"
    assert "too large to look for every known mistake" in str(found.reason)


@pytest.mark.parametrize("shape", [(1, 2, 0, 3), (0,), (), (2, 2, 3, 3), (1, 2, 3, 3, 1)], ids=str)
def test_another_shape_is_said_beside_the_reference_s(shape: tuple[int, ...]) -> None:
    case = Case("conv2d", (1, 2, 5, 5), 2, 3)
    found = result_of(case, np.ones(shape))
    assert not found.explained
    assert f"against {format_shape(case.output_shape)}" in str(found.reason)


def test_elements_where_the_reference_has_none_are_unrelated() -> None:
    case = Case("conv_transpose2d", (1, 2, 2, 2), 2, 1, padding=1)
    found = result_of(case, np.ones((1, 2, 2, 2)))
    assert (found.relation, found.explained) == ("unrelated", False)
