"""The configurations of public reports have the verdicts of the baseline, on any machine of its versions."""

import pytest

from parity import run
from parity.cases.suites import SuiteCase, load_suite
from tests.support.baseline import verdicts
from tests.support.machine import HAS_ONEDNN

THREADS = load_suite("threads").cases


@pytest.mark.parametrize("each", THREADS, ids=lambda each: each.name)
def test_a_reported_configuration_has_the_verdict_that_is_known(
    each: SuiteCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    refused = each.case.transposed and max(each.case.dilation) > 1 and not HAS_ONEDNN
    assert run(each.case).verdict == ("explained" if refused else verdicts("threads")[each.name])


def test_every_configuration_names_its_report() -> None:
    assert len(THREADS) >= 15
    assert [each.name for each in THREADS if "#" not in (each.source or "")] == []
