"""The memory that there is: the machine's, and what control groups leave of it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from parity.cases import available as module
from parity.cases.available import available, control_groups


class Memory(NamedTuple):
    available: int


V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
V2 = ("memory.max", "memory.current", "inactive_file")


def group(folder: Path, names: tuple[str, str, str], limit: str, usage: int, cached: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{usage}\n")
    (folder / "memory.stat").write_text(f"anon 1\n{names[2]} {cached}\n")


def system(root: Path, mounted: str, own: str) -> Path:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/mountinfo").write_text(f"20 1 0:1 / /proc rw - proc proc rw\n{mounted}\n")
    (root / "proc/self/cgroup").write_text(f"{own}\n")
    return root


@pytest.mark.parametrize(
    ("names", "mount", "mounted", "own"),
    [
        (V2, "sys/fs/cgroup", "30 1 0:2 / /sys/fs/cgroup rw - cgroup2 cgroup rw", "0::/a/b"),
        (
            V1,
            "sys/fs/cgroup/memory",
            "30 1 0:2 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
            "4:cpu,memory:/a/b",
        ),
    ],
    ids=["v2", "v1"],
)
def test_the_tightest_group_around_the_process_decides(
    names: tuple[str, str, str],
    mount: str,
    mounted: str,
    own: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = system(tmp_path, mounted, own)
    monkeypatch.setattr(module, "control_groups", lambda: control_groups(root))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(1000))
    control_groups.cache_clear()
    assert available() == 1000  # no such folders
    group(root / mount / "a/b", names, "max" if names is V2 else str(2**63 - 4096), 900, 0)
    assert available() == 1000
    group(root / mount / "a", names, "700", 600, 50)
    assert available() == 150
    group(root / mount / "a/b", names, "500", 900, 0)
    assert available() == 0
    group(root / mount / "a/b", names, "500", 450, 50)
    group(root / mount / "a", names, "700", 0, 0)
    group(root / mount, names, "60", 0, 0)
    assert available() == 60


def test_without_control_groups_the_machine_decides(tmp_path: Path) -> None:
    assert control_groups(tmp_path) == ()
