"""Scripts run in a process of their own: a framework that crashes in one takes no test along."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from multiprocessing import get_context
from unittest.mock import patch

import numpy as np


def ending(text: str) -> str | None:
    """The class of what a script ends with, None where it ends well, "crashed" where its process does."""
    try:
        return _process().submit(_run, text).result(timeout=300)
    except BrokenProcessPool:
        _process.cache_clear()
        return "crashed"


@cache
def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def _run(text: str) -> str | None:
    with redirect_stdout(StringIO()), np.errstate(), patch.dict(os.environ):  # which a script may set
        try:
            exec(compile(text, "script", "exec"), {})  # noqa: S102 - what a user would do with it
        except Exception as error:  # noqa: BLE001 - it is what is asked for
            return type(error).__name__
    return None
