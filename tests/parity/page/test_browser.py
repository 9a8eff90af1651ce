"""The page of a record, opened from disk as people do."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from parity.page.page import MOST_CASES, write_page
from parity.records.counts import Report
from parity.records.reader import read_records
from tests.support.browser import SCHEMES, Scheme, needs_browser, opened, violations
from tests.support.recorded import Json, recorded, write
from tests.support.strategies import TIMES

pytestmark = needs_browser

BASELINE = Path("baselines", "pinned.jsonl.gz")
HOSTILE = "<script>alert(1)</script>\"'`&lt;</td>\u202e\u0000{{ 7 * 7 }}${1}"
SHOWN = HOSTILE.replace("\u202e", r"\u202e").replace("\u0000", r"\x00")


def page_of(record: Path, against: Path | None = None) -> Path:
    page = record.with_suffix(".html")
    write_page(page, record, against)
    return page


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The baseline, with a result that is wrong, one that crashed, and one whose values have errors."""
    lines = [json.loads(line) for line in gzip.decompress(BASELINE.read_bytes()).splitlines()]
    differing = next(line for line in lines[1:] if line["case"]["op"] == "conv_transpose2d")
    differing["results"][1] |= {
        "relation": "unrelated",
        "explained": False,
        "reason": "its values are unrelated to the reference",
        "max_abs_error": 3.0,
        "exact": False,
        "errors": {"shape": [1, 2, 2], "block": [1, 1, 1], "levels": "AP8AgA=="},
    }
    differing["verdict"] = "unexplained"
    lines[1]["results"][1] |= {"status": "crashed", "reason": "signal 11", "explained": False}
    return write(tmp_path_factory.mktemp("page") / "record.jsonl", lines)


@pytest.fixture(scope="module")
def page_file(record: Path) -> Path:
    return page_of(record)


def rows_of(record: Path) -> list[Json]:
    """The rows that `parity report --json` has of a record."""
    header, records = read_records(record)
    rows: list[Json] = Report(records, header).to_dict(header)["rows"]
    return rows


def listed(page: Page) -> list[str]:
    """The commands of the rows that are drawn."""
    return page.locator("#window tbody th + td ~ td a").all_inner_texts()


def shown(page: Page) -> int:
    """How many cases the list has."""
    return int(page.locator("#shown").inner_text().split()[0])


def choose(page: Page, name: str, value: str) -> None:
    page.locator(f"#filters select[name={name}]").select_option(value)


def records_of(file: Path) -> list[Json]:
    return [json.loads(line) for line in file.read_text().splitlines()[1:]]


SUMS = """table => {
    const heads = [...table.tHead.rows[0].cells];
    const wide = table.querySelector("tbody tr").querySelectorAll("td").length;
    return heads.slice(heads.length - wide).map((head, at) => {
        const sums = {};
        for (const row of table.tBodies[0].rows)
            for (const count of [...row.querySelectorAll("td")][at].querySelectorAll(".count")) {
                const outcome = count.dataset.outcome;
                sums[outcome] = (sums[outcome] ?? 0) + Number(count.childNodes[1].data);
            }
        return [head.innerHTML.split("<br>"), sums];
    });
}"""


def columns_of(page: Page, op: str) -> dict[tuple[str, ...], Counter[str]]:
    """Each column of an operation's grid, by framework and spelling, with its outcomes added up."""
    title = page.locator("h3").get_by_text(op, exact=True)
    table = page.locator("details.op", has=title).locator("table")
    return {tuple(name): Counter(sums) for name, sums in table.evaluate(SUMS)}


def test_the_counts_of_the_grids_are_those_of_the_report(record: Path, page_file: Path) -> None:
    rows = rows_of(record)
    ops = list(dict.fromkeys(row["op"] for row in rows))
    with opened(page_file) as page:
        assert sorted(page.locator("details.op h3").all_inner_texts()) == sorted(ops)
        for op in ops:
            columns = columns_of(page, op)
            of_op = [row for row in rows if row["op"] == op]
            assert set(columns) == {(row["framework"], row["spelling"]) for row in of_op}
            for row in of_op:
                counts = columns[row["framework"], row["spelling"]]
                known = counts["known"]
                assert counts["wrong"] + counts["crashed"] == row["unexplained"]
                if not row["unexplained"] and not known:
                    assert counts["agree"] == row["agree"]
                    assert counts["window"] == row["differ in shape"] + row["differ in value"]
                    assert counts["empty"] == row["empty"] + row["no verdict"]
                    assert counts["refused"] == row["refused"]
                    assert counts["absent"] == row["unsupported"]
                names = ("agree", "differ in shape", "differ in value", "empty", "no verdict", "refused")
                assert counts.total() == sum(row[name] for name in (*names, "unsupported", "failed"))


