"""The project's checks: `nox` runs the default ones, `nox -s NAME` one of them, `nox -l` lists all."""

import gzip
import os
import shutil
from collections.abc import Collection
from pathlib import Path

import nox
from packaging.version import Version

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "types", "core", "tests"]

PINNED = ("-c", "constraints.txt")
RECORDS = Path("build", "records")
FINDINGS = Path("build", "fuzz", "findings.txt")
BASELINE = Path("baselines", "pinned.jsonl.gz")
SUITES = ("article", "zoo", "threads")
DISTRIBUTIONS = Path("build", "dist")
SITE = Path("build", "docs", "html")
OLDEST_KERAS = Version("3.8")
PREVIOUS = {"keras": "3.14.*", "tensorflow": "2.20.*"}
PYPROJECT = nox.project.load_toml("pyproject.toml")
SPREAD = ("-n", "logical", "--dist", "worksteal")
"""How pytest-xdist spreads tests: a process for each core, which takes tests from others when it has none."""


EVERYTHING = (
    "tests/parity/frameworks",
    "tests/parity/test_every_framework.py",
    "tests/test_findings.py",
    "tests/test_layers_document.py",
)
"""The tests that are of the frameworks themselves."""

TFJS, TFJS_PACKAGE = Path("build", "tfjs"), "@tensorflow/tfjs@4.22.0"

MEASURED = "CONVPARITY_COVERAGE" in os.environ
"""Whether `core` and `tests` keep what lines they run, for the session `coverage` to add up."""


def group(name: str) -> tuple[str, ...]:
    """Return the requirements of a dependency group of pyproject.toml (PEP 735)."""
    return nox.project.dependency_groups(PYPROJECT, name)


@nox.session
def lint(session: nox.Session) -> None:
    """Run the hooks of .pre-commit-config.yaml: rules, format, imports, spelling, workflows."""
    session.install(*PINNED, *group("lint"))
    # mypy is a session of its own: it needs what the code imports.
    session.run("pre-commit", "run", "--all-files", "--show-diff-on-failure", env={"SKIP": "mypy"})


@nox.session
def types(session: nox.Session) -> None:
    """Check the types with mypy, strict, in packages, tests, benchmarks and this file; needs no framework."""
    session.install(*PINNED, ".[testing]", *group("types"), *group("test"))
    session.run("mypy", *session.posargs)


@nox.session(python=["3.11", "3.12", "3.13"])
def core(session: nox.Session) -> None:
    """Run the tests of convmm on every Python found, no framework installed."""
    session.install(*PINNED, ".[testing]", "pytest-xdist", "coverage")
    run_tests(session, "tests/convmm")


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests but those of `core`, with the frameworks; arguments after `--` go to pytest."""
    session.install(*PINNED, ".[distributed,export,frameworks,testing]", *group("test"))
    run_tests(session, "--ignore=tests/convmm")


@nox.session
def frameworks(session: nox.Session) -> None:
    """Test and sweep every framework that there is an adapter of; installs 4 GB. Arguments go to pytest.

    Those tests that also run in `tests` run here beside all the other frameworks.
    """
    session.install(*PINNED, ".[all,testing]", *group("test"))
    if shutil.which("npm"):
        options = ("--silent", "--no-audit", "--no-fund", "--prefix", str(TFJS))
        # Where its registry cannot be reached the example's test says that it is skipped.
        session.run("npm", "install", *options, TFJS_PACKAGE, external=True, success_codes=range(256))
    else:
        session.log("there is no npm: the example in TensorFlow.js is not tested")
    session.run("pytest", *SPREAD, *EVERYTHING, *session.posargs)
    for backend in ("jax", "openvino"):
        environment = {"KERAS_BACKEND": backend}
        session.run("parity", "sweep", "article", "--frameworks", "keras", env=environment)


@nox.session
def architectures(session: nox.Session) -> None:
    """Check what is told of whole models on architectures that people have, made without weights."""
    session.install(*PINNED, ".[frameworks,testing]", *group("test"), *group("architectures"))
    session.run("pytest", *SPREAD, "tests/architectures", *session.posargs)


@nox.session
def paddle(session: nox.Session) -> None:
    """Test the example of a framework in a distribution of its own: PaddlePaddle, which pins opt_einsum."""
    example = Path("examples", "convparity-paddle")
    session.install(*pinned_but(session, {"opt_einsum"}), ".[testing]", f"./{example}", "paddlepaddle==3.3.1")
    session.run("pytest", str(example / "tests"), *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Add up what `core` and `tests` ran under CONVPARITY_COVERAGE=1, and fail below the floor."""
    session.install(*PINNED, "coverage")
    session.run("coverage", "combine")
    for torn in Path("build", "coverage").glob("data.*"):  # of processes that were killed while they wrote
        torn.unlink()
    session.run("coverage", "report")


