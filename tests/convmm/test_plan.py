"""Plans: pure, explained as they run, and cut into as many tasks as their work is worth."""

from __future__ import annotations

import dataclasses
import re
import tracemalloc
from collections.abc import Callable
from typing import Any, NamedTuple, get_args
from unittest import mock

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import example, given, settings
from numpy.typing import NDArray

import convmm
from convmm import GeometryError, explain_plan, set_threads
from convmm.fast import threads
from convmm.fast.kernels import sums
from convmm.fast.plan import LIMITS, Call, Limits, Plan, Sum, plan_for
from convmm.geometry import conv_geometry, conv_transpose_geometry
from convmm.operations.explanation import Operation, describe

DTYPES = ("float16", "float32", "float64", "int8")


class Layer(NamedTuple):
    """The arguments of an operation, large enough for tiles or not."""

    transposed: bool
    x_shape: tuple[int, ...]
    w_shape: tuple[int, ...]
    arguments: dict[str, Any]
    dtype: str

    def calls(self) -> dict[Operation, Callable[[], NDArray[Any]]]:
        """The operation's and its gradients' names, each with a call on zeros."""
        x, w = np.zeros(self.x_shape, self.dtype), np.zeros(self.w_shape, self.dtype)
        own: tuple[Operation, Operation, Operation] = (
            ("conv_transpose", "conv_transpose_input_grad", "conv_transpose_weight_grad")
            if self.transposed
            else ("conv", "conv_input_grad", "conv_weight_grad")
        )
        operation, input_grad, weight_grad = (getattr(convmm, name) for name in own)
        dy = np.zeros(operation(x, w, **self.arguments).shape, self.dtype)
        return {
            own[0]: lambda: operation(x, w, **self.arguments),
            own[1]: lambda: input_grad(dy, w, x.shape[2:], **self.arguments),
            own[2]: lambda: weight_grad(x, dy, w.shape[2:], **self.arguments),
        }


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    """Layers of all routes: few and many channels and groups, strides up to the kernel's size."""
    rank = draw(st.integers(1, 3))
    groups = draw(st.sampled_from([1, 2, 8]))
    channels, filters = (draw(st.sampled_from([1, 2, 16, 40])) for _ in range(2))
    kernel = draw(st.integers(1, {1: 9, 2: 5, 3: 3}[rank]))
    stride, dilation = draw(st.sampled_from([1, 2, kernel])), draw(st.integers(1, 2))
    transposed = draw(st.booleans())
    size = draw(st.integers(*{1: (17, 400), 2: (9, 24), 3: (5, 8)}[rank]))
    first, second = (channels, filters) if transposed else (filters, channels)
    return Layer(
        transposed=transposed,
        x_shape=(draw(st.integers(1, 6)), groups * channels, *(size,) * rank),
        w_shape=(groups * first, second, *(kernel,) * rank),
        arguments={"stride": stride, "dilation": dilation, "groups": groups},
        dtype=draw(st.sampled_from(DTYPES)),
    )


class Seen(NamedTuple):
    """What a call did: its plans, the number of their tasks, and the bytes that one thread used."""

    plans: list[Plan]
    tasks: list[int]
    scratch: int


def watched(call: Callable[[], NDArray[Any]]) -> Seen:
    """Make a call with one thread, and say what it did."""
    plans, tasks = list[Plan](), list[int]()
    carry_out, run = sums.carry_out, threads.run

    def carrying(plan: Plan, *args: Any) -> None:  # noqa: ANN401 - whatever it takes
        plans.append(plan)
        carry_out(plan, *args)

    def running(schedule: threads.Schedule, *args: Any) -> None:  # noqa: ANN401
        tasks.append(len(schedule.tasks))
        run(schedule, *args)

    threads._idle.clear()  # noqa: SLF001 - what earlier calls left is none of this call's
    set_threads(1)
    try:
        with mock.patch.object(sums, "carry_out", carrying), mock.patch.object(sums, "run", running):
            call()
    finally:
        set_threads(None)
    buffers = [
        buffer.nbytes
        for scratches in threads._idle.values()  # noqa: SLF001 - what a thread holds
        for scratch in scratches
        for buffer in scratch._buffers.values()  # noqa: SLF001
    ]
    return Seen(plans, tasks, sum(buffers))


