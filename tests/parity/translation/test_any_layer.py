"""Any arguments of any layer: translated, or refused for a reason that a run of the layer itself confirms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from convmm.geometry import GeometryError
from parity.cases.arrays import Arrays, numpy_dtype
from parity.cases.errors import InputError
from parity.frameworks.code.script import AS_THEY_ARE, Program
from parity.frameworks.table import find_framework
from parity.frameworks.task import Answer, Task
from parity.records.counts import Outcome
from parity.translation.result import remarks
from parity.translation.translator import translate
from parity.workers.shared import shared
from tests.support.strategies import EVERY_DTYPE, examples

pytestmark = pytest.mark.usefixtures("shared_processes")

LARGE = 13  # more than any padding that is drawn takes away
MOST = {1: 5, 2: 4, 3: 3}


@dataclass(frozen=True)
class Written:
    """A layer as text, with what it takes to call it.

    Attributes:
        framework: whose layer it is.
        text: the call that makes it.
        rank: spatial axes.
        channels: of the input.
        kernel: shape of its kernel, in the framework's layout.
        bias: size of its bias, None without one.
        dtype: of its weights.
    """

    framework: str
    text: str
    rank: int
    channels: int
    kernel: tuple[int, ...]
    bias: int | None
    dtype: str

    def run(self) -> Answer:
        """Have the framework make this very layer, and call it with a large input."""
        dtype = numpy_dtype(self.dtype)
        x = np.ones((1, self.channels, *(LARGE,) * self.rank), dtype)
        bias = None if self.bias is None else np.ones(self.bias, dtype)
        program = Program(f"import {self.framework}\n\nlayer = {self.text}\n")
        task = Task(program, AS_THEY_ARE, Arrays(x, np.ones(self.kernel, dtype), bias))
        return shared().submit(find_framework(self.framework), task)()


def _ints(low: int, high: int, rank: int, *, one_is_all: bool = False) -> st.SearchStrategy[Any]:
    """An int, or one an axis in a tuple or list; shrinks towards the lowest int."""
    ints = st.integers(low, high)
    each = st.lists(ints, min_size=rank, max_size=rank)
    forms = [ints, each.map(tuple), each, *([st.lists(ints, min_size=1, max_size=1)] if one_is_all else [])]
    return st.one_of(forms)


def _call(
    draw: st.DrawFn, path: str, positional: list[Any], optional: dict[str, st.SearchStrategy[Any]]
) -> str:
    """A call with these arguments, any of the optional ones, and room for more."""
    given = draw(st.fixed_dictionaries({}, optional=optional))
    named = [f"{name}={value!r}" for name, value in given.items()]
    return f"{path}({', '.join([*map(repr, positional), *named])}"


@st.composite
def torch_layers(draw: st.DrawFn) -> Written:
    """Any layer of torch.nn's six, its call not always accepted; shrinks towards Conv1d(1, 1, 1)."""
    rank = draw(st.integers(1, 3))
    transposed = draw(st.booleans())
    groups = draw(st.integers(1, 2))
    channels, filters = (groups * draw(st.integers(1, 2)) for _ in range(2))
    kernel = draw(_ints(1, MOST[rank], rank))
    bias = draw(st.booleans())
    dtype = draw(st.sampled_from(EVERY_DTYPE))
    padding = _ints(0, 5, rank, one_is_all=True)
    optional = {
        "stride": _ints(1, 4, rank, one_is_all=True),
        "padding": padding | st.sampled_from(["valid", "same"]),
        "dilation": _ints(1, 3, rank, one_is_all=True),
        **({"output_padding": _ints(0, 2, rank, one_is_all=True)} if transposed else {}),
    }
    name = f"torch.nn.Conv{'Transpose' if transposed else ''}{rank}d"
    call = _call(draw, name, [channels, filters, kernel], optional)
    taps = (kernel,) * rank if isinstance(kernel, int) else tuple(kernel)
    shape = (channels, filters // groups) if transposed else (filters, channels // groups)
    text = f"{call}, groups={groups}, bias={bias}, dtype=torch.{dtype})"
    return Written("torch", text, rank, channels, (*shape, *taps), filters if bias else None, dtype)


@st.composite
def keras_layers(draw: st.DrawFn) -> Written:
    """Any layer of Keras's six, its call not always accepted; shrinks towards Conv1D(1, 1)."""
    rank = draw(st.integers(1, 3))
    transposed = draw(st.booleans())
    groups = 1 if transposed else draw(st.integers(1, 2))
    channels, filters = (groups * draw(st.integers(1, 2)) for _ in range(2))
    kernel = draw(_ints(1, MOST[rank], rank))
    bias = draw(st.booleans())
    dtype = draw(st.sampled_from(EVERY_DTYPE))
    modes = ["valid", "same", "SAME", *(["causal"] if rank == 1 else [])]
    optional = {
        "strides": _ints(1, 4, rank),
        "padding": st.sampled_from(modes),
        "dilation_rate": _ints(1, 3, rank),
        "data_format": st.none() | st.just("channels_last"),
        **({"output_padding": st.none() | _ints(0, 2, rank)} if transposed else {}),
    }
    name = f"keras.layers.Conv{rank}D{'Transpose' if transposed else ''}"
    call = _call(draw, name, [filters, kernel], optional)
    taps = (kernel,) * rank if isinstance(kernel, int) else tuple(kernel)
    shape = (filters, channels) if transposed else (channels // groups, filters)
    of_groups = "" if transposed else f", groups={groups}"
    text = f"{call}{of_groups}, use_bias={bias}, dtype={dtype!r})"
    return Written("keras", text, rank, channels, (*taps, *shape), filters if bias else None, dtype)


@st.composite
def depthwise_layers(draw: st.DrawFn) -> Written:
    """Any depthwise layer of Keras's, its call not always accepted; shrinks towards DepthwiseConv1D(1)."""
    rank = draw(st.integers(1, 2))
    channels, multiplier = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    kernel = draw(_ints(1, MOST[rank], rank))
    bias = draw(st.booleans())
    dtype = draw(st.sampled_from(EVERY_DTYPE))
    optional = {
        "strides": _ints(1, 3, rank),
        "padding": st.sampled_from(["valid", "same", "SAME"]),
        "dilation_rate": _ints(1, 3, rank),
    }
    call = _call(draw, f"keras.layers.DepthwiseConv{rank}D", [kernel], optional)
    taps = (kernel,) * rank if isinstance(kernel, int) else tuple(kernel)
    text = f"{call}, depth_multiplier={multiplier}, use_bias={bias}, dtype={dtype!r})"
    filters = channels * multiplier if bias else None
    return Written("keras", text, rank, channels, (*taps, channels, multiplier), filters, dtype)


@examples(45)
@given(torch_layers(), st.sampled_from(["keras", "numpy"]))
def test_any_layer_of_torch_is_translated_or_refused_as_torch_does(written: Written, target: str) -> None:
    _is_translated_or_rightly_refused(written, target)


@examples(45)
@given(keras_layers(), st.sampled_from(["torch", "numpy"]))
def test_any_layer_of_keras_is_translated_or_refused_as_keras_does(written: Written, target: str) -> None:
    _is_translated_or_rightly_refused(written, target)


@examples(30)
@given(depthwise_layers(), st.sampled_from(["torch", "numpy"]))
def test_any_depthwise_layer_is_translated_or_refused_as_keras_does(written: Written, target: str) -> None:
    _is_translated_or_rightly_refused(written, target)


def _is_translated_or_rightly_refused(written: Written, target: str) -> None:
    try:
        translation = translate(written.text, target, channels=written.channels)
    except (InputError, GeometryError):
        assert written.run().ending == "rejected"
        return
    # What is known may be seen on every size: which faults there are depends on the processor.
    assert translation.outcome in {Outcome.EXPLAINED, Outcome.NOTHING_COMPARED}
    if translation.verified and not translation.known:
        assert written.run().ending == "ok"


@pytest.mark.parametrize(
    ("line", "size"),
    [
        ("nn.ConvTranspose2d(4, 6, 1, padding=1)", (3, 4)),
        ("nn.ConvTranspose1d(2, 3, 2, stride=2, padding=2)", (3,)),
        ("nn.ConvTranspose2d(16, 33, (3, 5), stride=(2, 1), padding=(4, 2))", (4, 2)),
        ("nn.ConvTranspose1d(2, 3, 3, stride=3, padding=5, output_padding=2)", (3,)),
        ("nn.Conv2d(2, 3, (4, 1), padding=(1, 2), dilation=(2, 1))", (5, 2)),
    ],
)
def test_a_layer_is_tried_from_the_smallest_input_on_that_has_an_output(
    line: str, size: tuple[int, ...]
) -> None:
    translation = translate(line, "keras")
    assert translation.verified
    assert translation.sizes[0][2:] == size


def test_an_input_without_an_output_is_refused_with_the_smallest_that_has_one() -> None:
    with pytest.raises(InputError, match=r"its output has no element; allowed are sizes from 2, 3 on"):
        translate("nn.ConvTranspose2d(1, 1, (2, 1), padding=1)", "keras", (1, 1, 1, 2))


def test_a_dilated_kernel_is_tried_on_an_input_that_every_tap_reads() -> None:
    line = "nn.Conv2d(1, 2, 2, padding=10, dilation=20, bias=False)"
    assert translate(line, "keras").verified
    blind = translate(line, "keras", (1, 1, 5, 5))
    assert (blind.verified, blind.outcome) == (False, Outcome.NOTHING_COMPARED)
    assert remarks(blind)[-1] == "NOT verified on inputs of sizes 1x1x5x5: nothing was compared"
