"""Smallest cases of earlier searches, kept in hypothesis' example database."""

from __future__ import annotations

from pathlib import Path

from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase, InMemoryExampleDatabase

from convmm.geometry import GeometryError
from parity.cases.case import Case, CaseError


class Corpus:
    """Cases by framework, those of its gradients apart, which a search without gradients does not run.

    They are kept as commands, which stay valid whatever cases are drawn from.

    Args:
        folder: of the database; None for one that is forgotten.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._database: ExampleDatabase = (
            InMemoryExampleDatabase() if folder is None else DirectoryBasedExampleDatabase(folder)
        )

    def cases(self, framework: str, *, grad: bool = False) -> list[Case]:
        """Return what was kept, the shortest command first; what is no case, or no longer one, is dropped."""
        key = _key(framework, grad=grad)
        kept = sorted(self._database.fetch(key), key=lambda command: (len(command), command))
        read = [self._read(key, command) for command in kept]
        return [case for case in read if case]

    def _read(self, key: bytes, command: bytes) -> Case | None:
        try:
            return Case.from_command(command.decode())
        except (CaseError, GeometryError, UnicodeDecodeError):
            self._database.delete(key, command)
            return None

    def keep(self, framework: str, case: Case, *, grad: bool = False) -> None:
        """Keep a case for later searches."""
        self._database.save(_key(framework, grad=grad), case.command.encode())

    def drop(self, framework: str, case: Case, *, grad: bool = False) -> None:
        """Forget a case."""
        self._database.delete(_key(framework, grad=grad), case.command.encode())


def _key(framework: str, *, grad: bool) -> bytes:
    return f"parity fuzz {framework}{' --grad' if grad else ''}".encode()
