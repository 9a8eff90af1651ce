"""The project's checks: `nox` runs the default ones, `nox -s NAME` one of them, `nox -l` lists all."""

from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "types", "core", "tests"]

PINNED = ("-c", "constraints.txt")
RECORDS = Path("build", "records")


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff's rules and its format."""
    session.install(*PINNED, "ruff")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy, strict, over packages, tests, benchmarks and this file; needs no framework."""
    session.install(*PINNED, ".[dev]")
    session.run("mypy", *session.posargs)


@nox.session(python=["3.11", "3.12", "3.13"])
def core(session: nox.Session) -> None:
    """The tests of convmm on every Python found, no framework installed."""
    session.install(*PINNED, ".[testing]", "pytest")
    session.run("pytest", "tests/convmm", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """All tests, with the frameworks; arguments after `--` go to pytest."""
    session.install(
        *PINNED, ".[frameworks,testing]", "pytest", "check-jsonschema", "packaging", "ruamel.yaml"
    )
    session.run("pytest", *session.posargs)


@nox.session
def parity(session: nox.Session) -> None:
    """A sweep against the pinned frameworks; arguments after `--` go to `parity sweep`."""
    session.install(*PINNED, ".[frameworks]")
    sweep(session)


@nox.session
def newest(session: nox.Session) -> None:
    """The same sweep against the newest frameworks; may download a CUDA build of PyTorch."""
    session.install("--upgrade", "--upgrade-strategy", "eager", ".[frameworks]")
    sweep(session)


def sweep(session: nox.Session) -> None:
    """Record a sweep under build/records, and report what was recorded even where the sweep failed."""
    record = RECORDS / f"{session.name}.jsonl"
    record.parent.mkdir(parents=True, exist_ok=True)
    record.unlink(missing_ok=True)
    try:
        session.run("parity", "sweep", "--output", str(record), *session.posargs)
    finally:
        session.run("parity", "report", str(record), "--junit", str(record.with_suffix(".xml")))
