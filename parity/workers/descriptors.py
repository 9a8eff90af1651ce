"""Standard input, output and error, where a program was started without them."""

from __future__ import annotations

import os


def open_standard_descriptors() -> None:
    """Open those of standard input, output and error that are closed, as under cron or ``>&-``, to nowhere.

    What is opened next would get their numbers, and each new process writes to these.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest that is free  # noqa: FBT003 - it has no name
