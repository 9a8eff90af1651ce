"""Garbage collection, put off while much is imported."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def imports() -> Iterator[None]:
    """Collect no garbage for the length of a ``with``, nor later look at what it leaves.

    What is imported stays, and the collector would look at all of it again and again: a tenth of the time
    that the import of a framework takes.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()
