"""What is shown of convmm alone, on its page and in docstrings, is what happens, without any framework."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import convmm
from tests.support.documents import blocks, check_examples, check_sessions


def test_the_sessions_of_convmm_give_what_they_show() -> None:
    sessions = [block for block in blocks("docs/reference/python.md", "pycon") if "parity" not in block.text]
    assert sessions
    check_sessions(sessions)


def test_the_examples_in_docstrings_give_what_they_show() -> None:
    names = ["convmm", *(each.name for each in pkgutil.walk_packages(convmm.__path__, "convmm."))]
    assert sum(check_examples(import_module(name)) for name in names)
