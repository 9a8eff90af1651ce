"""Which code a function is, as far as files tell: what they import is not looked at."""

from __future__ import annotations

import functools
import hashlib
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


def source_digest(function: Callable[..., Any], module: str) -> str | None:
    """Return "sha256:" and the hash of the code of a function that was imported.

    It is that of the file of its module, and of the file that defines it where that is another one, as behind
    ``from kernels.fast import conv2d``.

    Args:
        function: itself.
        module: the one that it was imported from.

    Returns:
        None where there is no file of its module, as of one that Python was built with.
    """
    paths = [path for path in dict.fromkeys(_files(function, module)) if path.is_file()]
    digests = [file_digest(path) for path in paths]
    if len(digests) < 2:  # noqa: PLR2004 - one file's hash is its own
        return digests[0] if digests else None
    return _digest("\n".join(digests).encode())


def file_digest(path: Path) -> str:
    """Return "sha256:" and the hash of a file.

    Raises:
        OSError: it cannot be read.
    """
    return _digest(path.read_bytes())


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _files(function: Callable[..., Any], module: str) -> Iterator[Path]:
    while isinstance(function, functools.partial):
        function = function.func
    for name in (module, getattr(inspect.unwrap(function), "__module__", None)):
        found = getattr(sys.modules.get(str(name)), "__file__", None)
        if found is not None:
            yield Path(found)
