"""A recorded sweep as JUnit XML, which continuous integration services show as tests."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from parity.cases.errors import InputError
from parity.cases.files import replacing
from parity.cases.printable import printable
from parity.records.counts import declined, ended_badly, record_place
from parity.records.environment import environment
from parity.records.header import Header
from parity.records.result import Record, Result


class JUnitError(InputError):
    """A file that the XML cannot be written to; the message names it."""


def junit_document(header: Header, records: Iterable[Record]) -> ET.Element:
    """Make the document: a test suite for each suite, a test case for each record.

    A record fails where a result is unexplained or the verdict is another than expected, is an error where no
    more is wrong than a framework that crashed or ran out of time, and is skipped where nothing was compared.
    The environment stands in the properties.

    Args:
        header: of the sweep.
        records: in any order; they are listed by suite, name and command.
    """
    placed = [(record_place(record, header.suites), _suite(record), _test(record)) for record in records]
    placed.sort(key=lambda each: each[0])
    root = ET.Element("testsuites", name="parity")
    for name, tests in itertools.groupby(placed, key=lambda each: each[1]):
        root.append(_testsuite(name, header, [test for _, _, test in tests]))
    _count(root)
    del root.attrib["skipped"]  # Jenkins's schema has it of a suite only
    ET.indent(root)
    return root


def write_junit(path: Path, document: ET.Element, source: Path) -> None:
    """Write the document, whole or not at all; a file that is there is replaced, unless it is the source.

    Raises:
        JUnitError: it cannot be written there.
    """
    try:
        with replacing(path, source) as file:
            ET.ElementTree(document).write(file, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise JUnitError(f"{path} cannot be written: {error.strerror}") from error


def _testsuite(name: str, header: Header, tests: Sequence[ET.Element]) -> ET.Element:
    suite = ET.Element("testsuite", name=_writable(name))
    started = header.started
    if isinstance(started, str):
        suite.set("timestamp", _writable(started.removesuffix("+00:00")))  # it is in UTC, and says no zone
    properties = ET.SubElement(suite, "properties")
    for part, value in environment(header).items():
        ET.SubElement(properties, "property", name=_writable(part), value=_writable(value))
    suite.extend(tests)
    _count(suite)
    return suite


def _count(element: ET.Element) -> None:
    """Set how many tests are inside, and how many of each outcome."""
    element.set("tests", str(len(list(element.iter("testcase")))))
    for counted, outcome in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(counted, str(len(list(element.iter(outcome)))))


def _test(record: Record) -> ET.Element:
    name = f"{record.place[1] or record.command} {record.op}"
    test = ET.Element("testcase", classname=_writable(_suite(record)), name=_writable(name))
    results = record.results
    wrong = [each for each in results if not each.explained]
    failed = [f"verdict: {record.unmet}"] if record.unmet else []
    failed += [_sentence(each) for each in wrong if not ended_badly(each)]
    ended = [each for each in wrong if ended_badly(each)]
    if failed or ended:
        said = [*failed, *map(_sentence, ended)]
        outcome = ET.SubElement(test, "failure" if failed else "error")
        outcome.set("message", _writable(said[0]))
        outcome.set("type", "unexplained" if failed else _writable(ended[0].status))
        outcome.text = _writable("\n".join([*said, record.command]))
    elif not any(each.compares for each in results):
        said = [f"; {_sentence(each)}" for each in results if declined(each)]
        ET.SubElement(test, "skipped", message=_writable(f"nothing was compared{''.join(said)}"))
    return test


def _sentence(result: Result) -> str:
    return ": ".join([result.label, *(result.why or [result.status])])


def _suite(record: Record) -> str:
    return record.place[0] or "sweep"


def _writable(text: str) -> str:
    """Return the text, with an escape of Python's for each character that XML, or what prints it, has not."""
    return printable(text)
