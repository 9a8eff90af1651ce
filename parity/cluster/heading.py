"""The first line of a record that a cluster made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from parity.cluster.plugin import Described
from parity.records.header import About, Header, Node
from parity.records.machine import Machine


def nodes_of(workers: Iterable[Described]) -> tuple[Node, ...]:
    """Count workers by what they are alike in: their machine, and what is installed there."""
    alike: dict[tuple[bytes, bytes], int] = defaultdict(int)
    for each in workers:
        alike[each.machine, each.frameworks] += 1
    return tuple(
        Node(
            machine=msgspec.json.decode(machine, type=Machine),
            workers=count,
            frameworks=msgspec.json.decode(frameworks, type=tuple[About, ...]),
        )
        for (machine, frameworks), count in sorted(alike.items())
    )


def on_machines(header: Header, nodes: Sequence[Node]) -> Header:
    """Return the header of a record whose cases are computed on these machines, and not where it is kept.

    A framework has there the versions of all of them, and those switches that are the same everywhere.
    """
    by_framework = zip(*(node.frameworks for node in nodes), strict=True)
    return replace(
        header,
        machines=tuple(nodes),
        frameworks=tuple(map(_together, by_framework)),
        python=UNSET,
        platform=UNSET,
        processor=UNSET,
        threads=UNSET,
        flags=UNSET,
    )


def _together(everywhere: Sequence[About]) -> About:
    return About(
        framework=everywhere[0].framework,
        version=_words(each.version for each in everywhere),
        backend=_words(each.backend for each in everywhere),
        switches=_common([each.switches for each in everywhere]),
    )


def _words(texts: Iterable[str | None]) -> str | None:
    return " or ".join(sorted({each for each in texts if each is not None})) or None


def _common(switches: Sequence[dict[str, Any] | None]) -> dict[str, Any] | None:
    known = [each for each in switches if each is not None]
    if not known:
        return None
    return {name: value for name, value in known[0].items() if all(each.get(name) == value for each in known)}
