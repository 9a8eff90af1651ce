"""Every block of every document is run by a test, or it is said why none is."""

from __future__ import annotations

import pkgutil
import re
import tomllib
from importlib import import_module
from typing import Any

import pytest

import parity
from tests.support.documents import DOCUMENTS, PAGES, blocks, check_examples
from tests.support.project import ROOT

EXAMPLE = "examples/transposed-convolution/README.md"
NETWORKS = "examples/models/README.md"
OWN = "docs/how-to/your-own-function.md"
CLUSTER = "docs/how-to/cluster.md"
PROGRAM = "docs/how-to/a-program-as-a-contestant.md"
GUIDE = "docs/how-to/adding-a-framework.md"
RUN = {
    **{
        (page, block.language): "test_documentation.test_a_page_run_from_its_top_gives_what_it_shows"
        for page in PAGES
        for block in blocks(page)
    },
    (
        "docs/reference/command-line.md",
        "sh",
    ): "test_documentation.test_the_command_lines_that_are_shown_end_well_in_their_order",
    ("docs/how-to/ci.md", "yaml"): "test_documentation.test_the_steps_of_ci_end_well_in_their_order",
    (
        "docs/project/decisions/README.md",
        "markdown",
    ): "test_documents.test_a_decision_has_the_parts_of_the_template",
    (
        "docs/project/mutation-testing.md",
        "toml",
    ): "test_documents.test_what_mutmut_is_told_to_change_and_run_is_there",
    (EXAMPLE, "console"): "test_examples.test_the_mistake_is_found_by_the_property_alone_and_named_as_shown",
    (EXAMPLE, "diff"): "test_examples.test_with_the_fix_that_is_shown_all_tests_pass",
    (
        NETWORKS,
        "console",
    ): "test_example_models.test_the_commands_that_are_shown_find_all_convolutions_the_same",
    (
        "docs/how-to/pictures.md",
        "sh",
    ): "test_pictures_document.test_the_command_of_the_document_draws_its_picture",
    ("docs/reference/models.md", "sh"): "test_models_document.test_the_check_of_a_model_ends_well",
    (EXAMPLE, "python"): "test_examples.test_the_tests_that_are_shown_are_those_that_run",
    (CLUSTER, "python"): "parity.cluster.test_document.test_a_script_sweeps_on_the_cluster_that_it_makes",
    (CLUSTER, "sh"): "parity.cluster.test_document.test_the_commands_for_one_machine_end_well",
    (PROGRAM, "json"): "parity.frameworks.test_program.test_a_request_is_as_the_document_shows_it",
    (PROGRAM, "sh"): "parity.frameworks.test_program.test_the_commands_of_the_document_end_well",
    (OWN, "python"): "parity.frameworks.test_tensors.test_the_functions_of_the_document_are_compared",
    (OWN, "sh"): "parity.frameworks.test_tensors.test_the_functions_of_the_document_are_compared",
    (GUIDE, "console"): "parity.frameworks.test_table.test_the_guides_framework_runs_as_shown",
    (GUIDE, "python"): "parity.frameworks.test_table.test_the_guides_framework_runs_as_shown",
    (
        GUIDE,
        "sh",
    ): "parity.frameworks.test_table.test_the_guides_framework_obeys_its_rules_and_a_missing_rule_"
    "is_unexplained",
    ("docs/how-to/shell.md", "text"): "parity.cli.test_shell.test_the_lines_of_the_page_end_well",
    (GUIDE, "toml"): "parity.frameworks.test_table.test_the_guides_framework_runs_as_shown",
}
"""The test that runs all blocks of a document in a language, but those that none runs."""

FINDINGS = [path for path in DOCUMENTS if path.startswith("docs/findings/known/")]
RUN |= {
    (block.document, block.language): (
        "test_findings.test_a_script_shows_the_difference_where_the_machine_fits"
        if block.language == "python"
        else "test_findings.test_the_pages_are_those_of_the_entries_and_of_what_the_scripts_said"
    )
    for path in FINDINGS
    for block in blocks(path)
}

NOT_RUN = {
    ("docs/explanation/speed.md", "nox -s bench"): "it installs, and measures for hours",
    ("examples/convparity-paddle/README.md", "python3.11 -m venv .venv"): "it installs",
    ("CONTRIBUTING.md", "python3.11 -m venv .venv"): "it installs",
    ("docs/project/mutation-testing.md", "mutmut run"): "mutmut is not installed, and takes minutes",
}
"""By document and beginning, why no test runs a block."""

DECISIONS = sorted(path for path in DOCUMENTS if re.fullmatch(r"docs/project/decisions/[^R].*\.md", path))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_block_is_run_or_it_is_said_why_not(document: str) -> None:
    neither = [
        f"line {block.line}: {block.language}"
        for block in blocks(document)
        if (document, block.language) not in RUN
        and not block.language.startswith("{")  # of the site: nox -s docs builds it
        and not any(block.text.startswith(start) for path, start in NOT_RUN if path == document)
    ]
    assert neither == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_fence_is_of_a_block(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert len(re.findall(r"^\s*(```|~~~)", text, flags=re.MULTILINE)) == 2 * len(blocks(document))


def test_what_is_said_of_blocks_is_of_blocks_that_there_are() -> None:
    languages = {(block.document, block.language) for path in DOCUMENTS for block in blocks(path)}
    assert RUN.keys() <= languages
    for document, start in NOT_RUN:
        assert any(block.text.startswith(start) for block in blocks(document))
    for name in RUN.values():
        module, _, test = f"tests.{name}".rpartition(".")
        assert callable(getattr(import_module(module), test))


def test_the_examples_in_docstrings_give_what_they_show() -> None:
    names = [each.name for each in pkgutil.walk_packages(parity.__path__, "parity.")]
    names.remove("parity.__main__")  # which runs the command
    assert sum(check_examples(import_module(name)) for name in names)


@pytest.mark.parametrize("path", DECISIONS)
def test_a_decision_has_the_parts_of_the_template(path: str) -> None:
    [template] = blocks("docs/project/decisions/README.md", "markdown")
    parts = re.findall(r"^## .*", template.text, flags=re.MULTILINE)
    found = re.findall(r"^## .*", (ROOT / path).read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert [part for part in found if part in parts] == parts


def test_every_decision_is_listed() -> None:
    listed = re.findall(
        r"\]\(([\w-]+\.md)\)", (ROOT / "docs/project/decisions/README.md").read_text(encoding="utf-8")
    )
    assert sorted(f"docs/project/decisions/{name}" for name in listed) == DECISIONS


def test_what_mutmut_is_told_to_change_and_run_is_there() -> None:
    [block] = blocks("docs/project/mutation-testing.md", "toml")
    told: dict[str, Any] = tomllib.loads(block.text)["tool"]["mutmut"]
    paths = [*told["source_paths"], *told["only_mutate"], *told["pytest_add_cli_args_test_selection"]]
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_promise_has_a_test() -> None:
    text = (ROOT / "docs/explanation/what-it-promises.md").read_text(encoding="utf-8")
    written = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", text))
    rows = [line for line in text.splitlines() if line.startswith("| ") and "What happens" not in line]
    assert named - set(re.findall(r"^def (test_\w+)", written, flags=re.MULTILINE)) == set()
    assert [row for row in rows if "`test_" not in row] == []
