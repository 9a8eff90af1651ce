"""Files that commands on models write: new ones, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
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


def write_all_new(files: Mapping[Path, str]) -> tuple[Path, ...]:
    """Write several files that are not there yet, all or none, and make their folders.

    Raises:
        ModelError: one of them is there already, or cannot be written.
    """
    written: list[Path] = []
    try:
        for path, text in files.items():
            _make_folder(path.parent)
            write_new(path, text)
            written.append(path)
    except ModelError:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return tuple(written)


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(f"{shorten(str(path))} cannot be made a folder: {error.strerror}") from error
