"""What is installed, in which version: read from metadata, with nothing imported."""

from __future__ import annotations

import functools
from importlib.metadata import PackageNotFoundError, version

from parity.cases.errors import InputError


class MissingError(InputError):
    """A distribution that a command needs and that is not installed; the message says what to install."""


@functools.cache  # a search of sys.path, and asked for by every result
def installed_version(*distributions: str) -> str | None:
    """Return the version of the first of these distributions that is installed, or None."""
    for distribution in distributions:
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return None


def not_installed(distribution: str, source: str) -> str:
    """Say that a framework needs this distribution, and where pip gets it from."""
    return f"needs {distribution}, which is not installed: pip install {source}"


def check_hypothesis(asker: str) -> None:
    """Accept an environment in which cases can be drawn: what draws them imports hypothesis.

    Args:
        asker: what needs it, as a sentence begins.

    Raises:
        MissingError: hypothesis is not installed.
    """
    if installed_version("hypothesis") is None:
        source = "'convparity[testing]'"
        raise MissingError(f"{asker} {not_installed('hypothesis', source)}")
