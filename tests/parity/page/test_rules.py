"""The rules of a page count the layers that have the stated window, and name those that have another."""

from __future__ import annotations

import warnings

import pytest

from parity.cases.case import Case
from parity.frameworks.table import find_framework
from parity.frameworks.task import here
from parity.frameworks.window_rule import read_call
from parity.page.atlas import readable
from parity.page.rules import MOST_EXCEPTIONS, Kept, Rules
from parity.records.result import Record
from parity.running import run_with
from tests.support.recorded import Json, recorded, typed


def kept(lines: list[Json]) -> list[Kept]:
    rules = Rules()
    for record in typed(lines)[1]:
        rules.add(record, readable(record))
    return rules.kept


def layers(lines: list[Json]) -> list[Json]:
    """The results that rules are of."""
    return [
        result
        for line in lines[1:]
        for result in line["results"]
        if result["output"] == "value" and result["status"] == "ok" and result["spelling"] != "exact"
    ]


def test_each_layer_that_has_its_window_counts_once() -> None:
    lines = recorded()
    rules = kept(lines)
    assert sum(each.agreeing for each in rules) == len(layers(lines))
    assert [each.framework for each in rules] == sorted(each.framework for each in rules)
    assert all(each.others == 0 and not each.exceptions for each in rules)
    written = {(each.framework, each.rule.written, each.transposed) for each in rules}
    assert ("torch", "padding=p, output_padding=q", True) in written
    assert ("numpy", "padding='same'", False) in written


@pytest.mark.parametrize("changed", ["offset", "shape", "divergence"])
def test_a_layer_with_another_window_is_an_exception(changed: str) -> None:
    lines = recorded()
    result = next(each for each in layers(lines) if each["framework"] == "torch")
    if changed == "offset":
        result |= {"offset": [1, 0], "explained": False}
    elif changed == "shape":
        result["shape"][2] += 1
    else:
        result |= {"divergence": "known", "offset": None}
    [broken] = [each for each in kept(lines) if each.others]
    assert (broken.framework, broken.others, broken.exceptions) == ("torch", 1, [lines[1]["command"]])


def test_of_many_exceptions_some_are_named() -> None:
    lines = recorded()
    record = next(line for line in lines[1:] if layers([{}, line]))
    for result in layers([{}, record]):
        result |= {"offset": [9, 9], "explained": False}
    broken = next(each for each in kept([lines[0], *[record] * 20]) if each.others)
    assert (broken.others, len(broken.exceptions)) == (20, MOST_EXCEPTIONS)


def test_values_that_fit_several_windows_count_neither_way() -> None:
    lines = recorded()
    before = {each.framework: each.agreeing for each in kept(lines)}
    result = next(each for each in layers(lines) if each["framework"] == "torch")
    result["offset"] = None  # and it is explained
    after = kept(lines)
    assert sum(each.others for each in after) == 0
    assert sum(each.agreeing for each in after) == sum(each.agreeing for each in kept(recorded())) - 1
    assert before.keys() == {each.framework for each in after}


TORCH = "torch.nn.Conv2d(kernel_size=3, stride=1, padding={})"

NO_CALLS = [
    "",
    "(",
    "a + b",
    "f(g(x), padding=1)",
    "torch.nn.Conv2d(padding=[*x])",
    "f(" * 5000,
    "\0",
    "a" + ".b" * 900 + "()",
    "f" + "[0]" * 900 + "()",
]

NO_NUMBERS = [TORCH.format(f"({number}, 1)") for number in ("1e999", "1.5", "'1e9999999'", "None", "[1]")]
NO_NUMBERS += [TORCH.format(value) for value in ("1e999", "{5: 1}", "()", "{[1]: 2}")]


@pytest.mark.parametrize("text", [*NO_CALLS, *NO_NUMBERS])
def test_code_that_is_no_call_has_no_rule(text: str) -> None:
    lines = recorded()
    result = next(each for each in layers(lines) if each["framework"] == "torch")
    result["layer"] = text
    assert sum(each.agreeing + each.others for each in kept(lines)) == len(layers(lines)) - 1
    assert text.startswith("torch") or read_call(text) is None


def test_code_with_a_doubtful_escape_is_read_in_silence() -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert read_call(r"f(x='\d')") is not None
    assert warned == []


def test_a_route_states_what_its_framework_states() -> None:
    route = find_framework("torch+channels_last")
    result = run_with(Case("conv2d", (1, 2, 5, 5), 2, 3, padding=1), [route], submit=here)
    rules = Rules()
    record: Record = result.record
    rules.add(record, readable(record))
    assert [(each.framework, each.agreeing) for each in rules.kept] == [("torch+channels_last", 1)]