@given(layers())
@settings(max_examples=150)
def test_what_is_explained_is_what_runs(layer: Layer) -> None:
    for name, call in layer.calls().items():
        seen = watched(call)
        text = explain_plan(
            layer.x_shape, layer.w_shape, operation=name, dtype=layer.dtype, **layer.arguments
        )
        if not seen.plans:
            assert "\n  route       whole: one product" in text
            continue
        [plan], [tasks] = seen.plans, seen.tasks
        assert text.partition("\n")[2] == describe(plan)
        assert tasks == plan.tasks
        assert f"\n  tasks       {tasks}, whatever" in text
        assert seen.scratch <= plan.scratch


@given(layers(), st.data())
@settings(max_examples=100)
def test_limits_bound_the_memory_of_every_plan(layer: Layer, data: st.DataObject) -> None:
    limits = dataclasses.replace(
        LIMITS,
        columns=data.draw(st.integers(1, 4000)),
        few_tasks=data.draw(st.integers(1, 64)),
        enough_terms=data.draw(st.sampled_from([0, 128, 10**9])),
        adding=data.draw(st.sampled_from([0.0, 0.7, 1e9])),
    )
    build: Any = conv_transpose_geometry if layer.transposed else conv_geometry
    geometry, dtype = build(layer.x_shape, layer.w_shape, **layer.arguments), np.dtype(np.float64)
    for which in get_args(Sum):
        plan = plan_for(Call(which, geometry, layer.x_shape[0], dtype, dtype), limits)
        if plan.route != "whole":
            assert plan.scratch <= 4 * limits.gathered + 3 * limits.product
            assert plan.tasks >= 1


def test_the_number_of_tasks_follows_the_work_and_not_the_machine() -> None:
    def tasks(samples: int) -> int:
        geometry = conv_geometry((samples, 64, 56, 56), (64, 64, 3, 3), padding=1)
        dtype = np.dtype(np.float32)
        return plan_for(Call("correlate", geometry, samples, dtype, dtype)).tasks

    counts = [tasks(samples) for samples in (1, 4, 16, 64)]
    assert counts == sorted(counts)
    assert counts[1] >= 12
    assert counts[3] >= 64
    for count in (1, 3):
        set_threads(count)
        assert [tasks(samples) for samples in (1, 4, 16, 64)] == counts
    set_threads(None)


def test_the_same_call_has_the_same_plan_and_another_limit_another() -> None:
    geometry = conv_geometry((4, 64, 56, 56), (64, 64, 3, 3), padding=1)
    call = Call("correlate", geometry, 4, np.dtype(np.float64), np.dtype(np.float64))
    assert plan_for(call) is plan_for(dataclasses.replace(call))
    assert plan_for(call).route == "tiles"
    assert plan_for(call).unfolded == (1,)
    assert plan_for(call, Limits(enough_terms=10**6)).unfolded == (0, 1)
    assert plan_for(call, Limits(small_work=10**12)).route == "whole"


# One layer per route, and a number that its reasons compare.
@given(layers())
@example(  # the rows that a scattered sum keeps overlap those that they replace
    Layer(
        transposed=False,
        x_shape=(2, 320, 9, 9),
        w_shape=(128, 40, 5, 5),
        arguments={"stride": 1, "dilation": 2, "groups": 8},
        dtype="float64",
    )
)
@settings(max_examples=50)
def test_a_call_takes_about_the_memory_that_is_explained(layer: Layer) -> None:
    for name, call in layer.calls().items():
        text = explain_plan(
            layer.x_shape, layer.w_shape, operation=name, dtype=layer.dtype, **layer.arguments
        )
        [numbers] = re.findall(r"about ([\d,]+) bytes per thread and ([\d,]+) for all", text)
        said = sum(int(number.replace(",", "")) for number in numbers)
        set_threads(1)
        try:
            call()  # what is built once is none of this call's
            threads._idle.clear()  # noqa: SLF001
            tracemalloc.start()
            result = call()
            taken = tracemalloc.get_traced_memory()[1] - result.nbytes
        finally:
            tracemalloc.stop()
            set_threads(None)
        assert taken <= 1.1 * said + 300_000  # objects of Python


