"""Translations of one layer, which are written and not proved."""

from __future__ import annotations

from typing import Any

from parity.translation.translator import Draft, draft


def layer_draft(expression: str, to: str, *arguments: Any, **options: Any) -> Draft:  # noqa: ANN401 - draft's
    """Write a layer that is no chain in another framework, as :func:`draft` does."""
    written = draft(expression, to, *arguments, **options)
    assert isinstance(written, Draft)
    return written
