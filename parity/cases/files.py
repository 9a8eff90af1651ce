"""Regular files, and no others: to open a pipe may wait for ever, and a device may have no end."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}

_AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
"""Flags with which opening waits for nobody, should the name be another file's by then."""


def read_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading.

    Raises:
        OSError: as :func:`open_regular`.
    """
    return open(path, "rb", opener=open_regular)


def open_regular(path: str | os.PathLike[str], flags: int) -> int:
    """Open a regular file by the flags of :func:`os.open`, and return its descriptor.

    What else has the name is left as it is: it is opened at the most, and nothing is read of it.

    Raises:
        OSError: it cannot be opened, or it is no regular file; ``strerror`` says what it is.
    """
    _check(Path(path).stat())
    file = os.open(path, flags | _AT_ONCE)
    try:
        _check(os.fstat(file))
    except OSError:
        os.close(file)
        raise
    return file


@contextmanager
def replacing(path: Path, *sources: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of one of this name when it is whole; until then that stays as it is.

    Args:
        path: of the file; a link stays, and what it leads to is replaced.
        sources: files that must not be replaced, since they are what is read.

    Raises:
        OSError: it cannot be written, or the name is a source's or no regular file's; ``strerror`` says it.
    """
    target = Path(os.path.realpath(path))
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    if target.exists():
        _check(target.stat())
        if any(target.samefile(source) for source in sources):
            raise OSError(errno.ENXIO, f"allowed is another file than {path}, which is read")
    try:
        with draft.open("xb") as file:
            yield file
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _check(found: os.stat_result) -> None:
    kind = stat.S_IFMT(found.st_mode)
    if kind != stat.S_IFREG:
        code = errno.EISDIR if kind == stat.S_IFDIR else errno.ENXIO
        raise OSError(code, f"allowed is a regular file, and this is {_KINDS.get(kind, 'none')}")
