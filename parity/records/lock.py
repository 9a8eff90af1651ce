"""The lock of a record: an empty hidden file beside it, and nothing else that has this name."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout


class LockError(Exception):
    """Another file has the name of the lock; the message says which."""


class Lock:
    """A lock for whoever writes to a file, one for all links that name it.

    Its file goes with it. One that a killed process leaves locks nothing: the system gave up its lock with
    the process.

    Args:
        path: of what is to be locked.
    """

    def __init__(self, path: Path) -> None:
        real = path.resolve()
        self._path = real.with_name(f".{real.name}.lock")
        self._lock = FileLock(self._path, timeout=0)

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            filelock.Timeout: somebody else has it.
            LockError: the file of its name is none of a lock's.
            OSError: it cannot be made.
        """
        with suppress(FileNotFoundError):
            found = self._path.lstat()
            if not stat.S_ISREG(found.st_mode) or found.st_size:
                raise LockError(f"{self._path.name} beside it is no lock: move it away")
        self._lock.acquire()
        self._own = self._path.lstat()

    def release(self) -> None:
        """Give up the lock; where its name is another file's by now, that one stays."""
        remove_own(self._path, self._own)  # Windows removes no open file, and this one when it is closed
        self._lock.release()


def lock_descriptor(file: int) -> None:
    """Lock an open file itself, where the system can: by a hard link it has names in several folders.

    It is unlocked when it is closed.

    Raises:
        filelock.Timeout: somebody else has it.
    """
    if sys.platform == "win32":
        return
    import fcntl  # noqa: PLC0415 - not there

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Timeout("the file itself") from None
    except OSError:  # a file system of another machine may know no locks
        return


def remove_own(path: Path, own: os.stat_result) -> None:
    """Remove an empty file, unless the name has come to be another one's, or something stands in it."""
    with suppress(OSError):
        found = path.lstat()
        if os.path.samestat(found, own) and not found.st_size:
            path.unlink()
