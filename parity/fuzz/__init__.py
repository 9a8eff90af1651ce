"""Random cases, searched for what nothing explains, and each cause shrunk to its smallest case."""

from __future__ import annotations

from parity.cases.errors import InputError
from parity.frameworks.distributions import installed_version, not_installed


class FuzzError(InputError):
    """A search that cannot begin; the message says what is wrong and what is allowed."""


def check_installed() -> None:
    """Accept an environment in which a search can be made: the rest of this package needs hypothesis.

    Raises:
        FuzzError: hypothesis is not installed.
    """
    if installed_version("hypothesis") is None:
        source = "'convparity[testing]'"
        raise FuzzError(f"fuzz {not_installed('hypothesis', source)}")