@nox.session
@nox.parametrize(
    ("versions", "backend"),
    [
        nox.param("pinned", "tensorflow", id="pinned"),
        nox.param("pinned", "torch", id="pinned-torch"),
        nox.param("previous", "tensorflow", id="previous"),
        nox.param("previous", "torch", id="previous-torch"),
    ],
)
def parity(session: nox.Session, versions: str, backend: str) -> None:
    """Sweep by framework versions and Keras backend; arguments after `--` go to `parity sweep`."""
    if versions == "pinned":
        session.install(*PINNED, ".[frameworks]")
    else:
        install_previous(session)
    is_baseline = (versions, backend) == ("pinned", "tensorflow")
    name = versions if backend == "tensorflow" else f"{versions}-{backend}"
    # Arguments may choose fewer or other cases, and then there has to be a difference.
    sweep(session, name, backend=backend, same=is_baseline and not session.posargs)


@nox.session
@nox.parametrize("onednn", ["1", "0"])
def known(session: nox.Session, onednn: str) -> None:
    """Check that each known difference shows in its example, with TensorFlow's oneDNN kernels and without."""
    session.install(*PINNED, ".[frameworks]")
    session.run("parity", "sweep", "known", "--grad", *session.posargs, env={"TF_ENABLE_ONEDNN_OPTS": onednn})


@nox.session
def newest(session: nox.Session) -> None:
    """Sweep the same against the newest frameworks; may download a CUDA build of PyTorch."""
    session.install("--upgrade", "--upgrade-strategy", "eager", ".[frameworks]")
    sweep(session, "newest")


@nox.session
def baseline(session: nox.Session) -> None:
    """Record the baseline anew, with the pinned frameworks; its differences are printed."""
    if session.posargs:
        session.error(f"baseline takes no arguments, and was given {' '.join(session.posargs)}")
    session.install(*PINNED, ".[frameworks]")
    record = sweep(session, "baseline")
    # No time and no name inside: equal records are equal files.
    BASELINE.write_bytes(gzip.compress(record.read_bytes(), mtime=0))


@nox.session
def build(session: nox.Session) -> None:
    """Build the distributions, check them, and try the wheel; `-- vVERSION` checks that the tag is its."""
    session.install(*PINNED, *group("release"))
    shutil.rmtree(DISTRIBUTIONS, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(DISTRIBUTIONS))
    wheel, source = (next(DISTRIBUTIONS.glob(pattern)) for pattern in ("*.whl", "*.tar.gz"))
    session.run("twine", "check", "--strict", str(wheel), str(source))
    session.run("check-wheel-contents", str(wheel))
    version = wheel.name.split("-")[1]
    if session.posargs and session.posargs != [f"v{version}"]:
        session.error(f"the tag is {' '.join(session.posargs)}, and the version is {version}")
    changelog = Path("CHANGELOG.md").read_text(encoding="utf-8")
    _, heading, notes = changelog.partition(f"## [{version}]")
    if session.posargs and not heading:
        session.error(f"CHANGELOG.md has no heading [{version}]")
    notes = notes.partition("\n## ")[0].partition("\n")[2]
    (DISTRIBUTIONS / "NOTES.md").write_text(notes, encoding="utf-8")
    session.install(*PINNED, str(wheel))
    session.run("parity", "--version")
    case = ("conv_transpose1d", "--input", "1,1,3", "--filters", "1", "--kernel", "2")
    session.run("parity", "explain", *case)
    session.run("parity", "run", *case, success_codes=[4])  # no framework is there to compare


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation, with the atlas of the baseline; a warning, and a link to nothing, fail it."""
    session.install(*PINNED, ".[testing]", *group("docs"))
    session.run("sphinx-build", "--fail-on-warning", "--keep-going", "--fresh-env", "docs", str(SITE))


@nox.session
def history(session: nox.Session) -> None:
    """Sweep by every Keras since 3.8, on the pinned TensorFlow and PyTorch, and write what each changed."""
    session.install(*PINNED, ".[frameworks]")
    records = Path("build", "history")
    shutil.rmtree(records, ignore_errors=True)
    records.mkdir(parents=True)
    listed = session.run("python", "-m", "pip", "index", "versions", "keras", silent=True) or ""
    versions = listed.partition("Available versions: ")[2].partition("\n")[0].split(", ")
    for version in (each for each in reversed(versions) if Version(each) >= OLDEST_KERAS):
        try:
            session.install("--no-deps", f"keras=={version}")
        except nox.command.CommandFailed as error:
            Path(records, f"{version}.txt").write_text(f"{error}\n", encoding="utf-8")
            continue
        for backend in ("tensorflow", "torch"):
            record = records / f"{version}-{backend}.jsonl"
            command = ("parity", "sweep", *SUITES, "--frameworks", "keras", "--output", str(record))
            session.run(*command, env={"KERAS_BACKEND": backend}, success_codes=[0, 1, 3])
    session.run("python", "docs/findings/history.py", str(records))


@nox.session
def bench(session: nox.Session) -> None:
    """Measure convmm's speed beside the frameworks, and its memory; arguments go to the first."""
    session.install(*PINNED, ".[bench]")
    record = Path("build", "bench", "convmm.json")
    session.run("python", "benchmarks/convmm_speed.py", "--json", str(record), *session.posargs)
    session.run("python", "benchmarks/convmm_threads.py")
    session.run("python", "benchmarks/convmm_memory.py")


