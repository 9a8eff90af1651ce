"""The page of a case, opened from disk as people do."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from parity import Case
from parity.explain.drawing.pictures import write_pictures
from tests.support.browser import SCHEMES, Scheme, needs_browser, opened, violations

pytestmark = needs_browser

CASE = Case("conv2d", (1, 1, 4, 4), 1, 3, 2, 1, values="arange")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("pictures") / "page.html"
    write_pictures(CASE, html=file)
    return file


def marked(page: Page) -> set[str]:
    """The numbers of the taps of all cells of matrices that stand out."""
    return set(page.locator("svg .tap.on").evaluate_all("cells => cells.map(cell => cell.dataset.tap)"))


def test_taps_are_stepped_through_by_buttons_and_keys(file: Path) -> None:
    with opened(file) as page:
        said = page.locator("#said")
        expect(said).to_have_text("All 9 taps.")
        page.get_by_role("button", name="next tap").click()
        assert marked(page) == {"0"}
        expect(said).to_contain_text("Tap 0,")
        page.keyboard.press("ArrowRight")
        assert marked(page) == {"1"}
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        assert marked(page) == {"8"}
        expect(said).to_contain_text("at 2, 2, value 8; joins 1,3 × 1,3 to 0,1 × 0,1.")
        padded = page.locator("figure", has_text="2. pad").locator("svg .cell.on")
        places = padded.evaluate_all("cells => cells.map(cell => cell.dataset.at)")
        assert places == ["2 2", "2 4", "4 2", "4 4"]
        page.get_by_role("button", name="All taps").click()
        assert marked(page) == set()


def test_taps_are_played_until_they_are_paused(file: Path) -> None:
    with opened(file) as page:
        page.clock.install()
        page.get_by_role("button", name="Play").click()
        assert marked(page) == {"0"}
        page.clock.run_for(1600)
        assert marked(page) == {"1"}
        page.get_by_role("button", name="Pause").click()
        page.clock.run_for(5000)
        assert marked(page) == {"1"}


def test_nothing_moves_by_itself_and_nothing_fades_where_less_motion_is_wanted(file: Path) -> None:
    with opened(file) as page:
        page.clock.install()
        page.clock.run_for(5000)
        assert marked(page) == set()
        page.emulate_media(reduced_motion="reduce")
        rect = page.locator("svg .tap rect").first
        assert rect.evaluate("each => getComputedStyle(each).transitionDuration") == "0s"


def test_keys_scroll_where_a_picture_has_the_focus(file: Path) -> None:
    with opened(file) as page:
        page.locator(".scroll").first.focus()
        page.keyboard.press("ArrowRight")
        assert marked(page) == set()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [400, 1280])
def test_axe_has_nothing_against_it(file: Path, scheme: Scheme, width: int) -> None:
    with opened(file, scheme=scheme, width=width) as page:
        for details in page.locator("details").all():
            details.evaluate("each => { each.open = true; }")
        assert violations(page) == []
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(300)
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_case_without_a_picture_says_so_and_has_no_buttons(tmp_path: Path) -> None:
    file = tmp_path / "none.html"
    write_pictures(Case("conv1d", (1, 0, 4), 1, 2), html=file)
    with opened(file) as page:
        expect(page.locator(".note")).to_contain_text("left out")
        assert page.locator("#steps").count() == 0


def test_the_picture_opens_alone(tmp_path: Path) -> None:
    file = tmp_path / "picture.svg"
    write_pictures(CASE, svg=file)
    with opened(file) as page:
        assert page.evaluate("document.documentElement.nodeName") == "svg"
