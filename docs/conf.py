"""How the documentation is built: `nox -s docs`."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

import convmm

DOCS = Path(__file__).parent
BASELINE = DOCS.parent / "baselines" / "pinned.jsonl.gz"
EXTRA = DOCS.parent / "build" / "docs" / "extra"
"""What stands beside the pages as it is: the atlas, and the schema under the address that it says it has."""


def _write_extra() -> None:
    atlas, schema = EXTRA / "atlas" / "pinned.html", EXTRA / "reference" / "record.schema.json"
    for file in (atlas, schema):
        file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(DOCS / "reference" / schema.name, schema)
    report = [sys.executable, "-m", "parity", "report", str(BASELINE), "--html", str(atlas)]
    subprocess.run(report, check=True, stdout=subprocess.DEVNULL)


def _escape_axes(*given: Any) -> None:  # noqa: ANN401 - what Sphinx passes: the last are the lines
    """Have the star of a shape such as (N, C, *spatial) shown, and not begin an emphasis."""
    *_, lines = given
    lines[:] = [re.sub(r"(?<=[(, ])\*(?=[a-z][\w ]*\))", r"\\*", line) for line in lines]


def _mark_code(*given: Any) -> None:  # noqa: ANN401 - as above
    """Have `code` of a command's help shown as code, and the star of a signature as it is."""
    *_, lines = given
    lines[:] = [re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", line) for line in lines]
    lines[:] = [line.replace(" *, ", r" \*, ") for line in lines]


def setup(app: Sphinx) -> None:
    """Connect what Sphinx calls."""
    for part in ("description", "options"):
        app.connect(f"sphinx-click-process-{part}", _mark_code)
    app.connect("autodoc-process-docstring", _escape_axes)


_write_extra()

project = "convparity"
author = project_copyright = "convparity contributors"
version = release = convmm.__version__
html_title = f"convparity {version}"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click"]
exclude_patterns = ["**/*.py", "**/*.json"]
html_theme = "furo"
html_theme_options = {
    "source_repository": "https://github.com/convparity/convparity/",
    "source_branch": "main",
    "source_directory": "docs/",
}
html_extra_path = [str(EXTRA)]

myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say it in words
napoleon_numpy_docstring = False
napoleon_use_ivar = True
nitpicky = True
# No pages have the names of NumPy and of the standard library, nor those that are not public.
nitpick_ignore_regex = [("py:.*", r"(?!convmm\.\w+$|parity\.\w+$).*")]