@nox.session
def soak(session: nox.Session) -> None:
    """Run the suite `grid` five times over, and fail where a process grows beyond its limit."""
    session.install(*PINNED, ".[frameworks]")
    session.run("python", "benchmarks/sweep_soak.py", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Fuzz a right function with 20,000 cases, then PyTorch and Keras; arguments after `--` go to these.

    A finding of the former fails the session; those of the frameworks are shown, and kept.
    """
    session.install(*PINNED, ".[frameworks,testing]")
    right = ("--frameworks", "numpy", "--impl", "tests.support.coincidences:right")
    session.run("parity", "fuzz", *right, "--examples", "20000")
    FINDINGS.parent.mkdir(parents=True, exist_ok=True)
    frameworks = ("--frameworks", "torch,keras", "--seconds", "1200", *session.posargs)
    with FINDINGS.open("w", encoding="utf-8") as file:
        session.run("parity", "fuzz", *frameworks, stdout=file, success_codes=[0, 1, 3])
    session.log(f"{FINDINGS}:\n{FINDINGS.read_text(encoding='utf-8')}")


@nox.session
def readers(session: nox.Session) -> None:
    """Fuzz each reader of a user's text, guided by what it reaches; `-- SECONDS` for each, 120 without."""
    session.install(*PINNED, ".[frameworks,testing]", *group("guided"))
    session.run("python", "-m", "tests.fuzz.guided", *(session.posargs or ("120",)))


def run_tests(session: nox.Session, *which: str) -> None:
    """Run tests, with the arguments after `--`, and keep what they ran where that is asked for."""
    measured = ("coverage", "run", "-m") if MEASURED else ()
    session.run(*measured, "pytest", *SPREAD, *which, *session.posargs)


def install_previous(session: nox.Session) -> None:
    """Install the previous Keras and TensorFlow, and all else as it is pinned."""
    wanted = [f"{name}=={version}" for name, version in PREVIOUS.items()]
    session.install(*pinned_but(session, PREVIOUS), ".[frameworks]", *wanted)


def pinned_but(session: nox.Session, names: Collection[str]) -> tuple[str, ...]:
    """Return the options that pin all packages but these."""
    pins = Path("constraints.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = Path(session.create_tmp(), "constraints.txt").resolve()
    kept.write_text("".join(pin for pin in pins if pin.partition("==")[0] not in names), encoding="utf-8")
    return "-c", str(kept)


def sweep(session: nox.Session, name: str, *, backend: str = "tensorflow", same: bool = False) -> Path:
    """Record a sweep, and report and compare what was recorded even where the sweep failed.

    Args:
        session: with the frameworks installed.
        name: of the record, under build/records.
        backend: of Keras.
        same: a difference from the baseline fails the session.

    Returns:
        The record.
    """
    record = RECORDS / f"{name}.jsonl"
    record.parent.mkdir(parents=True, exist_ok=True)
    record.unlink(missing_ok=True)
    command = ("parity", "sweep", *SUITES, "--output", str(record), *session.posargs)
    try:
        session.run(*command, env={"KERAS_BACKEND": backend})
    finally:
        # Whatever the sweep ended with: its own exit code is what the session fails by.
        written = ("--junit", str(record.with_suffix(".xml")), "--html", str(record.with_suffix(".html")))
        report = ("parity", "report", str(record), *written, "--against", str(BASELINE))
        session.run(*report, success_codes=[0, 1, 3, 4])
        summarize(session, record)
        compare(session, record, same=same)
    return record


def summarize(session: nox.Session, record: Path) -> None:
    """Write what a job's summary shows, beside a record: what changed from the baseline, and the counts."""
    with record.with_suffix(".md").open("w", encoding="utf-8") as file:
        for command in (("diff", str(BASELINE), str(record)), ("report", str(record))):
            session.run("parity", *command, "--markdown", stdout=file, success_codes=[0, 1, 3, 4])


def compare(session: nox.Session, record: Path, *, same: bool) -> None:
    """Print what changed from the baseline to a record, and keep it in a file beside the record."""
    found = record.with_suffix(".diff.txt")
    try:
        with found.open("w", encoding="utf-8") as file:
            diff = ("parity", "diff", str(BASELINE), str(record))
            session.run(*diff, stdout=file, success_codes=[0] if same else [0, 1])
    finally:
        session.log(f"{found}:\n{found.read_text(encoding='utf-8')}")
