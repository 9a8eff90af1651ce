"""The command line: it parses, calls and prints, and decides nothing."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from convmm.geometry import GeometryError
from parity.cases.case import DTYPES, OPS, VALUES, Case, CaseError
from parity.cases.notation import NotationError, parse_ints, parse_names, parse_padding
from parity.cases.suites import DEFAULT, SuiteError
from parity.cli import show, show_diff, show_fuzz
from parity.cli.progress import progress
from parity.explain.sizes import size_tables
from parity.explain.steps import explain
from parity.frameworks.adapter import MODULES, FrameworkError, all_adapters
from parity.frameworks.code.expression import ExpressionError
from parity.frameworks.function import implementation
from parity.frameworks.known.registry import RegistryError, load_registry
from parity.frameworks.known.suite import suite
from parity.frameworks.modes import ANY_SUMS, MODES
from parity.fuzz import FuzzError, check_installed
from parity.fuzz.budget import Budget
from parity.fuzz.contest import Contest
from parity.laws.check import self_check
from parity.laws.subject import SelfCheckError, Subject, choose_subject
from parity.records.counts import Outcome, Report
from parity.records.diff import diff
from parity.records.junit import JUnitError, junit_document, write_junit
from parity.records.reader import Record, RecordError, is_torn, read_records
from parity.records.writer import RecordFile
from parity.running import contestants, run_with
from parity.sweep import header, remaining, select, sweep
from parity.translation.translator import draft
from parity.workers.interrupts import Interrupts
from parity.workers.repeat import repeating
from parity.workers.workers import Workers

USER_ERRORS = (
    CaseError,
    ExpressionError,
    FrameworkError,
    FuzzError,
    GeometryError,
    JUnitError,
    NotationError,
    RecordError,
    RegistryError,
    SelfCheckError,
    SuiteError,
)
"""What a user's own input can be wrong with: one sentence on stderr, exit code 2."""


REPEATED_WITH = (1, 2)
"""Numbers of threads that a layer is run with where it is run more than once."""

