"""Templates of Jinja2 in a package's folder ``templates``: every value is shown as the text that it is."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import resources

import jinja2
from markupsafe import Markup

from parity.cases.printable import printable


def render(package: str, name: str, values: Mapping[str, object]) -> str:
    """Fill in a template; what it is given is text, however it looks.

    Args:
        package: whose folder ``templates`` has the template, such as "parity.page".
        name: of its file.
        values: by the name that the template calls them. One that it names and is not there is an error.
    """
    return _environment(package).get_template(name).render(values)


@functools.cache
def _environment(package: str) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=True,
        finalize=_shown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shown(value: object) -> object:
    """Write what cannot be seen in a text as an escape, such as a mark that turns the text behind it."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@functools.cache
def theme() -> Markup:
    """Return the style sheet of the colours, light and dark, for a page's ``<style>``."""
    return Markup(resources.files(__package__).joinpath("theme.css").read_text(encoding="utf-8"))  # noqa: S704 - ours
