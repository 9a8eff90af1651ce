"""What the project promises about itself: its workflows, its pins and the commands of its README."""

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

import convmm
import parity
from tests.support.documents import blocks
from tests.support.project import ROOT, pins

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

each_workflow = pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)


def requirements() -> list[Requirement]:
    """List what pyproject.toml names, extras and dependency groups included, but the project's own extras."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = content["project"]
    groups = content["dependency-groups"].values()
    named = [project["dependencies"], *project["optional-dependencies"].values(), *groups]
    parsed = [Requirement(text) for group in named for text in group if isinstance(text, str)]
    return [requirement for requirement in parsed if requirement.name != project["name"]]


@each_workflow
def test_a_workflow_follows_githubs_schema(workflow: Path) -> None:
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    result = subprocess.run([*checker, workflow], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@each_workflow
def test_a_workflow_uses_actions_by_commit_and_names_their_version(workflow: Path) -> None:
    uses = re.findall(r"\buses:\s*(.*)", workflow.read_text())
    assert uses
    assert [line for line in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*", line)] == []


PERMISSIONS = {
    ("docs", "publish"): {"id-token": "write", "pages": "write"},
    ("release", "publish"): {"attestations": "write", "id-token": "write"},
    ("release", "announce"): {"contents": "write"},
}
"""What jobs may do beside reading the repository."""


@each_workflow
def test_a_workflow_may_only_read_the_repository_but_where_it_publishes(workflow: Path) -> None:
    content = YAML(typ="safe").load(workflow)
    assert content["permissions"] == {"contents": "read"}
    for name, job in content["jobs"].items():
        assert job.get("permissions") == PERMISSIONS.get((workflow.stem, name))


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        ("citation-file-format", "CITATION.cff"),
        ("github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
        *(
            ("github-issue-forms", path.relative_to(ROOT).as_posix())
            for path in sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[0-9]*.yml"))
        ),
    ],
)
def test_what_github_reads_follows_its_schema(schema: str, name: str) -> None:
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    result = subprocess.run([*checker, ROOT / name], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_version_stands_in_one_place_and_all_others_say_the_same() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert YAML(typ="safe").load(ROOT / "CITATION.cff")["version"] == version
    assert parity.__version__ == convmm.__version__ == metadata.version("convparity") == version
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] in ("Unreleased", version)


def test_a_release_is_built_by_the_session_that_anyone_can_run() -> None:
    jobs = YAML(typ="safe").load(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    assert [step["run"] for step in jobs["build"]["steps"] if "nox -s" in step.get("run", "")] == [
        'nox -s build -- "$GITHUB_REF_NAME"'
    ]
    assert jobs["publish"]["needs"] == "build"
    assert jobs["announce"]["needs"] == "publish"


def nightly() -> dict[str, Any]:
    """The job that sweeps every night."""
    job: dict[str, Any] = YAML(typ="safe").load(ROOT / ".github" / "workflows" / "parity.yml")["jobs"][
        "sweep"
    ]
    return job


def test_every_sweep_of_noxfile_runs_every_night() -> None:
    listing = [sys.executable, "-m", "nox", "--list-sessions", "--json", "-s", "parity", "newest"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    sessions = sorted(each["session"] for each in json.loads(listed))
    assert sorted(each["session"] for each in nightly()["strategy"]["matrix"]["include"]) == sessions


@pytest.mark.parametrize("found", ["### 2 of 3 cases changed\n", None])
def test_the_nightly_summary_shows_the_difference_or_says_there_is_none(
    found: str | None, tmp_path: Path
) -> None:
    [step] = [step for step in nightly()["steps"] if step.get("name") == "Summary"]
    records = tmp_path / "build" / "records"
    records.mkdir(parents=True)
    if found:
        (records / "pinned.md").write_text(found)
    summary = tmp_path / "summary.md"
    environment = {**os.environ, "NAME": "pinned", "GITHUB_STEP_SUMMARY": str(summary)}
    script = ["bash", "-e", "-c", step["run"]]  # the PATH's own bash, as in CI
    subprocess.run(script, cwd=tmp_path, env=environment, check=True)
    title, shown = summary.read_text().split("\n", 1)
    assert title == "## pinned beside the baseline"
    assert shown == (found or "There is no comparison: the sweep recorded nothing.\n")


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_a_dependency_is_pinned_within_its_range(requirement: Requirement) -> None:
    version = pins()[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(version), f"{requirement} excludes the pinned {version}"


def test_the_hooks_before_a_commit_are_those_of_lint_and_types() -> None:
    config = YAML(typ="safe").load(ROOT / ".pre-commit-config.yaml")
    hooks = [hook["id"] for repository in config["repos"] for hook in repository["hooks"]]
    assert hooks == ["ruff-check", "ruff-format", "import-linter", "codespell", "zizmor", "mypy"]
    noxfile = (ROOT / "noxfile.py").read_text()
    assert '"pre-commit", "run", "--all-files"' in noxfile
    assert 'session.run("mypy"' in noxfile


def test_the_readme_begins_with_two_commands_of_one_line() -> None:
    assert [len(block.text.splitlines()) for block in blocks("README.md")[:2]] == [1, 1]


def test_what_tests_share_is_imported_from_no_test_module() -> None:
    # Lines and not syntax trees: some tests write programs.
    lines = [line for path in (ROOT / "tests").rglob("*.py") for line in path.read_text().splitlines()]
    assert [line for line in lines if re.match(r"\s*(from|import) tests\b.*\btest_", line)] == []


def test_ci_can_be_run() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
