"""What each release of Keras changed: the records of a sweep by each, compared one after another.

``nox -s history`` records the sweeps and runs this script, which writes ``keras-history.json`` and, from it,
``keras-history.md``, beside itself.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from packaging.version import Version

from parity.markup.markdown import code, plain, table
from parity.records.counts import Report
from parity.records.diff import diff
from parity.records.reader import read_records

HERE = Path(__file__).parent
DATA, PAGE = HERE / "keras-history.json", HERE / "keras-history.md"
MOST_CHANGES = 25
"""Kinds of change that the page lists of a release."""

Json = dict[str, Any]


def main() -> None:
    """Write the data from the records, and the page from the data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", type=Path, nargs="?", help="their folder; the page alone without it")
    folder = parser.parse_args().records
    if folder is not None:
        DATA.write_text(json.dumps(summary(folder), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(page(json.loads(DATA.read_text(encoding="utf-8"))), encoding="utf-8")


def summary(folder: Path) -> Json:
    """Return what the records say, and what changed from each release to the next.

    Args:
        folder: of records named VERSION-BACKEND.jsonl, and of releases that are not installed the reason, in
            VERSION.txt.
    """
    missing = sorted(folder.glob("*.txt"), key=lambda file: Version(file.stem))
    files: dict[str, dict[Version, Path]] = {}
    for file in folder.glob("*.jsonl"):
        version, _, backend = file.stem.partition("-")
        files.setdefault(backend, {})[Version(version)] = file
    return {
        "backends": {backend: _backend(records) for backend, records in sorted(files.items())},
        "missing": {file.stem: file.read_text(encoding="utf-8").strip() for file in missing},
    }


def _backend(files: dict[Version, Path]) -> Json:
    header, _ = read_records(files[max(files)])
    [used] = header.frameworks
    releases = []
    before: Path | None = None
    for version in sorted(files):
        header, records = read_records(files[version])
        report = Report(records, header)
        releases.append(
            {
                "version": str(version),
                "verdicts": dict(report.verdicts),
                "stale": list(report.stale),
                "changes": [] if before is None else list(_changes(before, files[version])),
            }
        )
        before = files[version]
    return {"backend": used.backend, "suites": list(header.suites), "releases": releases}


def _changes(old: Path, new: Path) -> Iterator[Json]:
    for group in diff(old, new).groups:
        yield {
            "kind": group.kind,
            "result": group.result,
            "how": group.how,
            "count": len(group.cases),
            "command": group.cases[0].command,
        }


def page(data: Json) -> str:
    """Write the page: for each backend a timeline, and below it what each release changed."""
    lines = [
        "# What each release of Keras changed",
        "",
        "Every release of Keras that installs beside the pinned backends, swept over the same cases and",
        "compared with the one before it. Rules and known differences are those of the newest release: what",
        'an older one does otherwise is "unexplained" there. `nox -s history` records it anew.',
    ]
    for name, backend in data["backends"].items():
        lines += ["", f"## On {backend['backend'] or name}", "", *_timeline(backend["releases"])]
        for release in backend["releases"]:
            if release["changes"]:
                lines += ["", f"### Keras {release['version']}", "", *_listed(release["changes"])]
    if data["missing"]:
        lines += ["", "## Not installed", ""]
        lines += [f"- {version}: {plain(reason)}" for version, reason in data["missing"].items()]
    return "\n".join([*lines, ""])


def _timeline(releases: Sequence[Json]) -> Iterator[str]:
    yield "| Keras | agree | explained | unexplained | changed since the release before |"
    yield "|---|---|---|---|---|"
    for number, release in enumerate(releases):
        counts = [release["verdicts"].get(name, 0) for name in ("agree", "explained", "unexplained")]
        changed = "the first" if not number else _counted(release["changes"])
        yield f"| {release['version']} | {' | '.join(map(str, counts))} | {changed} |"


def _counted(changes: Sequence[Json]) -> str:
    verdicts = sum(change["count"] for change in changes if change["kind"] == "verdict")
    others = sum(change["count"] for change in changes if change["kind"] != "verdict")
    return f"**{verdicts} verdicts**, {others} results" if changes else "nothing"


def _listed(changes: Sequence[Json]) -> Iterator[str]:
    rows = []
    for each in changes[:MOST_CHANGES]:
        told = (each["kind"], each["result"] or "", each["how"], str(each["count"]))
        rows.append((*map(plain, told), code(each["command"])))
    yield table(("what", "result", "how", "cases", "such as"), rows)
    if len(changes) > MOST_CHANGES:
        yield ""
        yield f"Kinds of change beyond these: {len(changes) - MOST_CHANGES}."


if __name__ == "__main__":
    main()
