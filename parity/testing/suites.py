"""Suites as pytest's tests: a test for each case, named as the case is."""

from __future__ import annotations

import functools

import pytest

from parity.cases.suites import BUILT_IN, KNOWN, Suite, SuiteCase, SuiteError
from parity.frameworks.known.suite import suite

ARGUMENT = "parity_case"
"""What a test takes the case as."""

_USAGE = '@pytest.mark.parity(suite="zoo")'


def parametrize(metafunc: pytest.Metafunc, marker: pytest.Mark) -> None:
    """Make a test of each case of the marker's suite.

    Raises:
        CollectError: the marker names no suite, or one that is not right, or its test takes no case.
    """
    if ARGUMENT not in metafunc.fixturenames:
        if marker in metafunc.definition.own_markers:  # a class's other tests may do without
            raise _wrong(metafunc.definition, f"allowed is a test that takes the argument {ARGUMENT}")
        return
    suite = _suite_of(metafunc.definition, marker)
    metafunc.parametrize(
        ARGUMENT, [named.case for named in suite.cases], ids=[named.name for named in suite.cases]
    )


def suite_case(item: pytest.Item) -> tuple[Suite, SuiteCase] | None:
    """Return which case of which suite a test is of, if it is of one."""
    marker, call = item.get_closest_marker("parity"), getattr(item, "callspec", None)
    if marker is None or call is None or ARGUMENT not in call.indices:
        return None
    suite = _suite_of(item, marker)
    return suite, suite.cases[call.indices[ARGUMENT]]


def _suite_of(definition: pytest.Item, marker: pytest.Mark) -> Suite:
    """Load the marker's suite: a built-in one, or a file whose path begins where the test's own file is."""
    if marker.args or set(marker.kwargs) != {"suite"} or not isinstance(marker.kwargs["suite"], str):
        raise _wrong(definition, f"allowed is one suite, by name or as the path of a TOML file: {_USAGE}")
    name = marker.kwargs["suite"]
    try:
        return _load(name if name in (*BUILT_IN, KNOWN) else str(definition.path.parent / name))
    except SuiteError as error:
        raise _wrong(definition, str(error)) from None


@functools.cache
def _load(name: str) -> Suite:
    return suite(name)


def _wrong(definition: pytest.Item, allowed: str) -> pytest.Collector.CollectError:
    return pytest.Collector.CollectError(f"{definition.nodeid}: marker parity: {allowed}")