SECONDS_OF_A_SEARCH = 60
"""Where neither the time nor the number of cases is given."""

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended, as shells have it."""


class Notation(click.ParamType[object]):
    """A text that one of the notation's functions reads."""

    def __init__(self, name: str, read: Callable[[str], object]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """Read a text; a default is no text and stays."""
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except NotationError as error:
            self.fail(str(error), param, ctx)


def read_shape(text: str) -> tuple[int, ...]:
    """``N,C,*spatial``."""
    sizes = parse_ints(text)
    return sizes if isinstance(sizes, tuple) else (sizes,)


INTS = Notation("n[,n…]", parse_ints)
SHAPE = Notation("n,c,…", read_shape)
PADDING = Notation("padding", parse_padding)
NAMES = Notation("names", parse_names)


def options(*decorators: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Callable[..., Any]:
    """Several decorators as one, in reading order."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


def case_options(*, values: str, sized: bool = True) -> Callable[..., Any]:
    """The options that make a case, with a default for its values; ``sized`` requires the array sizes."""
    return options(
        click.argument("op", type=click.Choice(OPS), metavar="OP"),
        click.option(
            "--input", type=SHAPE, required=sized, help="N,C and the spatial sizes, channels first."
        ),
        click.option("--filters", type=int, required=sized, help="Output channels."),
        click.option("--kernel", type=INTS, required=True, help="Taps, one number or one an axis."),
        click.option("--stride", type=INTS, default=1, show_default=True),
        click.option(
            "--padding", type=PADDING, default=0, help="1 or 1,2, 1:2,0:1, same, valid.  [default: 0]"
        ),
        click.option("--output-padding", type=INTS, help="For the transposed ops."),
        click.option("--dilation", type=INTS, default=1, show_default=True),
        click.option("--groups", type=int, default=1, show_default=True),
        click.option("--bias", is_flag=True, help="The layer has a bias."),
        click.option("--dtype", type=click.Choice(DTYPES), default="float32", show_default=True),
        click.option("--values", type=click.Choice(VALUES), default=values, show_default=True),
        click.option("--seed", type=int, default=0, show_default=True, help="Of the arrays' values."),
    )


contestant_options = options(
    click.option("--frameworks", type=NAMES, help=f"Of {','.join(MODULES)}; all installed ones by default."),
    click.option("--impl", metavar="MODULE:FUNCTION", help="A function of yours, compared beside them."),
    click.option(
        "--mode",
        metavar="NAME",
        help=f"The precision that it computes in: {', '.join(MODES)}.  [default: {ANY_SUMS}]",
    ),
)


def timeout_option(seconds: float) -> Callable[..., Any]:
    """The option for the time that a layer may take, with this default."""
    return click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=seconds,
        show_default=True,
        metavar="S",
        help="Seconds that a layer may take.",
    )


jobs_option = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=max(1, (os.cpu_count() or 1) // 2),
    show_default="half the cores",
    help="Processes for each framework.",
)

divergences_option = click.option(
    "--divergences",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Known differences of yours, as TOML, beside the built-in ones.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

run_options = options(
    contestant_options,
    click.option(
        "--grad",
        is_flag=True,
        help="Compare the gradients by input, kernel and bias too; of native and exact layers of frameworks.",
    ),
    timeout_option(120),
    divergences_option,
    json_option,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="convparity", prog_name="parity")
def parity() -> None:
    """Do these convolution layers compute the same thing, and if not, why?

    \b
    Exit codes: 0 everything compared is explained; 1 something is unexplained;
    2 the command or its input is wrong; 3 a framework crashed or ran out of time;
    4 nothing was compared.
    """  # noqa: D301 - click reads the backspace as "keep these lines"


@parity.command("run")
@case_options(values="integers")
@run_options
@click.option(
    "--repeat",
    type=click.IntRange(min=1),
    metavar="N",
    help="Run each layer N times with one thread and N times with two, and record whether bits change.",
)
@click.option("--show-arrays", is_flag=True, help="Print the input, the kernel and every output.")
@click.option(
    "--self-check",
    "alone",
    is_flag=True,
    help="Compare with nothing: try the laws of the operation on one framework or function.",
)
@click.option(
    "--adjoint",
    metavar="MODULE:FUNCTION",
    help="Beside --impl in a self-check: your function of the opposite operation.",
)
def run_command(
    frameworks: Sequence[str] | None,
    impl: str | None,
    mode: str | None,
    grad: bool,
    timeout: float,
    divergences: Path | None,
    as_json: bool,
    repeat: int | None,
    show_arrays: bool,
    alone: bool,
    adjoint: str | None,
    **case: Any,
) -> Outcome:
    """Run one case through the frameworks and compare the results."""
    asked = Case.from_dict(case)
    if alone:
        unused = {
            "--grad": grad,
            "--show-arrays": show_arrays,
            "--divergences": divergences,
            "--repeat": repeat,
            "--mode": mode,
        }
        _refuse("with --self-check", unused)
        subject = choose_subject(frameworks, impl, adjoint)
        return _self_check(asked, subject, timeout=timeout, as_json=as_json)
    _refuse("without --self-check", {"--adjoint": adjoint})
    known = load_registry(divergences) if divergences else ()
    adapters = select_frameworks(frameworks, impl, mode, grad=grad)
    with ExitStack() as stack:
        stack.enter_context(Interrupts())
        submits = {}
        for threads in REPEATED_WITH if repeat else (1,):
            workers = stack.enter_context(Workers(adapters, threads=threads, timeout=timeout))
            workers.switches()
            submits[threads] = workers.submit
        submit = repeating(submits, repeat) if repeat else submits[1]
        result = run_with(asked, adapters, grad=grad, submit=submit, divergences=known)
    record = result.to_dict()
    if as_json:
        show.json_document(show.with_arrays(record, result) if show_arrays else record)
    else:
        show.case_result(record)
        if show_arrays:
            show.arrays(result)
    return Report([record]).outcome


def _refuse(when: str, given: Mapping[str, object]) -> None:
    """Refuse options that mean nothing beside others, or without them."""
    for option, value in given.items():
        if value not in {None, False}:
            raise click.UsageError(f"{option} is not allowed {when}")


def _self_check(case: Case, subject: Subject, *, timeout: float, as_json: bool) -> Outcome:
    """The laws in place of a comparison."""
    with Interrupts(), Workers(subject.adapters, timeout=timeout) as workers:
        workers.switches()
        checked = self_check(case, subject, workers.submit)
    (show.json_document if as_json else show.self_check)(checked.to_dict())
    return checked.outcome


@parity.command("sweep")
@click.argument("suites", nargs=-1, metavar="[SUITE]...")
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="FILE", help="Record as JSON lines, in a new file."
)
@click.option("--resume", is_flag=True, help="Go on with the record in FILE; what is in it is not run again.")
@jobs_option
@click.option("--limit", type=click.IntRange(min=1), help="Run the first N cases only.")
@run_options
def sweep_command(
    suites: tuple[str, ...],
    output: Path | None,
    resume: bool,
    jobs: int,
    limit: int | None,
    frameworks: Sequence[str] | None,
    impl: str | None,
    mode: str | None,
    grad: bool,
    timeout: float,
    divergences: Path | None,
    as_json: bool,
) -> Outcome:
    """Run every case of the suites: article, zoo, grid, or TOML files; article and zoo by default."""
    if resume and output is None:
        raise click.UsageError("--resume: allowed with --output FILE, the record to go on with")
    loaded = [suite(name) for name in suites or DEFAULT]
    known = load_registry(divergences) if divergences else ()
    adapters = select_frameworks(frameworks, impl, mode, grad=grad)
    cases = select(loaded, limit)
    with ExitStack() as stack:
        stack.enter_context(Interrupts())
        workers = stack.enter_context(Workers(adapters, jobs=jobs, timeout=timeout))
        file = stack.enter_context(RecordFile(output, resume=resume)) if output else None
        first = header(loaded, adapters, workers.switches())
        recorded = file.begin(first) if file else None
        report = Report(header=first)
        cases = remaining(cases, report.adding(recorded or ()), grad=grad)
        keep: list[Callable[[Record], None]] = [file.write] if file else []
        if as_json:
            keep.append(show.json_line)
            show.json_line(first)
        advance = stack.enter_context(progress(report, total=len(cases)))
        for record in sweep(
            cases, adapters, workers.submit, ahead=workers.ahead, grad=grad, divergences=known
        ):
            for write in keep:
                write(record)
            report.add(record)
            advance(1)
    if not as_json:
        show.report(first, report)
    return report.outcome


@parity.command("fuzz")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="How long to search; shrinking may take a little longer.  [default: 60, without --examples]",
)
@click.option(
    "--examples",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many cases to search: equal seeds give equal findings.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the cases.")
@click.option("--ops", type=NAMES, default=OPS, help="Of the cases, separated by commas; all by default.")
@click.option(
    "--dtypes", type=NAMES, default=DTYPES, help="Of the cases, separated by commas; all by default."
)
@click.option(
    "--values", type=NAMES, default=VALUES, help="Of the cases, separated by commas; all by default."
)
@click.option(
    "--database",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".hypothesis", "examples"),
    show_default=True,
    metavar="DIR",
    help="Where the smallest cases are kept, to begin the next search with.",
)
@jobs_option
@contestant_options
@timeout_option(20)
@divergences_option
@json_option
def fuzz_command(
    seconds: float | None,
    examples: int | None,
    seed: int,
    ops: Sequence[str],
    dtypes: Sequence[str],
    values: Sequence[str],
    database: Path,
    jobs: int,
    frameworks: Sequence[str] | None,
    impl: str | None,
    mode: str | None,
    timeout: float,
    divergences: Path | None,
    as_json: bool,
) -> Outcome:
    """Search random cases for what nothing explains, and shrink each cause to its smallest case."""
    check_installed()
    # Hypothesis, which these need, is optional.
    from parity.fuzz.among import Among  # noqa: PLC0415
    from parity.fuzz.corpus import Corpus  # noqa: PLC0415
    from parity.fuzz.document import document  # noqa: PLC0415
    from parity.fuzz.search import Search  # noqa: PLC0415

    if seconds is None and examples is None:
        seconds = SECONDS_OF_A_SEARCH
    among = Among(ops, dtypes, values)
    known = load_registry(divergences) if divergences else ()
    adapters = select_frameworks(frameworks, impl, mode, grad=False)
    with Workers(adapters, jobs=jobs, timeout=timeout) as workers:
        first = header((), adapters, workers.switches())
        contest = Contest(adapters, workers.submit, workers.ahead, known, timeout=timeout)
        budget = Budget(seconds, examples)
        search = Search(among, contest, seed=seed, budget=budget, corpus=Corpus(database))
        try:
            with Interrupts(), progress(search, total=examples, seconds=seconds) as advance:
                search.run(advance)
        finally:  # an interrupted search has found what it has found
            found = document(search, first, adapters, seed)
            if as_json:
                show.json_document(found)
            else:
                show_fuzz.fuzz(found, search.report)
    return search.report.outcome


@parity.command("report")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--junit", type=click.Path(path_type=Path), metavar="OUT", help="Write JUnit XML too, for a CI service."
)
@json_option
def report_command(file: Path, junit: Path | None, as_json: bool) -> Outcome:
    """Print a recorded sweep as tables."""
    first, records = read_records(file)
    report = Report(records, first)
    if junit:
        write_junit(junit, junit_document(first, records), file)
    note_if_torn(file)
    if as_json:
        show.json_document(report.to_dict(first))
    else:
        show.report(first, report)
    return report.outcome


@parity.command("diff")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@json_option
def diff_command(old: Path, new: Path, as_json: bool) -> Outcome:
    """Print what changed from one recorded sweep to another.

    \b
    Exit codes: 0 nothing changed, whatever became of the environment; 1 something did;
    2 a file cannot be read, or is no record; 4 there is no case in either.
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    found = diff(old, new)
    for file in (old, new):
        note_if_torn(file)
    if as_json:
        show.json_document(found.to_dict())
    else:
        show_diff.diff(found)
    return found.outcome


@parity.command("frameworks")
@json_option
def frameworks_command(as_json: bool) -> Outcome:
    """Print what is installed, in which version, and what it can do; nothing is imported."""
    found = [
        {
            "framework": adapter.NAME,
            "installed": adapter.missing() is None,
            "version": None if adapter.missing() else adapter.version(),
            "backend": None if adapter.missing() else adapter.backend(),
            "extra": adapter.EXTRA,
            "ops": list(OPS),
            "dtypes": list(DTYPES),
        }
        for adapter in all_adapters()
    ]
    if as_json:
        show.json_document(found)
    else:
        show.frameworks(found)
    return Outcome.EXPLAINED


@parity.command("translate")
@click.argument("expression")
@click.option("--to", required=True, metavar="FRAMEWORK", help=f"One of {', '.join(MODULES)}.")
@click.option("--input", type=SHAPE, help="N,C and the spatial sizes: the answer need hold for no other.")
@click.option("--channels", type=int, help="Input channels, where the expression does not carry them.")
@timeout_option(120)
@json_option
def translate_command(
    expression: str,
    to: str,
    input: tuple[int, ...] | None,
    channels: int | None,
    timeout: float,
    as_json: bool,
) -> Outcome:
    """Write a layer, as in "nn.Conv2d(3, 8, 3)", in another framework, weights too, and prove it."""
    written = draft(expression, to, input, channels)
    with Interrupts(), Workers(written.frameworks, timeout=timeout) as workers:
        translation = written.prove(workers.submit)
    if as_json:
        show.json_document(translation.to_dict())
    else:
        show.translation(translation)
    return Outcome.EXPLAINED if translation.verified else Outcome.UNEXPLAINED


@parity.command("explain")
@case_options(values="arange")
def explain_command(**case: Any) -> Outcome:
    """Print the arithmetic of a case, step by step."""
    for line in explain(Case.from_dict(case)):
        click.echo(line)
    return Outcome.EXPLAINED


@parity.command("sizes")
@case_options(values="integers", sized=False)
@click.option(
    "--up-to", type=click.IntRange(min=1), default=8, show_default=True, help="The largest coarse size."
)
@json_option
def sizes_command(up_to: int, as_json: bool, **layer: Any) -> Outcome:
    """Print which sizes come out, which inputs are ambiguous, and what restores them.

    Takes the options of run; the arrays' sizes are optional here.
    """
    case = Case.from_dict(layer) if layer["input"] and layer["filters"] else None
    tables = size_tables(
        int(layer["op"][-2]),
        layer["kernel"],
        stride=layer["stride"],
        padding=layer["padding"],
        dilation=layer["dilation"],
        largest=max(up_to, *case.geometry.coarse) if case else up_to,
    )
    if as_json:
        show.json_document([table.to_dict() for table in tables])
    else:
        show.sizes(layer["op"], tables, case)
    return Outcome.EXPLAINED


def select_frameworks(
    frameworks: Sequence[str] | None, impl: str | None, mode: str | None, *, grad: bool
) -> list[Any]:
    """The adapters that the options name."""
    return contestants(frameworks, implementation(impl) if impl else None, mode=mode, grad=grad)


def note_if_torn(file: Path) -> None:
    """Say on stderr that a record that was read has no end."""
    if is_torn(file):
        show.note(f"{file}: the last line is torn and was dropped; the sweep was interrupted")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with one of :class:`parity.records.counts.Outcome`'s codes."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it ends a command as Ctrl-C does
    sys.exit(run_cli(arguments))


def run_cli(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit code."""
    try:
        return int(parity.main(arguments, prog_name="parity", standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
    except click.ClickException as error:
        show.error(error.format_message())
    except USER_ERRORS as error:
        show.error(str(error))
    except (click.Abort, KeyboardInterrupt):
        show.error("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Outcome.WRONG_INPUT
