"""Cases by the machine that computed them: a row of each kind, where there are several."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from parity.records.counts import Report
from parity.records.header import About, Header, Node
from parity.records.machine import Machine, this_machine
from parity.records.result import Record, Result


def machine(host: str = "a", **changes: Any) -> Machine:  # noqa: ANN401 - of any field
    return replace(Machine(host=host, processor="P", platform="Linux", python="3.11.1"), **changes)


def record(at: Machine, name: str = "1", *, version: str = "1", status: str = "ok") -> Record:
    result = Result(
        framework="torch", version=version, spelling="native", status=status, explained=status == "ok"
    )
    return Record(
        kind="record",
        suite="s",
        name=name,
        case={"op": "conv1d"},
        command="parity run conv1d",
        verdict="explained" if status == "ok" else "unexplained",
        results=(result,),
        machine=at,
    )


def rows(*records: Record) -> list[dict[str, Any]]:
    return Report(records).machines.to_dict()


def test_machines_of_one_kind_have_no_row() -> None:
    assert rows(record(machine("a")), record(machine("b"))) == []
    assert rows() == []


def test_each_kind_has_a_row_with_its_hosts_and_what_came_of_its_cases() -> None:
    other = {"flags": {"ONEDNN_MAX_CPU_ISA": "SSE41"}}
    found = rows(
        record(machine("a")),
        record(machine("b")),
        record(machine("c", **other)),
        record(machine("a")),
        record(machine("c", **other), status="crashed"),
    )
    assert [(each["hosts"], each["verdicts"], each["failed"]) for each in found] == [
        (["a", "b"], {"agree": 0, "explained": 3, "unexplained": 0}, 0),
        (["c"], {"agree": 0, "explained": 1, "unexplained": 1}, 1),
    ]
    assert [each["kind"] for each in found] == [
        "P, Linux, Python 3.11.1",
        "P, Linux, Python 3.11.1, ONEDNN_MAX_CPU_ISA=SSE41",
    ]


def test_machines_that_differ_in_a_framework_s_version_alone_are_of_two_kinds() -> None:
    found = rows(record(machine("a"), version="1"), record(machine("b"), version="2"))
    assert sorted(each["versions"] for each in found) == ["torch 1", "torch 2"]


def test_this_machine_is_described_with_the_variables_that_are_set() -> None:
    found = this_machine(["PATH", "PARITY_HAS_NO_SUCH_VARIABLE"])
    assert set(found.flags) == {"PATH"}
    assert found.host
    assert found.processor


def test_a_report_in_json_has_the_machines_of_the_header_and_the_rows() -> None:
    about = About(framework="torch", version="1")
    node = Node(machine=machine("a"), workers=3, frameworks=(about,))
    header = Header(suites=("s",), frameworks=(about,), machines=(node,))
    counted = Report([record(machine("a")), record(machine("b", processor="Q"))], header).to_dict(header)
    assert counted["machines"][0]["workers"] == 3
    assert len(counted["by_machine"]) == 2
