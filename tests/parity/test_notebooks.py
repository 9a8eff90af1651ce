"""What shows itself in a notebook: whole HTML, whose texts are text however they look."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np

from parity import Case
from parity.models.page import table
from parity.records.counts import Outcome
from parity.records.result import CaseResult, Result
from parity.translation.result import Fault, Translation

HOSTILE = "<script>alert(1)</script>\"'`&lt;</td></table>\u202e\x1b{{ 7 * 7 }}"
SHOWN = HOSTILE.replace("\u202e", r"\u202e").replace("\x1b", r"\x1b")
ELEMENTS = {"div", "p", "strong", "code", "pre", "ul", "li"} | set("table thead tbody tr th td".split())


class Page(HTMLParser):
    """The texts of a page, all of whose elements are closed, by the element that they stand in."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.scopes = 0
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ELEMENTS
        assert all(name in {"scope", "colspan"} for name, _ in attrs)
        self.scopes += tag == "th" and "scope" in dict(attrs)
        self.open.append(tag)
        self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.texts[tag][-1] += data


def test_a_case_shows_its_verdict_its_command_its_results_and_their_layers() -> None:
    case = Case("conv1d", (1, 1, 4), 1, 2)
    results = (
        Result(
            framework="torch",
            version="2.0",
            spelling="native",
            layer="torch.nn.Conv1d(1, 1, 2)",
            status="ok",
            shape=(1, 1, 3),
            relation="window",
            offset=(1,),
            max_abs_error=2.5,
            explained=True,
            reason="it is so",
        ),
        Result(framework="keras", spelling="native", variant="depthwise", status="rejected", error="E: no"),
    )
    found = CaseResult(case, np.zeros((1, 1, 3)), results)
    page = Page(found._repr_html_())
    assert found.verdict in page.texts["strong"]
    assert case.command in page.texts["code"]
    assert "torch.nn.Conv1d(1, 1, 2)" in page.texts["code"]
    assert len(page.texts["tr"]) == 1 + 2
    cells = page.texts["td"]
    assert cells[:4] == ["native", "window by (1)", "1×1×3", "2.5"]
    assert cells[5:8] == ["it is so", "native (depthwise)", "rejected, unexplained"]
    assert page.scopes == 7 + 2


def test_a_case_without_a_result_says_so() -> None:
    page = Page(CaseResult(Case("conv1d", (1, 1, 4), 1, 2), np.zeros((1, 1, 3)), ())._repr_html_())
    assert page.texts["td"] == ["no result"]


def test_texts_of_results_are_text() -> None:
    result = Result(
        framework=HOSTILE,
        version=HOSTILE,
        spelling=HOSTILE,
        variant=HOSTILE,
        layer=HOSTILE,
        status=HOSTILE,
        output=HOSTILE,
        error=f"E: {HOSTILE}",
        reason=HOSTILE,
    )
    page = Page(CaseResult(Case("conv1d", (1, 1, 4), 1, 2), np.zeros((1, 1, 3)), (result,))._repr_html_())
    assert SHOWN in page.texts["code"]
    assert page.texts["td"][-1] == f"E: {SHOWN}"


def test_a_translation_shows_its_code_and_its_proof() -> None:
    fault = Fault(None, HOSTILE, HOSTILE, ((1, 1, 4),))
    found = Translation(
        HOSTILE,
        "keras",
        "exact",
        f"import keras\n# {HOSTILE}\n",
        Outcome.UNEXPLAINED,
        ((1, 1, 4),),
        None,
        (HOSTILE,),
        (fault,),
    )
    page = Page(found._repr_html_())
    assert page.texts["strong"] == ["NOT verified"]
    assert page.texts["pre"] == [f"import keras\n# {SHOWN}\n"]
    assert page.texts["li"][0] == SHOWN
    assert page.texts["li"][-1].startswith("NOT verified on inputs of sizes 1x1x4: different")


def test_a_table_of_a_model_has_its_rows_and_sentences() -> None:
    rows: list[list[object]] = [[1, HOSTILE], ["x", None]]
    page = Page(table(["a", HOSTILE], iter(rows), [HOSTILE]))
    assert page.texts["th"] == ["a", SHOWN]
    assert page.texts["td"] == ["1", SHOWN, "x", "None"]
    assert page.texts["p"] == [SHOWN]
