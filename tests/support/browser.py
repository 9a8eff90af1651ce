"""A page opened from disk in headless Chromium, which fails where it says or asks for anything."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NONE = "there is no Chromium (Debian's package is chromium): pages are not opened in a browser"

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason=NONE)


@functools.cache
def browser() -> Browser:
    """The one browser of this process, which ends with it."""
    return sync_playwright().start().chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


@contextmanager
def opened(file: Path, *, address: str = "", scheme: Scheme = "light", width: int = 1280) -> Iterator[Page]:
    """Open a file, and wait until nothing of it is busy.

    At the end it must have asked for nothing else, and have said nothing on the console.

    Args:
        file: of HTML or SVG.
        address: behind its "#".
        scheme: which colours the system prefers.
        width: of the window, in CSS pixels.
    """
    context = browser().new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    said: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    url = file.as_uri()
    page.on("request", lambda asked: None if asked.url.partition("#")[0] == url else said.append(asked.url))
    page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
    try:
        page.goto(f"{url}#{quote(address, safe='=')}" if address else url)
        expect(page.locator("[aria-busy=true]")).to_have_count(0)
        yield page
    finally:
        context.close()
    assert said == []


def violations(page: Page) -> list[str]:
    """Return what axe-core has against a page by the rules of WCAG 2.2, A and AA."""
    wanted = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    found: dict[str, Any] = Axe().run(page, options=wanted).response
    return [
        f"{rule['id']}: {rule['help']}: {node['html'][:200]}: {node.get('failureSummary')}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
