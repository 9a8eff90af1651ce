"""A plugin of pytest: suites as tests, frameworks that a whole run shares, and a record of what it compared.

It is loaded in every run of pytest where this distribution is installed, so that all it needs is imported
when a test uses it.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parity.testing.surroundings import Surroundings, current, surrounded

if TYPE_CHECKING:  # as above
    from parity.testing.recording import Recording


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the plugin's options."""
    group = parser.getgroup("parity", "comparing convolution layers")
    group.addoption(
        "--parity-frameworks",
        metavar="NAMES",
        help="Frameworks that assert_parity compares where none are named, separated by commas; all that are "
        "installed by default.",
    )
    group.addoption(
        "--parity-record",
        metavar="FILE",
        type=Path,
        help="Record what the run compares, as `parity sweep --output` does, in a new file.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Say what the marker is, check the options, and have assertions compare and record as they say."""
    config.addinivalue_line(
        "markers", "parity(suite): a test for each case of a suite, which the test takes as `parity_case`"
    )
    names, record = config.getoption("parity_frameworks"), config.getoption("parity_record")
    recording = None if record is None else _recording(config, record)
    around = Surroundings(
        None if names is None else _installed(names), None if recording is None else recording.keep
    )
    config.stash[_AROUND] = around
    stack = ExitStack()
    config.add_cleanup(stack.close)
    stack.enter_context(surrounded(around))


def _recording(config: pytest.Config, path: Path) -> Recording:
    from parity.testing.recording import Recording

    recording = Recording(config, path)
    config.pluginmanager.register(recording)
    return recording


_AROUND = pytest.StashKey[Surroundings]()


def _installed(names: str) -> list[str]:
    """Return the frameworks that the option names."""
    from parity.cases.notation import parse_names
    from parity.frameworks.table import FrameworkError, find_framework

    try:
        return [find_framework(name).name for name in parse_names(names)]
    except FrameworkError as error:
        raise pytest.UsageError(f"--parity-frameworks: {error}") from None


@pytest.fixture(scope="session")
def parity_frameworks(pytestconfig: pytest.Config) -> list[str]:
    """Return the names of what is compared: those of --parity-frameworks, or all installed ones."""
    from parity.frameworks.table import installed

    named = pytestconfig.stash[_AROUND].frameworks
    return installed() if named is None else list(named)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Have the assertions of a suite's test hold its case to the verdict that the suite expects."""
    if item.get_closest_marker("parity") is None:
        return (yield)
    from parity.testing.suites import suite_case

    found = suite_case(item)
    if found is None or found[1].expected is None:
        return (yield)
    with surrounded(replace(current(), expected={found[1].case: found[1].expected})):
        return (yield)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test for each case of the suite that the marker names."""
    marker = metafunc.definition.get_closest_marker("parity")
    if marker is not None:
        from parity.testing.suites import parametrize

        parametrize(metafunc, marker)