def test_bfloat16_is_explained_by_its_name() -> None:
    assert "computed in float32, returned as bfloat16" in explain_plan(
        (1, 2, 5, 5), (4, 2, 3, 3), dtype="bfloat16"
    )


ROUTES: list[tuple[Operation, tuple[int, ...], tuple[int, ...], dict[str, Any], str, str]] = [
    ("conv", (1, 2, 9, 9), (3, 2, 3, 3), {}, "whole", "5,292 operations are at most 200,000"),
    ("conv", (4, 64, 56, 56), (64, 64, 3, 3), {}, "tiles", "192 terms per product"),
    ("conv", (2, 3, 224, 224), (64, 3, 7, 7), {"stride": 2}, "tiles", "stride 2 on the first axis"),
    ("conv_input_grad", (4, 64, 56, 56), (128, 64, 3, 3), {"stride": 2}, "phases", "ns to unfold phases"),
    ("conv_input_grad", (2, 3, 224, 224), (768, 3, 16, 16), {"stride": 16}, "patches", "rows of 16 taps"),
    ("conv_transpose", (16, 64, 32, 32), (64, 3, 4, 4), {"stride": 2}, "scatter", "ns per place to scatter"),
    ("conv_transpose_input_grad", (4, 128, 28, 28), (128, 64, 2, 2), {"stride": 2}, "tiles", "stride 2"),
    ("conv_weight_grad", (4, 64, 56, 56), (64, 64, 3, 3), {}, "weights", "192 terms per product"),
]


@pytest.mark.parametrize(
    ("operation", "x_shape", "w_shape", "arguments", "route", "reason"),
    ROUTES,
    ids=[f"{r[4]}-{r[0]}-{r[2]}" for r in ROUTES],
)
def test_the_text_names_the_route_and_the_numbers_compared(
    operation: Operation,
    x_shape: tuple[int, ...],
    w_shape: tuple[int, ...],
    arguments: dict[str, Any],
    route: str,
    reason: str,
) -> None:
    text = explain_plan(x_shape, w_shape, operation=operation, **arguments)
    assert f"\n  route       {route}: " in text
    assert reason in text
    assert text.startswith(f"{operation} of x {x_shape}, w {w_shape}\n")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"operation": "convolve"}, "operation='convolve': allowed are conv, conv_transpose, conv_input_grad"),
    ({"dtype": "float31"}, "dtype='float31': allowed are float16"),
    ({"x_shape": 5}, "x_shape=5: allowed is a sequence of ints"),
    ({"x_shape": "abcd"}, "x_shape='abcd': allowed is a sequence of ints"),
    ({"x_shape": np.zeros((2, 3))}, "x_shape=an array of shape (2, 3): allowed is a sequence of ints"),
    ({"x_shape": (-1, 2, 5, 5)}, "x_shape=(-1, 2, 5, 5) on axis 0: allowed is an int of at least 0"),
    ({"x_shape": (2.0, 2, 5, 5)}, "x_shape=(2.0, 2, 5, 5) on axis 0: allowed is an int"),
    ({"w_shape": (4, 2, "a", 3)}, "w_shape=(4, 2, 'a', 3) on axis 2: allowed is an int"),
    ({"dtype": "complex64"}, "allowed are float16"),
    ({"stride": 0}, "stride=0: allowed is an int of at least 1"),
    ({"groups": 3}, "groups=3: allowed is a divisor of the 2 input channels"),
    (
        {"output_padding": 1},
        "output_padding=1 beside operation='conv': allowed for transposed operations only",
    ),
    ({"output_size": (5, 5)}, "output_size=(5, 5) beside operation='conv': allowed for transposed"),
    ({"x_shape": (1, 2)}, "x has shape (1, 2): allowed is (N, C, *spatial)"),
]


@pytest.mark.parametrize(("given_arguments", "message"), BAD, ids=[str(bad[0]) for bad in BAD])
def test_a_bad_argument_of_explain_plan_is_named(given_arguments: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"x_shape": (1, 2, 5, 5), "w_shape": (4, 2, 3, 3), **given_arguments}
    with pytest.raises(GeometryError, match=re.escape(message)):
        explain_plan(**arguments)
