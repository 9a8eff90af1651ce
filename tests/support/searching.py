"""Searches in this very process, for tests that need no other."""

from __future__ import annotations

from pathlib import Path

from parity.cases.selection import Selection
from parity.frameworks.function import implementation, implementations
from parity.frameworks.task import here
from parity.fuzz.budget import Budget
from parity.fuzz.contest import Contest
from parity.fuzz.corpus import Corpus
from parity.fuzz.search import Search
from parity.strategies.cases import selected_cases

ALL = Selection()
PLAIN = Selection(dtypes=["float32"], values=["integers"])


def search(
    function: str, examples: int, among: Selection = ALL, *, seed: int = 0, database: Path | None = None
) -> Search:
    """A search for what is wrong with a function of tests/support/coincidences.py, made."""
    contest = Contest([implementation(f"tests.support.coincidences:{function}")], here)
    return search_in(contest, examples, among, seed=seed, database=database)


def search_gradients(
    function: str, examples: int, among: Selection = ALL, *, grad: bool = True, database: Path | None = None
) -> Search:
    """A search for what is wrong with one of tests/support/gradient_functions.py, beside a right function."""
    gradient = f"tests.support.gradient_functions:{function}_gradients"
    own = implementations("tests.support.coincidences:right", None, gradient)
    return search_in(Contest(own, here, grad=grad), examples, among, database=database)


def search_in(
    contest: Contest, examples: int, among: Selection, *, seed: int = 0, database: Path | None = None
) -> Search:
    """A search by these, made."""
    budget, corpus = Budget(examples=examples), Corpus(database)
    made = Search(among, selected_cases(among), contest, seed=seed, budget=budget, corpus=corpus)
    made.run()
    return made


def found(made: Search) -> dict[str, str]:
    """The smallest case of each cause, without the function's module."""
    return {str(finding.cause).partition(":")[2]: finding.case.command for finding in made.findings}
