"""The tables of docs/reference/layers.md say what becomes of every layer class.

``CONVPARITY_WRITE_LAYERS=1 pytest -n 0 tests/test_layers_document.py`` writes them, for the frameworks that
are installed.
"""

import os

import pytest

from parity.frameworks.table import installed
from tests.support.layer_classes import CLASSES
from tests.support.layer_table import HEAD, begun, row
from tests.support.project import ROOT
from tests.support.strategies import share

DOCUMENT = ROOT / "docs" / "reference" / "layers.md"
SECTIONS = {"PyTorch": "torch", "Keras": "keras", "TensorFlow": "keras", "JAX": "jax", "Flax": "flax"}
"""The framework that reads each section's lines."""

WRITE = "CONVPARITY_WRITE_LAYERS"


def shown(section: str) -> list[str]:
    """The lines of a section's table."""
    _, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(f"\n## {section}\n")
    return [line for line in rest.partition("\n## ")[0].splitlines() if line.startswith("|")]


def write(section: str, lines: list[str]) -> None:
    """Put a table into its section, in place of all that is there."""
    before, heading, rest = DOCUMENT.read_text(encoding="utf-8").partition(f"\n## {section}\n")
    _, following, after = rest.partition("\n## ")
    text = "".join((before, heading, "\n", "\n".join(lines), "\n", following, after))
    DOCUMENT.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(("section", "framework"), SECTIONS.items())
def test_every_layer_class_becomes_what_the_document_says(section: str, framework: str) -> None:
    if framework not in installed():
        pytest.skip(f"{framework} is not installed")
    if os.environ.get(WRITE):
        write(section, [*HEAD, *map(row, CLASSES[section])])
    *head, rows = *shown(section)[:2], shown(section)[2:]
    classes = CLASSES[section]
    assert head == list(HEAD)
    assert len(rows) == len(classes)
    assert "not verified" not in "".join(rows)
    assert all(line.startswith(begun(each)) for line, each in zip(rows, classes, strict=True))
    tried = slice(None, None, share(9))  # by day one in so many, for each is run beside its translation
    assert rows[tried] == [row(each) for each in classes[tried]]
