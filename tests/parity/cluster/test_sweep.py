"""A sweep on a cluster: the records that one machine makes, each once, in whatever order."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from tests.support.clusters import (
    Cluster,
    ask,
    begin,
    by_place,
    cluster_in,
    descendants,
    records_in,
    until,
)
from tests.support.strategies import TIMES

NUMPY = ("--frameworks", "numpy")


def impl(name: str) -> tuple[str, ...]:
    return (*NUMPY, "--impl", f"kernels:{name}")


def lines_of(file: Path) -> int:
    return file.read_text().count("\n") if file.exists() else 0


def test_the_records_are_those_of_one_machine_but_for_the_order_and_the_machine(
    two: tuple[Path, Cluster],
) -> None:
    folder, cluster = two
    options = ("sweep", "small.toml", *impl("wrong"), "--output")
    there = ask(folder, *options, "there.jsonl", "--scheduler", cluster.address)
    here = ask(folder, *options, "here.jsonl", "--jobs", "1")
    assert there == here
    assert here[0] == 1
    found = records_in(folder / "there.jsonl")
    assert by_place(found) == by_place(records_in(folder / "here.jsonl"))
    assert len(found) == 72
    assert all({"host", "processor", "platform", "python"} <= set(each["machine"]) for each in found)


def test_the_header_has_the_machines_and_what_is_installed_on_each(two: tuple[Path, Cluster]) -> None:
    folder, cluster = two
    options = ("sweep", "small.toml", *impl("right"), "--limit", "1", "--json", "--scheduler")
    code, said, _ = ask(folder, *options, cluster.address)
    assert code == 0
    header, record = map(json.loads, said.splitlines())
    [node] = header["machines"]
    assert node["workers"] == 2
    assert node["machine"] == record["machine"]
    numpy, own = node["frameworks"]
    assert (numpy["framework"], numpy["version"]) == ("numpy", record["results"][0]["version"])
    assert own["switches"]["source"].startswith("sha256:")
    assert not {"python", "platform", "processor", "threads", "flags"} & set(header)


def test_gradients_known_differences_and_programs_go_there_too(two: tuple[Path, Cluster]) -> None:
    folder, cluster = two
    options = ("sweep", "small.toml", "--frameworks", "numpy,torch", "--grad", "--limit", "20", "--output")
    there = ask(folder, *options, "there-grad.jsonl", "--scheduler", cluster.address)
    here = ask(folder, *options, "here-grad.jsonl", "--jobs", "1")
    assert there == here
    assert here[0] == 0
    found = by_place(records_in(folder / "there-grad.jsonl"))
    assert found == by_place(records_in(folder / "here-grad.jsonl"))


def test_a_search_finds_the_same_as_on_one_machine(two: tuple[Path, Cluster]) -> None:
    folder, cluster = two
    options = (*"fuzz --examples 60 --seed 3 --json --max-size 6".split(), *impl("wrong"), "--database")
    there = ask(folder, *options, "there", "--scheduler", cluster.address)
    here = ask(folder, *options, "here", "--jobs", "1")
    assert there[0] == here[0] == 1, there[2]
    findings = [json.loads(said)["findings"] for _, said, _ in (there, here)]
    assert all(each.pop("seen_on") for each in findings[0])
    assert not any(each.pop("seen_on") for each in findings[1])
    assert findings[0] == findings[1]
    assert findings[0]


def test_a_record_is_gone_on_with_on_another_cluster_and_by_no_machine_alone(folder: Path) -> None:
    options = ("sweep", "small.toml", *impl("right"), "--output", "out.jsonl")
    with cluster_in(folder, 1) as cluster:
        assert ask(folder, *options, "--limit", "20", "--scheduler", cluster.address)[0] == 0
    with cluster_in(folder, 0) as cluster:
        cluster.add(ONEDNN_MAX_CPU_ISA="SSE41")
        code, _, said = ask(folder, *options, "--resume", "--jobs", "1")
        assert (code, "it was begun on a cluster, and one machine is asked" in said) == (2, True)
        assert ask(folder, *options, "--resume", "--scheduler", cluster.address)[0] == 0
    found = records_in(folder / "out.jsonl")
    assert len(by_place(found)) == 72
    assert sorted("ONEDNN_MAX_CPU_ISA" in each["machine"].get("flags", {}) for each in found) == [
        *[False] * 20,
        *[True] * 52,
    ]
    for form, shows in (("", "hosts"), ("--json", "by_machine"), ("--markdown", "2 kinds of machines")):
        code, said, _ = ask(folder, "report", "out.jsonl", *filter(None, [form]))
        assert (code, shows in said, "ONEDNN_MAX_CPU_ISA=SSE41" in said) == (0, True, True)


def test_a_worker_that_joins_late_takes_its_part_and_one_that_is_told_to_end_leaves_it(folder: Path) -> None:
    with cluster_in(folder, 0) as cluster:
        [first] = cluster.add()
        options = ("sweep", "small.toml", *impl("slow_until_told"), "--output", "out.jsonl")
        asker = begin(folder, *options, "--scheduler", cluster.address)
        until(lambda: lines_of(folder / "out.jsonl") > 1)
        cluster.add(ONEDNN_MAX_CPU_ISA="SSE41")
        first.terminate()
        first.wait(60)
        (folder / "told").touch()
        _, said = asker.communicate(timeout=120)
        assert asker.returncode == 0, said
    found = records_in(folder / "out.jsonl")
    assert len(by_place(found)) == 72
    assert 0 < sum("ONEDNN_MAX_CPU_ISA" in each["machine"].get("flags", {}) for each in found) < 72


def test_what_a_worker_was_at_that_dies_is_done_by_another(folder: Path) -> None:
    with cluster_in(folder, 2) as cluster:
        options = ("sweep", "deadly.toml", *impl("deadly_once"), "--output", "out.jsonl")
        code, _, said = ask(folder, *options, "--scheduler", cluster.address)
    assert (folder / "killed").exists()
    assert code == 0, said
    assert len(by_place(records_in(folder / "out.jsonl"))) == 63


@pytest.mark.skipif(TIMES < 1, reason="by night: workers are started again, many times")
def test_a_case_on_which_every_worker_dies_is_recorded_as_crashed_and_no_other_is(folder: Path) -> None:
    with cluster_in(folder, 2, nanny=True, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0") as cluster:
        options = ("sweep", "deadly.toml", *impl("deadly"), "--limit", "20", "--output", "out.jsonl")
        code, _, said = ask(folder, *options, "--scheduler", cluster.address)
    assert code == 3, said
    found = records_in(folder / "out.jsonl")
    assert len(by_place(found)) == 20, said
    for each in found:
        statuses = {result["status"] for result in each["results"]}
        assert statuses == ({"crashed"} if each["case"]["input"][2] == 7 else {"ok"})


def test_a_framework_that_crashes_costs_its_own_result_alone(two: tuple[Path, Cluster]) -> None:
    folder, cluster = two
    options = ("sweep", "deadly.toml", *impl("crashes"), "--limit", "20", "--output")
    there = ask(folder, *options, "there-crashes.jsonl", "--scheduler", cluster.address)
    here = ask(folder, *options, "here-crashes.jsonl", "--jobs", "1")
    assert there[0] == here[0] == 3
    found = by_place(records_in(folder / "there-crashes.jsonl"))
    assert found == by_place(records_in(folder / "here-crashes.jsonl"))


def test_a_scheduler_that_dies_ends_the_sweep_and_the_record_is_gone_on_with(folder: Path) -> None:
    options = ("sweep", "small.toml", *impl("slow"), "--output", "out.jsonl", "--scheduler")
    with cluster_in(folder, 1) as cluster:
        asker = begin(folder, *options, cluster.address)
        until(lambda: lines_of(folder / "out.jsonl") > 1)
        cluster.scheduler.kill()
        _, said = asker.communicate(timeout=60)
    assert asker.returncode == 3
    assert said.count("\n") == 1, said
    assert said.endswith("out.jsonl has all that was answered: go on with --resume\n")
    assert 0 < len(by_place(records_in(folder / "out.jsonl"))) < 72
    with cluster_in(folder, 2) as cluster:
        assert ask(folder, *options, cluster.address, "--resume")[0] == 0
    assert len(by_place(records_in(folder / "out.jsonl"))) == 72


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_what_is_recorded_and_ends_the_processes_of_the_workers(
    number: signal.Signals, code: int, folder: Path
) -> None:
    with cluster_in(folder, 0) as cluster:
        [worker] = cluster.add()
        options = ("sweep", "small.toml", *impl("slow"), "--output", "out.jsonl")
        asker = begin(folder, *options, "--scheduler", cluster.address)
        until(lambda: lines_of(folder / "out.jsonl") > 1)
        assert descendants(worker)
        began = time.monotonic()
        asker.send_signal(number)
        _, said = asker.communicate(timeout=60)
        assert (asker.returncode, said.strip()) == (code, "parity: interrupted")
        assert time.monotonic() - began < 20
        until(lambda: not [each for each in descendants(worker) if "spawn_main" in " ".join(each.cmdline())])
    assert 0 < len(by_place(records_in(folder / "out.jsonl"))) < 72


def test_the_processes_end_with_the_sweep(two: tuple[Path, Cluster]) -> None:
    folder, cluster = two
    ask(folder, "sweep", "small.toml", *impl("right"), "--limit", "3", "--scheduler", cluster.address)
    own = [
        each
        for process in cluster.processes
        for each in descendants(process)
        if "spawn_main" in " ".join(each.cmdline())
    ]
    assert own == []
