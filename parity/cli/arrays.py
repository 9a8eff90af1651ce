"""Commands that take arrays of a user's own, as .npy files."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

import click

from parity.cases.case import Case
from parity.cases.op import OPS
from parity.cases.own import OwnArrays, own_arrays
from parity.cli.options import DRAWN


class BiasOrFile(click.Command):
    """A command whose ``--bias`` stands alone or before a file.

    An operation behind it is OP, as if there were no files; one of that name is ``--bias=NAME``.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, with a ``--bias`` before an operation closed against it."""
        pairs = zip_longest(args, args[1:])
        closed = [f"{arg}={DRAWN}" if arg == "--bias" and after in OPS else arg for arg, after in pairs]
        return super().parse_args(ctx, closed)


def case_and_arrays(read: Mapping[str, Any]) -> tuple[Case, OwnArrays]:
    """Return the case of ``case_options(own=True)``, and the arrays that files were given for.

    Raises:
        ArrayError: as :func:`parity.cases.own.own_arrays`.
        CaseError: as :class:`parity.cases.case.Case`, or the arrays do not fit in memory.
        GeometryError: numbers that describe no convolution.
    """
    files = {name: read[name] for name in ("x", "w", "bias") if read[name] not in {None, DRAWN}}
    others = {name: value for name, value in read.items() if name not in {"x", "w"}}
    case = Case.from_dict({**others, "bias": read["bias"] is not None})
    return case, own_arrays(case, **files)
