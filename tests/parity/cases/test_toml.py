"""TOML files as nobody means them: one sentence, and soon."""

from __future__ import annotations

from pathlib import Path

import pytest

from convmm.geometry import LARGEST
from parity.cases import suites
from parity.cases.errors import InputError
from parity.cases.suites import MOST_COMBINATIONS, SuiteError, load_suite
from parity.cases.toml import LONGEST, MOST_DOTS
from parity.frameworks.known.registry import RegistryError, load_registry

TEXTS = {
    "nested too deep": (b"x = " + b"[" * 500 + b"]" * 500, "nested too deeply"),
    "inline tables too deep": (b"x = " + b"{a = " * 500 + b"1" + b"}" * 500, "nested too deeply"),
    "more digits than Python reads": (b"x = " + b"9" * 5000, f"numbers up to {LARGEST}"),
    "more digits in hexadecimal": (b"x = 0x" + b"f" * 5000, f"numbers up to {LARGEST}"),
    "larger than an index": (b"x = [[9223372036854775808]]", f"numbers up to {LARGEST}"),
    "smaller than an index": (b"x = {y = -99999999999999999999}", f"numbers up to {LARGEST}"),
    "a key twice": (b"x = 1\nx = 2", "no valid TOML: Cannot overwrite"),
    "a NUL": (b"x = '\x00'", "no valid TOML: Found invalid character"),
    "no UTF-8": (b"x = '\xff'", "no valid UTF-8"),
    "half of a character": (b"x = '\xed\xa0\x80'", "no valid UTF-8"),
    "half of a character, escaped": (b'x = "\\ud800"', "no valid TOML"),
    "a long key": (b"k" * 100_000 + b" = ", "no valid TOML"),
    "too many dots": (b"x." * 50_000 + b"y = 1", f"line 1: allowed are at most {MOST_DOTS} dots"),
    "too long": (b"#" * (LONGEST + 1), f"at most {LONGEST} bytes"),
}


@pytest.mark.parametrize("fault", TEXTS)
@pytest.mark.parametrize("kind", ["suite", "registry"])
def test_a_text_that_is_no_file_of_ours_is_refused_in_a_short_sentence(
    tmp_path: Path, kind: str, fault: str
) -> None:
    text, said = TEXTS[fault]
    path = tmp_path / "mine.toml"
    path.write_bytes(text)
    with pytest.raises(InputError) as raised:
        load_suite(str(path)) if kind == "suite" else load_registry(path)
    assert isinstance(raised.value, SuiteError if kind == "suite" else RegistryError)
    message = str(raised.value)
    assert message.startswith(f"{path}: ")
    assert said in message
    assert len(message) < len(str(path)) + 300


@pytest.mark.parametrize("name", ["p" * 5000, "a\0b", "a\udcff"])
def test_a_name_that_no_file_can_have_is_no_suite_and_no_registry(name: str) -> None:
    with pytest.raises(SuiteError, match="allowed are article"):
        load_suite(name)
    with pytest.raises(RegistryError, match="cannot be read"):
        load_registry(Path(name))


PRODUCT = """
[[product]]
name = "{name}"
op = ["conv1d"]
input = [[1, 1, 4]]
kernel = [1]
filters = {filters}
seed = {seed}
groups = {groups}
"""


def test_a_product_is_counted_before_it_is_multiplied(tmp_path: Path) -> None:
    many = list(range(1, 1001))
    path = tmp_path / "mine.toml"
    path.write_text('description = ""' + PRODUCT.format(name="huge", filters=many, seed=many, groups=many))
    with pytest.raises(SuiteError) as raised:
        load_suite(str(path))
    message = str(raised.value)
    assert f"there are 1000000000 combinations up to here: allowed are {MOST_COMBINATIONS}" in message


def test_the_products_of_a_suite_are_counted_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suites, "MOST_COMBINATIONS", 1000)
    half = list(range(501))
    first = PRODUCT.format(name="first", filters=[1], seed=half, groups=[1])
    path = tmp_path / "mine.toml"
    path.write_text(f'description = ""{first}')
    assert len(load_suite(str(path)).cases) == len(half)
    path.write_text(f'description = ""{first}{first.replace("first", "second")}')
    with pytest.raises(SuiteError, match=r"\[\[product\]\] 2 \(second\): there are"):
        load_suite(str(path))
