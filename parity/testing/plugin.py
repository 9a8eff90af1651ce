"""A plugin of pytest: suites as tests, frameworks that a whole run shares, and a record of what it compared.

It is loaded in every run of pytest where this distribution is installed, so that all it needs is imported
when a test uses it.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parity.testing.surroundings import surrounded

if TYPE_CHECKING:  # as above
    from parity.testing.recording import Recording
    from parity.testing.shared import Shared


def pytest_addoption(parser: pytest.Parser) -> None:
    """The plugin's options."""
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
    """Say what the marker is, check the options, and have assertions share their frameworks."""
    config.addinivalue_line(
        "markers", "parity(suite): a test for each case of a suite, which the test takes as `parity_case`"
    )
    names, record = config.getoption("parity_frameworks"), config.getoption("parity_record")
    recording = None if record is None else _recording(config, record)
    lazy = _Lazy(None if names is None else _installed(names), recording)
    config.stash[_LAZY] = lazy
    stack = ExitStack()
    config.add_cleanup(stack.close)
    stack.callback(lazy.close)
    stack.enter_context(surrounded(lazy.shared))


def _recording(config: pytest.Config, path: Path) -> Recording:
    from parity.testing.recording import Recording

    recording = Recording(config, path)
    config.pluginmanager.register(recording)
    return recording


class _Lazy:
    """What the run shares, made when it is first asked for."""

    def __init__(self, frameworks: list[str] | None, recording: Recording | None) -> None:
        self.frameworks = frameworks
        self._recording = recording
        self._shared: Shared | None = None

    def shared(self) -> Shared:
        """The frameworks' processes."""
        if self._shared is None:
            from parity.testing.shared import Shared

            keep = None if self._recording is None else self._recording.keep
            self._shared = Shared(self.frameworks, keep)
        return self._shared

    def close(self) -> None:
        """End them, if there are any."""
        if self._shared is not None:
            self._shared.close()


_LAZY = pytest.StashKey[_Lazy]()


def _installed(names: str) -> list[str]:
    """The frameworks that the option names."""
    from parity.cases.notation import parse_names
    from parity.frameworks.adapter import FrameworkError, adapter

    try:
        return [adapter(name).NAME for name in parse_names(names)]
    except FrameworkError as error:
        raise pytest.UsageError(f"--parity-frameworks: {error}") from None


@pytest.fixture(scope="session")
def parity_frameworks(pytestconfig: pytest.Config) -> list[str]:
    """The names of the frameworks that are compared: those of --parity-frameworks, or all installed ones."""
    from parity.frameworks.adapter import installed

    named = pytestconfig.stash[_LAZY].frameworks
    return installed() if named is None else named


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each case of the suite that the marker names."""
    marker = metafunc.definition.get_closest_marker("parity")
    if marker is not None:
        from parity.testing.suites import parametrize

        parametrize(metafunc, marker)
