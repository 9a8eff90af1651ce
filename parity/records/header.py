"""The first line of a record: what ran, in which versions and under which switches."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from parity.records.machine import Machine
from parity.records.result import SCHEMA


class About(msgspec.Struct, frozen=True, kw_only=True):
    """A framework, as installed where it ran.

    Attributes:
        framework: its name.
        version: of the framework.
        backend: what computes underneath, with its version.
        switches: those that it ran under, by name, and of a function its mode and the hashes of its files;
            None where they are not known.
    """

    framework: str
    version: str | None = None
    backend: str | None = None
    switches: dict[str, Any] | None = None


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A machine of a cluster as a sweep began, with what is installed there.

    Attributes:
        machine: the machine.
        workers: how many workers of Dask there were on it.
        frameworks: those that were compared, in order.
    """

    machine: Machine
    workers: int
    frameworks: tuple[About, ...]


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What a sweep ran in.

    Attributes:
        schema: of the file's keys.
        kind: "header".
        convparity: the version of this distribution.
        suites: the suites' names, in order.
        selection: what of the suites was left out, as :attr:`parity.cases.selection.Selection.given` has it;
            not there where it is nothing.
        frameworks: those that were compared, in order.
        divergences: of the files of known differences that were given, the hash of each by its name,
            "sha256:" first; not there where none was.
        machines: of a cluster, those that there were at the beginning; what follows is then said of each of
            them, and not here. A worker that came later is in the records that it made.
        python: version.
        platform: as :func:`platform.platform` has it.
        processor: the machine's name.
        threads: of the machine's processors.
        flags: environment variables that change numbers, None for one that is not set.
        started: ISO time, UTC.
    """

    schema: Literal[1] = SCHEMA
    kind: Literal["header"] = "header"
    convparity: str | msgspec.UnsetType | None = msgspec.UNSET
    suites: tuple[str, ...]
    selection: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    frameworks: tuple[About, ...]
    divergences: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    machines: tuple[Node, ...] | msgspec.UnsetType = msgspec.UNSET
    python: str | msgspec.UnsetType | None = msgspec.UNSET
    platform: str | msgspec.UnsetType | None = msgspec.UNSET
    processor: str | msgspec.UnsetType | None = msgspec.UNSET
    threads: int | msgspec.UnsetType | None = msgspec.UNSET
    flags: dict[str, str | None] | msgspec.UnsetType = msgspec.UNSET
    started: str | msgspec.UnsetType | None = msgspec.UNSET
