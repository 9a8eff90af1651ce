"""The frameworks beside PyTorch and Keras, each where it is installed: what they do is as predicted."""

from __future__ import annotations

import math
import sys

import pytest

from parity.cases.case import Case
from parity.cases.suites import load_suite
from parity.frameworks.table import BUILT_IN, find_framework, installed
from parity.records.counts import Report
from parity.running import run_all
from parity.testing import check_framework
from parity.translation.translator import translate
from parity.workers.workers import Workers
from tests.support.strategies import share

OTHERS = [name for name in BUILT_IN if name not in {"numpy", "torch", "keras"}]

each_framework = pytest.mark.parametrize("name", OTHERS)


def require(name: str) -> None:
    """Skip where the framework is not installed."""
    if name not in installed():
        pytest.skip(f"{name} is not installed: `nox -s frameworks` installs it")


SLOW = {"flax": 5, "jax": 5, "litert": 3, "openvino": 3, "tinygrad": 12}
"""Those that compile each layer, or interpret it: by day they get so many times fewer cases."""

MOST_PRODUCTS = {"tinygrad": 10_000}
"""Of a case, for those that take seconds for more: without a compiler tinygrad computes in Python."""


def products(case: Case) -> int:
    """The products that a case adds up."""
    places = case.input if case.transposed else case.output_shape
    return math.prod(places) * math.prod(case.kernel_shape[1:])


@each_framework
def test_a_framework_is_what_every_framework_has_to_be(name: str) -> None:
    require(name)
    check_framework(find_framework(name), cases=1000 // share(10 * SLOW.get(name, 1)))


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_flushes_subnormal_numbers_does_so_in_gradients_too(name: str) -> None:
    require(name)
    framework = find_framework(name)
    if framework.why_no_gradients():
        pytest.skip("it has no gradients")
    for dtype in ("float16", "bfloat16", "float32", "float64"):
        for op in ("conv2d", "conv_transpose2d"):
            case = Case(op, (1, 2, 4, 4), 2, 3, dtype=dtype)
            assert framework.mode_of_gradients(case).flushes or not framework.mode(case).flushes


@each_framework
@pytest.mark.parametrize(("suite", "step"), [("article", 1), ("grid", 61), ("onnx", 17), ("zoo", 13)])
def test_of_the_suites_nothing_is_unexplained(suite: str, step: int, name: str) -> None:
    require(name)
    framework = find_framework(name)
    every = [each.case for each in load_suite(suite).cases]
    most = MOST_PRODUCTS.get(name, sys.maxsize)
    cases = [case for case in every[:: share(step * SLOW.get(name, 1))] if products(case) <= most]
    with Workers([framework]) as workers:
        run = run_all(cases, [framework], workers.submit, ahead=workers.ahead)
        report = Report(found.record for found in run)
    assert report.unexplained == []
    assert report.comparisons or not cases


LINES = (
    "nn.Conv2d(2, 3, (3, 2), stride=2, padding=1, dilation=(1, 2))",
    "nn.ConvTranspose2d(4, 3, 3, stride=2, padding=1, output_padding=1)",
    "layers.Conv1D(3, 4, strides=2, padding='same', input_shape=(9, 2))",
    "layers.Conv2DTranspose(3, 3, strides=2, padding='same', input_shape=(4, 4, 2))",
)


@each_framework
@pytest.mark.parametrize("line", LINES)
def test_torchs_and_kerass_layers_are_written_in_it_and_proved(line: str, name: str) -> None:
    require(name)
    shape = (1, 4, 9, 8) if "4, 3, 3" in line else (1, 2, 9) if "1D" in line else (1, 2, 9, 8)
    found = translate(line, name, input=shape)
    assert found.verified, found.code
