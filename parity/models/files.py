"""Files that commands on models write: new ones, whole or not at all."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from convmm.geometry import shorten
from parity.frameworks.model import ModelError


def write_new(path: Path, text: str) -> None:
    """Write a text into a file that is not there yet.

    Raises:
        ModelError: it is there already, or cannot be written.
    """
    name = shorten(str(path))
    try:
        with path.open("x", encoding="utf-8") as file:
            try:
                file.write(text)
                file.flush()
            except BaseException:
                with suppress(OSError):
                    path.unlink()
                raise
    except FileExistsError:
        raise ModelError(f"{name} is there already; name another file, or remove it first") from None
    except (OSError, ValueError) as error:  # ValueError: no name of a file
        why = getattr(error, "strerror", None) or error
        raise ModelError(f"{name} cannot be written: {why}") from error
