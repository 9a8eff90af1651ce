"""A case's axes in text: which elements of the input, or of the full response, there are."""

from __future__ import annotations

import pytest

from parity import Case
from parity.explain.picture import axis_pictures


@pytest.mark.parametrize(
    ("mode", "said"),
    [("zeros", "o a zero of the padding"), ("reflect", "o an element ('reflect') of the padding")],
)
def test_what_the_padding_holds_is_said(mode: str, said: str) -> None:
    case = Case("conv1d", (1, 1, 4), 1, 3, padding=1, padding_mode=mode)
    lines = list(axis_pictures(case))
    assert lines[1] == f"axis 0: input of 4; # read, . left over, {said}"
    assert lines[2].split() == ["this", "case", "o####o"]


def test_zeros_are_said_of_an_output_padding() -> None:
    case = Case("conv_transpose1d", (1, 1, 4), 1, 2, stride=3, output_padding=1)
    lines = list(axis_pictures(case))
    assert lines[1].endswith("# kept, . cropped, o a zero of the output padding")
    assert lines[2].split()[-1] == "###########o"
