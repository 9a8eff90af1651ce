"""The header of a cluster's record: versions of all machines together, and each machine's own."""

from __future__ import annotations

import msgspec

from parity.cluster.heading import nodes_of, on_machines
from parity.cluster.plugin import Described
from parity.records.header import About, Header
from parity.records.machine import Machine

HEADER = Header(suites=("s",), frameworks=(About(framework="torch"),), python="3.11.1", platform="Linux")


def described(host: str, version: str, **switches: object) -> Described:
    machine = Machine(host=host, processor="P", platform="Linux", python="3.11.1")
    abouts = (About(framework="torch", version=version, backend=None, switches=switches),)
    encode = msgspec.json.encode
    return Described(f"tcp://{host}:1", encode(machine), encode(abouts), {})


def test_workers_that_are_alike_are_one_machine() -> None:
    nodes = nodes_of([described("a", "1"), described("b", "1"), described("a", "1")])
    assert [(each.machine.host, each.workers) for each in nodes] == [("a", 2), ("b", 1)]


def test_a_framework_has_all_versions_and_the_switches_that_are_the_same() -> None:
    nodes = nodes_of([described("a", "2", threads=1, tf32=True), described("b", "1", threads=1, tf32=False)])
    header = on_machines(HEADER, nodes)
    assert header.frameworks == (About(framework="torch", version="1 or 2", switches={"threads": 1}),)
    assert header.machines == nodes


def test_what_is_of_the_machine_that_asks_is_left_out() -> None:
    written = msgspec.to_builtins(on_machines(HEADER, nodes_of([described("a", "1")])))
    assert not {"python", "platform", "processor", "threads", "flags"} & set(written)
    assert written["suites"] == ("s",)