def test_the_table_of_counts_is_the_reports(record: Path, page_file: Path) -> None:
    rows = [[str(value or "·") for value in row.values()] for row in rows_of(record)]
    with opened(page_file) as page:
        drawn = page.locator("#counts tbody tr").evaluate_all(
            "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
        )
    assert drawn == rows


def test_a_cell_lists_its_cases(record: Path, page_file: Path) -> None:
    with opened(page_file) as page:
        page.locator("details.op:not([open]) > summary").first.wait_for()
        for summary in page.locator("details.op:not([open]) > summary").all()[::-1]:
            summary.click()
        for cell in page.locator("button.cell").all()[::7]:
            counts = cell.locator(".count").evaluate_all("each => each.map(one => one.childNodes[1].data)")
            cell.click()
            expect(cell).to_have_attribute("aria-pressed", "true")
            assert shown(page) == sum(map(int, counts))
        words = page.locator("#shown").inner_text().partition(": ")[2].split(", ")
        op, contestant = words[0], tuple(words[-1].split())
        commands = {each["command"] for each in records_of(record) if each["case"]["op"] == op}
        assert set(listed(page)) <= commands
        for command in listed(page):
            results = next(each for each in records_of(record) if each["command"] == command)["results"]
            assert contestant in {(each["framework"], each["spelling"]) for each in results}


def test_filters_and_search_find_what_the_record_has(record: Path, page_file: Path) -> None:
    lines = records_of(record)
    with opened(page_file) as page:
        assert shown(page) == len(lines)
        choose(page, "op", "conv_transpose2d")
        wanted = [each for each in lines if each["case"]["op"] == "conv_transpose2d"]
        assert shown(page) == len(wanted)
        choose(page, "verdict", "agree")
        wanted = [each for each in wanted if each["verdict"] == "agree"]
        assert shown(page) == len(wanted)
        page.locator("#filters input").fill("stride 2 kernel")
        words = ("stride", "2", "kernel")
        wanted = [
            each for each in wanted if all(word in f"{each['command']} {each['name']}" for word in words)
        ]
        assert shown(page) == len(wanted) > 0
        assert set(listed(page)) <= {each["command"] for each in wanted}
        page.get_by_role("button", name="show all").click()
        expect(page.locator("#shown")).to_have_text(f"{len(lines)} cases of {len(lines)} shown")
        choose(page, "framework", "keras")
        choose(page, "spelling", "lookalike")
        assert shown(page) == sum(
            any((each["framework"], each["spelling"]) == ("keras", "lookalike") for each in line["results"])
            for line in lines
        )
        choose(page, "outcome", "unexplained")
        assert shown(page) == 0


def test_columns_sort_both_ways(record: Path, page_file: Path) -> None:
    def natural(name: str) -> str:
        return re.sub(r"\d+", lambda digits: digits[0].zfill(9), name)

    names = sorted((each["name"] for each in records_of(record)), key=natural)
    drawn = "#window tbody th"
    with opened(page_file) as page:
        button = page.locator("#window thead button", has_text="name")
        button.click()
        up = page.locator(drawn).all_inner_texts()
        assert up == names[: len(up)]
        button.click()
        expect(page.locator("#window th[aria-sort]")).to_have_attribute("aria-sort", "descending")
        assert page.locator(drawn).all_inner_texts() == names[: -len(up) - 1 : -1]


def test_a_case_opens_by_its_link_and_by_its_address(record: Path, page_file: Path) -> None:
    line = next(each for each in records_of(record) if each["verdict"] == "unexplained")
    with opened(page_file) as page:
        page.locator("#filters input").fill(line["name"])
        page.locator("#window tbody a").first.click()
        expect(page.locator("#case-title")).to_have_text(line["name"])
        address = page.url.partition("#")[2]
    for wanted in (f"case={line['command']}", f"case={line['name']}"):
        with opened(page_file, address=wanted) as page:
            expect(page.locator("#case-title")).to_be_focused()
            case = page.locator("#case")
            expect(case.locator("code").first).to_have_text(line["command"])
            assert case.locator("tbody").first.locator("tr").count() == len(line["results"])
            for result in line["results"]:
                if result["layer"]:
                    expect(case).to_contain_text(result["layer"])
            assert case.locator("svg .heat").count() == 2
            assert case.locator("svg .cold").count() == 2
            expect(case).to_contain_text("2 of 4 cells have an error; the largest is 3")
    assert address.startswith("case=parity%20run")


