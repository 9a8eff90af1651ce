"""Searches in this very process, for tests that need no other."""

from __future__ import annotations

from pathlib import Path

from parity.frameworks.function import implementation
from parity.frameworks.task import here
from parity.fuzz.among import Among
from parity.fuzz.budget import Budget
from parity.fuzz.contest import Contest
from parity.fuzz.corpus import Corpus
from parity.fuzz.search import Search

ALL = Among()
PLAIN = Among(dtypes=["float32"], values=["integers"])


def search(
    function: str, examples: int, among: Among = ALL, *, seed: int = 0, database: Path | None = None
) -> Search:
    """A search for what is wrong with a function of tests/support/coincidences.py, made."""
    contest = Contest([implementation(f"tests.support.coincidences:{function}")], here)
    made = Search(among, contest, seed=seed, budget=Budget(examples=examples), corpus=Corpus(database))
    made.run()
    return made


def found(made: Search) -> dict[str, str]:
    """The smallest case of each cause."""
    return {str(finding.cause): finding.case.command for finding in made.findings}
