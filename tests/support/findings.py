"""Findings of right results, and what their scripts have to assert."""

from __future__ import annotations

from msgspec.structs import replace

from parity.cases.case import Case
from parity.frameworks.interface import Framework
from parity.fuzz.causes import Cause
from parity.fuzz.finding import Finding
from parity.fuzz.script import script
from parity.records.result import CaseResult, Result
from tests.support.scripts import ending

SHOW = 'print("computed:"'
SPOIL = "y = np.full_like(y, np.nan)\n"
SPOIL_SHAPE = "y = y[None]\n"


def suspected(case: Case, result: Result) -> Finding:
    """A right result, taken for a wrong one."""
    suspect = replace(result, relation="unrelated", reason="it is suspected")
    return Finding(Cause.of(case, suspect), case, suspect)


def written(finding: Finding, adapter: Framework) -> str:
    """The script of a finding, which has one."""
    text = script(finding, adapter)
    assert text is not None
    return text


def check_scripts(case: Case, found: Framework, found_of: CaseResult) -> None:
    """Check that each script ends well as it is, and fails by its own assertion with a spoilt output."""
    for result, array in zip(found_of.results, found_of.arrays, strict=True):
        if result.status == "ok" and result.explained and result.framework == found.name:
            text = written(suspected(case, result), found)
            assert ending(text) is None
            spoilt = text.replace(SHOW, SPOIL_SHAPE + SHOW)
            if array is not None and array.size and case.values != "special":
                spoilt = text.replace(SHOW, SPOIL + SHOW)  # beside infinities, anything may be right
            assert ending(spoilt) == "AssertionError"
