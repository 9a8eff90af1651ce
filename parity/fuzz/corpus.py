"""Smallest cases of earlier searches, kept in hypothesis' example database."""

from __future__ import annotations

from pathlib import Path

from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase, InMemoryExampleDatabase

from convmm.geometry import GeometryError
from parity.cases.case import Case, CaseError


class Corpus:
    """Cases by framework. They are kept as commands, which stay valid whatever cases are drawn from.

    Args:
        folder: of the database; None for one that is forgotten.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._database: ExampleDatabase = (
            InMemoryExampleDatabase() if folder is None else DirectoryBasedExampleDatabase(folder)
        )

    def cases(self, framework: str) -> list[Case]:
        """Return what was kept, the shortest command first; what is no case, or no longer one, is dropped."""
        kept = sorted(self._database.fetch(_key(framework)), key=lambda command: (len(command), command))
        read = [self._read(framework, command) for command in kept]
        return [case for case in read if case]

    def _read(self, framework: str, command: bytes) -> Case | None:
        try:
            return Case.from_command(command.decode())
        except (CaseError, GeometryError, UnicodeDecodeError):
            self._database.delete(_key(framework), command)
            return None

    def keep(self, framework: str, case: Case) -> None:
        """Keep a case for later searches."""
        self._database.save(_key(framework), case.command.encode())

    def drop(self, framework: str, case: Case) -> None:
        """Forget a case."""
        self._database.delete(_key(framework), case.command.encode())


def _key(framework: str) -> bytes:
    return f"parity fuzz {framework}".encode()