def test_the_picture_of_an_axis_says_where_each_window_lies(tmp_path: Path) -> None:
    record = write(tmp_path / "record.jsonl", recorded())
    name = "layer-4"  # padding "same", beside torch's layer of padding 1 and output padding 1
    line = next(each for each in records_of(record) if each["name"] == name)
    with opened(page_of(record), address=f"case={name}") as page:
        page.locator("#case details").first.click()
        rows = page.locator("#case details table tbody").first.locator("tr").all()
        told = [row.locator("th, td").all_inner_texts() for row in rows]
    assert told[0] == ["reference", "0", "6", "1 cropped after"]
    windows = {label: (begin, size) for label, begin, size, _ in told}
    lookalike = next(each for each in line["results"] if each["spelling"] == "lookalike")
    assert windows["torch lookalike"] == (str(lookalike["offset"][0]), str(lookalike["shape"][2]))


def test_cases_of_one_command_open_each_by_its_own_address(tmp_path: Path) -> None:
    lines = recorded()
    twin = lines[1] | {"suite": "second", "name": "twin"}
    with opened(page_of(write(tmp_path / "record.jsonl", [*lines, twin, twin]))) as page:
        for row in page.locator("#window tbody tr:not(.gap)").all():
            row.locator("a").click()
            expect(page.locator("#case-title")).to_have_text(row.locator("th").inner_text())
            page.get_by_role("link", name="To the list").click()
            expect(page.locator("#case")).to_be_hidden()
        hrefs = page.locator("#window tbody a").evaluate_all("links => links.map(each => each.hash)")
    assert len(set(hrefs)) == len(lines) + 1


@pytest.mark.parametrize(
    "errors",
    [
        {"shape": [1, 2, 2], "block": [1, 1, 1], "levels": "no base64!"},
        {"shape": [1, 2, 2], "block": [1, 1, 1], "levels": "/w=="},
        {"shape": [1_000_000_000, 1_000_000, 2], "block": [1, 1, 1], "levels": "AP8AgA=="},
        {"shape": [-2, -2], "block": [1, 1], "levels": "AP8AgA=="},
        {"shape": [2, 2], "block": [1], "levels": "AP8AgA=="},
        {"shape": [], "block": [], "levels": "/w=="},
    ],
    ids=["no base64", "too short", "too large", "negative", "other block", "no axis"],
)
def test_a_map_of_errors_that_cannot_be_read_says_so(errors: Json, tmp_path: Path) -> None:
    lines = recorded()
    lines[1]["results"][0] |= {"errors": errors}
    with opened(page_of(write(tmp_path / "record.jsonl", lines)), address="case=layer-1") as page:
        expect(page.locator("#case")).to_contain_text("map of its errors cannot be read")
        expect(page.locator("#case h3", has_text="Layers")).to_be_visible()


def test_long_names_do_not_widen_the_page(tmp_path: Path) -> None:
    lines = recorded()
    for result in lines[1]["results"]:
        result["framework"] = "package." * 40 + "function"
    lines[1]["suite"] = "s" * 2000
    page_file = page_of(write(tmp_path / "record.jsonl", lines))
    with opened(page_file, address="case=layer-1", width=400) as page:
        page.locator("#case-title").wait_for()
        page.evaluate("document.querySelectorAll('details').forEach(each => (each.open = true))")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_address_of_no_case_says_so(page_file: Path) -> None:
    with opened(page_file, address="case=parity run nothing %zz") as page:
        expect(page.locator("#case-title")).to_have_text("No such case")


def test_the_keyboard_reaches_a_case(page_file: Path) -> None:
    with opened(page_file) as page:
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # to the cases, past all else
        expect(page.locator("#cases")).to_be_focused()
        first = page.locator("#window tbody a").first
        for _ in range(30):
            page.keyboard.press("Tab")
            if first.evaluate("each => each === document.activeElement"):
                break
        expect(first).to_be_focused()
        command = first.inner_text()
        page.keyboard.press("Enter")
        expect(page.locator("#case code").first).to_have_text(command)


def test_what_is_unexplained_stands_first_with_its_command(page_file: Path) -> None:
    with opened(page_file) as page:
        assert page.locator("main h2").first.inner_text() == "Unexplained"
        rows = page.locator("main section").first.locator("tbody tr")
        assert rows.count() == 2
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        rows.first.get_by_role("button").click()
        expect(rows.first.get_by_role("button")).to_have_text("copied")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == rows.first.locator("code").inner_text()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [400, 1280])
