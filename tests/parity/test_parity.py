"""NumPy, PyTorch and Keras against each other, by property; how many examples is the profile's to say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings

from parity import Case, run
from parity.strategies import cases, conv_cases, conv_transpose_cases, refused_cases
from parity.testing import assert_parity
from tests.support.strategies import EVERY_DTYPE

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]

half = settings(max_examples=settings().max_examples // 2)
"""Half as many examples as the profile says, since each is run by all frameworks."""


@half
@given(conv_cases(dtypes=EVERY_DTYPE))
def test_convolutions_of_integers_are_bit_equal_in_every_dtype(case: Case) -> None:
    assert_parity(case)


@half
@given(conv_transpose_cases(dtypes=EVERY_DTYPE))
def test_transposed_convolutions_of_integers_are_bit_equal_in_every_dtype(case: Case) -> None:
    assert_parity(case)


@half
@given(cases(dtypes=EVERY_DTYPE[:2], values=("normal", "wide")))
def test_real_numbers_stay_within_the_bound_on_their_rounding(case: Case) -> None:
    assert_parity(case)


@half
@given(refused_cases("torch") | refused_cases("keras"))
def test_what_a_framework_refuses_by_its_rules_is_explained_in_all_of_them(case: Case) -> None:
    unexplained = [(each.label, each.error, each.reason) for each in run(case).results if not each.explained]
    assert unexplained == []


PROBE = """
from hypothesis import given, settings, strategies as st

drawn = []

@given(st.integers())
def test_property(number):
    drawn.append(number)
    assert {condition}

def test_settings():
    print("settings", settings().deadline, settings().max_examples, hash(tuple(drawn)))
"""


def probe(pytester: pytest.Pytester, condition: str, *arguments: str, **environment: str) -> list[str]:
    """What a run under the project's own conftest.py prints."""
    pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text(encoding="utf-8"))
    pytester.makepyfile(PROBE.replace("{condition}", condition))
    command = [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider", *arguments]
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    done = subprocess.run(
        command, cwd=pytester.path, env=kept | environment, capture_output=True, text=True, check=False
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        ((), {}, "settings None 34 "),
        ((), {"CI": "true"}, "settings None 34 "),
        (("--hypothesis-profile", "nightly"), {"CI": "true"}, "settings None 2000 "),
    ],
)
def test_no_profile_has_a_deadline_and_the_nightly_one_has_many_examples(
    pytester: pytest.Pytester, arguments: tuple[str, ...], environment: dict[str, str], expected: str
) -> None:
    lines = probe(pytester, "True", *arguments, **environment)
    assert any(expected in line for line in lines), lines


def test_on_a_ci_machine_every_run_draws_the_same_and_a_failure_has_its_reproducer(
    pytester: pytest.Pytester,
) -> None:
    one, other = (probe(pytester, "number < 1000", CI="true") for _ in range(2))
    shown = [line for line in one if "settings None" in line]
    assert shown
    assert shown == [line for line in other if "settings None" in line]
    assert any("@reproduce_failure(" in line for line in one), one
