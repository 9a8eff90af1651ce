"""The page and the picture of a case: whole, of text only, and said to be of a part where they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from parity import Case
from parity.cases.own import own_arrays
from parity.cli.main import run_cli
from parity.explain.drawing.pictures import Pictures, make_page, make_svg, pictures_of
from parity.explain.drawing.windows import strips
from tests.parity.explain.drawing.reading import SVG

CASE = Case("conv_transpose2d", (1, 1, 2, 2), 1, 3, 2, output_padding=1, values="arange")
WORDS = "explain conv2d --input 1,1,4,4 --filters 1 --kernel 3 --padding 1".split()


def said(case: Case) -> str:
    return " ".join(pictures_of(case).notes)


def test_a_small_case_is_drawn_as_a_whole() -> None:
    pictures = pictures_of(CASE)
    assert pictures.notes == ()
    assert [grid.title for grid in pictures.flow] == [
        "1. input, 1x1x2x2",
        "2. insert zeros, 1x1x3x3",
        "3. unroll transposed, 9x25",
        "4. matrix product, 1x1x5x5",
        "5. crop, 1x1x6x6",
    ]
    assert pictures.same is not None


def test_what_is_left_out_of_a_larger_one_is_said() -> None:
    assert "Of 2 samples the first" in said(Case("conv1d", (2, 1, 4), 1, 2))
    assert "first input channel (of 3) and the first filter (of 5)" in said(Case("conv1d", (1, 3, 16), 5, 2))
    assert "Of 2 axes the last alone" in said(Case("conv2d", (1, 1, 16, 16), 1, 3))
    assert "cut short, to 24 of 224" in said(Case("conv2d", (1, 3, 224, 224), 64, 7, 2, 3))
    assert "left out" in said(Case("conv1d", (1, 1, 200), 1, 100))
    assert "left out" in said(Case("conv1d", (1, 0, 4), 1, 2))


def test_a_cut_axis_leaves_over_what_the_whole_one_does() -> None:
    part = pictures_of(Case("conv1d", (1, 1, 101), 1, 4, 3)).sizes[0]
    short = pictures_of(Case("conv1d", (1, 1, 23), 1, 4, 3)).sizes[0]
    assert (part.size - part.row.fine[0]) == (short.size - short.row.fine[0])
    assert "to 23 of 101" in said(Case("conv1d", (1, 1, 101), 1, 4, 3))


def test_ambiguous_sizes_are_said_with_the_output_padding_that_chooses() -> None:
    (both,) = pictures_of(CASE).sizes
    assert both.title == "Axes 0, 1"
    assert both.row.fine == (5, 6)
    assert both.row.output_padding == (0, 1)
    assert both.size == 6
    assert both.sentence.startswith("Ambiguous: the convolution maps each of the sizes 5, 6 to 2.")
    read = [[cell.kind for cell in row] for row in both.picture.planes[0].rows]
    assert read == [[*["kept"] * 5, "none"], [*["kept"] * 5, "left"]]
    (one,) = pictures_of(Case("conv1d", (1, 1, 4), 1, 2)).sizes
    assert one.sentence.startswith("Not ambiguous")


def test_same_lies_inside_valid() -> None:
    same = pictures_of(Case("conv_transpose1d", (1, 1, 4), 1, 4, 2)).same
    assert same is not None
    assert [cell.kind for cell in same.planes[0].rows[0]] == ["left", *["kept"] * 8, "left"]
    (axis,) = pictures_of(Case("conv1d", (1, 1, 4), 1, 3)).windows
    rows = dict(zip(axis.planes[0].names, axis.planes[0].rows, strict=True))
    assert [cell.kind for cell in rows['"valid"']] == ["none", *["kept"] * 4, "none"]
    assert [cell.kind for cell in rows['"same"']] == ["pad", *["kept"] * 4, "pad"]


@pytest.mark.parametrize(
    "case", [CASE, Case("conv2d", (1, 3, 224, 224), 64, 7), Case("conv1d", (0, 1, 4), 1, 2)]
)
def test_the_picture_is_xml_without_script_or_reference(case: Case) -> None:
    text = make_svg(pictures_of(case))
    root = ET.fromstring(text)  # noqa: S314 - our own
    assert root.tag == f"{SVG}svg"
    assert root.findtext(f"{SVG}title")
    assert root.findtext(f"{SVG}desc")
    names = {each.tag for each in root.iter()}
    assert names <= {f"{SVG}{name}" for name in ("svg", "title", "desc", "style", "g", "rect", "text")}
    assert not re.search(r"url\(|@import|href", text)
    ids = [each.attrib["id"] for each in root.iter() if "id" in each.attrib]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("make", [make_page, make_svg])
def test_a_file_of_any_name_is_text(tmp_path: Path, make: Callable[[Pictures], str]) -> None:
    case = Case("conv1d", (1, 1, 4), 1, 2)
    name = "<script>alert(1)</script>\"'`&lt;\u202e{{ 7 * 7 }}.npy".replace("/", "")
    file = tmp_path / name
    np.save(file, np.ones((1, 1, 4), np.float32))
    text = make(pictures_of(case, own_arrays(case, x=file)))
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;script&gt;" in text
    assert "\u202e" not in text
    assert r"\u202e" in text
    assert "{{ 7 * 7 }}" in text


@pytest.mark.parametrize("make", [make_page, make_svg])
def test_a_framework_of_any_name_is_text(make: Callable[[Pictures], str]) -> None:
    name = "</text><script>\"'&\x00\u202e"
    rows = {name: CASE.geometry.axes[0]}
    text = make(replace(pictures_of(CASE), windows=[strips(name, name, rows, transposed=True)]))
    assert "&lt;/text&gt;&lt;script&gt;" in text
    assert not {"\x00", "\u202e"} & set(text)
    assert r"\x00\u202e" in text
    for picture in re.findall(r"<svg .*?</svg>", text, re.DOTALL):
        ET.fromstring(picture)  # noqa: S314 - our own


def ran(capsys: pytest.CaptureFixture[str], *options: object) -> tuple[int, str, str]:
    code = run_cli([*WORDS, *map(str, options)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_the_command_writes_both_and_prints_what_it_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, picture = tmp_path / "a.html", tmp_path / "a.svg"
    page.write_text("old")
    assert ran(capsys, "--html", page, "--svg", picture) == ran(capsys)
    assert page.read_text().startswith("<!doctype html>")
    assert picture.read_text().startswith("<svg ")
    assert sorted(tmp_path.iterdir()) == [page, picture]


@pytest.mark.parametrize("option", ["--html", "--svg"])
def test_a_file_that_cannot_be_written_is_an_error_that_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    for out, why in ((tmp_path / "none" / "a.html", "No such file"), (tmp_path, "a directory")):
        code, _, error = ran(capsys, option, out)
        assert code == 2
        assert f"{out} cannot be written: " in error
        assert why in error
    assert list(tmp_path.iterdir()) == []


def test_one_file_cannot_be_both_nor_an_array_that_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, error = ran(capsys, "--html", tmp_path / "a", "--svg", tmp_path / "a")
    assert code == 2
    assert "allowed are two files" in error
    x = tmp_path / "x.npy"
    np.save(x, np.ones((1, 1, 4, 4), np.float32))
    before = x.read_bytes()
    assert ran(capsys, "--x", x, "--svg", x)[0] == 2
    assert x.read_bytes() == before
