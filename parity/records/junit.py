"""A recorded sweep as JUnit XML, which continuous integration services show as tests."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from parity.cases.errors import InputError
from parity.cases.files import replacing
from parity.cases.printable import printable
from parity.records.counts import declined, ended_badly, record_place
from parity.records.disk import Listing
from parity.records.environment import environment
from parity.records.header import Header
from parity.records.result import Record, Result

_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}
"""What is counted of each outcome, by the name of the attribute."""


class JUnitError(InputError):
    """A file that the XML cannot be written to; the message names it."""


class _Test(NamedTuple):
    """A test case: where it stands, and the element of its outcome, whose name is empty for a pass."""

    suite: str
    name: str
    outcome: str = ""
    message: str = ""
    type: str = ""
    text: str = ""


def write_junit(path: Path, header: Header, records: Iterable[Record], source: Path) -> None:
    """Write the document, whole or not at all; a file that is there is replaced, unless it is the source.

    Raises:
        JUnitError: it cannot be written there.
        RecordError: by ``records``.
    """
    try:
        with replacing(path, source) as file:
            write_document(file, header, records)
    except OSError as error:
        raise JUnitError(f"{path} cannot be written: {error.strerror}") from error


def write_document(file: BinaryIO, header: Header, records: Iterable[Record]) -> None:
    """Write the document: a test suite for each suite, a test case for each record.

    A record fails where a result is unexplained or the verdict is another than expected, is an error where no
    more is wrong than a framework that crashed or ran out of time, and is skipped where nothing was compared.
    The environment stands in the properties.

    Args:
        file: to write to.
        header: of the sweep.
        records: in any order; they are listed by suite, name and command.
    """
    tests: Listing[_Test] = Listing(_Test)
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for record in records:
        test = _test(record)
        tests.add(record_place(record, header.suites), test)
        counts[test.suite].update(("test", test.outcome))
    xml = _Xml(file)
    total = sum(counts.values(), Counter[str]())
    of_all = _numbers(total)
    del of_all["skipped"]  # Jenkins's schema has it of a suite only
    with xml.element("testsuites", {"name": "parity", **of_all}):
        for name, some in itertools.groupby(tests.part(), key=lambda test: test.suite):
            with xml.element("testsuite", {"name": name, **_numbers(counts[name]), **_started(header)}):
                with xml.element("properties"):
                    for part, value in environment(header).items():
                        xml.leaf("property", {"name": part, "value": value})
                for test in some:
                    with xml.element("testcase", {"classname": name, "name": test.name}):
                        if test.outcome:
                            about = {"message": test.message, **({"type": test.type} if test.type else {})}
                            xml.leaf(test.outcome, about, test.text)
    xml.end()


class _Xml:
    """XML that is written element by element, indented."""

    def __init__(self, file: BinaryIO) -> None:
        self._generator = XMLGenerator(file, "utf-8", short_empty_elements=True)
        self._generator.startDocument()
        self._depth, self._leaf = 0, True

    @contextmanager
    def element(self, name: str, attributes: Mapping[str, str] | None = None) -> Iterator[None]:
        """Write an element around what is written meanwhile."""
        self._begin(name, attributes or {})
        self._depth, self._leaf = self._depth + 1, True
        yield
        self._depth -= 1
        if not self._leaf:
            self._new_line()
        self._generator.endElement(name)
        self._leaf = False

    def leaf(self, name: str, attributes: Mapping[str, str], text: str = "") -> None:
        """Write an element with text alone, or nothing, in it."""
        self._begin(name, attributes)
        self._generator.characters(_writable(text))
        self._generator.endElement(name)
        self._leaf = False

    def end(self) -> None:
        """End the document."""
        self._generator.endDocument()

    def _begin(self, name: str, attributes: Mapping[str, str]) -> None:
        if self._depth:
            self._new_line()
        written = {key: _writable(value) for key, value in attributes.items()}
        self._generator.startElement(name, AttributesImpl(written))

    def _new_line(self) -> None:
        self._generator.ignorableWhitespace("\n" + "  " * self._depth)


def _started(header: Header) -> dict[str, str]:
    """Return when a suite began: in UTC, and without a zone."""
    started = header.started
    return {"timestamp": started.removesuffix("+00:00")} if isinstance(started, str) else {}


def _numbers(counts: Counter[str]) -> dict[str, str]:
    """Return how many tests there are, and how many of each outcome."""
    return {"tests": str(counts["test"]), **{name: str(counts[each]) for name, each in _COUNTED.items()}}


def _test(record: Record) -> _Test:
    name = f"{record.place[1] or record.command} {record.op}"
    suite = record.place[0] or "sweep"
    results = record.results
    wrong = [each for each in results if not each.explained]
    failed = [f"verdict: {record.unmet}"] if record.unmet else []
    failed += [_sentence(each) for each in wrong if not ended_badly(each)]
    ended = [each for each in wrong if ended_badly(each)]
    if failed or ended:
        said = [*failed, *map(_sentence, ended)]
        kind = ("failure", said[0], "unexplained") if failed else ("error", said[0], ended[0].status)
        return _Test(suite, name, *kind, "\n".join([*said, record.command]))
    if any(each.compares for each in results):
        return _Test(suite, name)
    said = [f"; {_sentence(each)}" for each in results if declined(each)]
    return _Test(suite, name, "skipped", f"nothing was compared{''.join(said)}")


def _sentence(result: Result) -> str:
    return ": ".join([result.label, *(result.why or [result.status])])


def _writable(text: str) -> str:
    """Return the text, with an escape of Python's for each character that XML, or what prints it, has not."""
    return printable(text)
