"""The folder in which processes leave what they write, and the removal of those that killed commands left."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from parity.frameworks.program.conversation import end_programs
from parity.workers.files import OURS, TEMPORARY, temporary_of

_PREFIX = "convparity-workers-"
_LOCK = "lock"
_NEW = 60
"""Seconds for which a folder may be one that is just being made: its lock is there before it is locked."""


class Folder:
    """A new folder for one user's eyes, locked for as long as the process that made it lives.

    No ``TemporaryDirectory``: that of the parent would be removed by a forked child, at its end.

    Raises:
        OSError: there is no place for temporary files.
    """

    def __init__(self) -> None:
        _remove_left_behind(Path(tempfile.gettempdir()))
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lock = FileLock(self.path / _LOCK, thread_local=False)
        self._lock.acquire()

    def remove(self) -> None:
        """Remove it, with all that is in it, and what programs have left behind."""
        end_programs(temporary_of(self.path))
        self._lock.release()
        shutil.rmtree(self.path, ignore_errors=True)


def _remove_left_behind(place: Path) -> None:
    """Remove this user's folders that no process holds a lock of, and that have nothing but our files."""
    for folder in place.glob(f"{_PREFIX}*"):
        with suppress(OSError, Timeout):
            if _is_left_behind(folder):
                with FileLock(folder / _LOCK, timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)


def _is_left_behind(folder: Path) -> bool:
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or (hasattr(os, "getuid") and about.st_uid != os.getuid()):
        return False
    if time.time() - about.st_mtime < _NEW:
        return False
    names = [each.name for each in folder.iterdir()]
    return all(name in {_LOCK, TEMPORARY} or name.endswith(OURS) for name in names)
