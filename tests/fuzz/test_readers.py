from __future__ import annotations

from collections.abc import Iterator

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz.inputs import INPUTS
from tests.fuzz.limited import Limited
from tests.fuzz.readers import READERS
from tests.support.strategies import examples


@pytest.fixture(scope="module")
def limited() -> Iterator[Limited]:
    with Limited() as process:
        yield process


def test_texts_are_drawn_for_every_reader() -> None:
    assert set(INPUTS) == set(READERS)


@pytest.mark.parametrize("name", READERS)
@settings(examples(300), suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_reader_ends_soon_with_an_answer_or_a_sentence(
    limited: Limited, name: str, data: st.DataObject
) -> None:
    given = data.draw(INPUTS[name])
    assert limited.read(name, given) == ""