def test_axe_has_nothing_against_it(record: Path, page_file: Path, scheme: Scheme, width: int) -> None:
    line = next(each for each in records_of(record) if each["verdict"] == "unexplained")
    with opened(page_file, address=f"case={line['command']}", scheme=scheme, width=width) as page:
        page.locator("#case-title").wait_for()
        page.evaluate("document.querySelectorAll('details').forEach(each => (each.open = true))")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_theme_can_be_chosen(page_file: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    with opened(page_file) as page:
        light = page.evaluate(ground)
        button = page.get_by_role("button", name="theme")
        button.click()
        button.click()
        assert page.evaluate(ground) != light
        button.click()
        assert page.evaluate(ground) == light


def test_hostile_names_show_as_text(tmp_path: Path) -> None:
    lines = recorded()
    lines[0]["frameworks"][1]["version"] = HOSTILE
    lines[0]["suites"][0] = HOSTILE
    for line in lines[1:]:
        line["name"] = line["suite"] = HOSTILE
        texts = ("framework", "layer", "error", "version", "reason", "printed")
        hostile = {**dict.fromkeys(texts, HOSTILE), "warnings": [HOSTILE], "notes": [HOSTILE]}
        line["results"] = [
            each | (hostile | {"explained": False} if each["framework"] == "torch" else {})
            for each in line["results"]
        ]
        line["verdict"] = "unexplained"
    page_file = page_of(write(tmp_path / "record.jsonl", lines))
    with opened(page_file) as page:
        assert page.locator("h1").inner_text() == f"{SHOWN}, second"
        row = page.locator("main tbody tr").first
        expect(row.locator("th")).to_have_text(SHOWN)
        expect(row.locator("td").first).to_contain_text(SHOWN)
        assert page.locator("#window tbody th").first.inner_text() == SHOWN
        assert SHOWN in page.locator("#filters select[name=framework]").inner_text()
        page.locator("#window tbody a").first.click()
        expect(page.locator("#case-title")).to_have_text(SHOWN)
        expect(page.locator("#case pre").filter(has_text="alert").first).to_have_text(SHOWN)
        assert page.locator("script").count() == 4  # the page's own


def test_an_older_record_stands_beside_it(tmp_path: Path) -> None:
    old = write(tmp_path / "old.jsonl", recorded())
    lines = recorded()
    changed = next(each for each in lines[1]["results"] if each["framework"] == "torch")
    changed |= {"relation": "unrelated", "explained": False, "reason": "of its own", "exact": False}
    lines[1]["verdict"] = "unexplained"
    page_file = page_of(write(tmp_path / "record.jsonl", lines), old)
    with opened(page_file) as page:
        grids = page.locator("details.op[open]").first.locator("table")
        assert [each.locator("caption").inner_text() for each in grids.all()] == [
            "conv2d, old record",
            "conv2d, new record",
        ]
        assert page.locator(".changed").count() == 2  # the cell, in both grids
        assert page.get_by_role("heading", name="What changed").count() == 1
        expect(page.locator("main")).to_contain_text("1 of 6 cases that both records have changed")
        assert grids.nth(0).locator("button.cell").count() == 0


def many(count: int) -> list[Json]:
    """Records of so many cases, each with a command of its own."""
    header, *lines = recorded()
    found = []
    for number in range(count):
        line = dict(lines[number % len(lines)])
        line |= {"command": f"{line['command']} --seed {number}", "name": f"case-{number}"}
        found.append(line)
    return [header, *found]


@pytest.mark.parametrize(("count", "most"), [(5_000, 5_000), (100_000 if TIMES > 1 else 25_000, MOST_CASES)])
def test_many_cases_are_listed_or_sampled_and_stay_usable(tmp_path: Path, count: int, most: int) -> None:
    page_file = page_of(write(tmp_path / "record.jsonl", many(count)))
    assert page_file.stat().st_size < 4 * 2**20
    with opened(page_file) as page:
        page.locator("#window tbody a").first.wait_for()
        assert shown(page) == most
        said = page.locator("#sampled").inner_text()
        assert (f"Of {count} cases {most} are listed" in said) == (most < count)
        assert page.locator("#window tbody tr").count() < 100  # drawn as they are scrolled to
        assert page.locator("#window .gap").first.evaluate("gap => gap.offsetHeight") == 0
        page.locator("#window").evaluate("each => { each.scrollTop = each.scrollHeight; }")
        last = f"case-{count - 1}" if most == count else f"case-{most - 1}"
        expect(page.locator("#window tbody th").last).to_have_text(last)
        page.locator("#filters input").fill("case-4321")
        assert shown(page) == 1
        page.locator("#window tbody a").click()
        expect(page.locator("#case-title")).to_have_text("case-4321")


def test_it_prints_what_is_not_a_control(page_file: Path) -> None:
    with opened(page_file) as page:
        page.emulate_media(media="print")
        assert not page.locator("#filters").is_visible()
        assert not page.locator("#theme").is_visible()
        assert page.locator("details[open] table.atlas").first.is_visible()
        assert page.locator("#printed").is_visible()
        assert 0 < page.pdf().count(b"/Type /Page\n") < 20  # the rows that are not drawn take no room
