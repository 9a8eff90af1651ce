"""A finding as a draft of an entry for a file of known differences."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from packaging.version import Version

from parity.cases.condition import axis_quantities, quantities
from parity.frameworks.interface import Framework
from parity.frameworks.known.machine import Machine
from parity.fuzz.finding import Finding
from parity.fuzz.script import spelling_of

_SIMPLEST: Mapping[str, object] = {
    "values": "integers",
    "padding": "explicit",
    "padding_mode": "zeros",
    "bias": False,
    "empty": False,
    "batch": 1,
    "channels": 1,
    "filters": 1,
    "groups": 1,
    "size": 1,
    "kernel": 1,
    "stride": 1,
    "dilation": 1,
    "output_padding": None,
    "before": 0,
    "after": 0,
    "idle": False,
}
"""Of a quantity that was made as simple as it gets, nothing need be said: a case shows it whatever it is."""

_ANY = {"kernel": {"min": 1}}
"""The condition that every axis meets."""


def draft_entry(finding: Finding, adapter: Framework, found: str) -> str | None:
    """Write the entry as TOML, about cases at least as large as the smallest in all that stayed.

    Args:
        finding: what it is about.
        adapter: of its framework.
        found: how it was found.

    Returns:
        None where a layer computes what its rules say it refuses: the rules are wrong, and no entry helps.
    """
    cause, result = finding.cause, finding.result
    if result.relation == "identical":
        return None
    backend, _, backend_version = (result.backend or "").partition(" ")
    seen: dict[str, Any] = {"relation": [cause.relation], "error": [cause.error]}
    of_status = {"ok": "relation", "rejected": "error"}.get(result.status)
    keys: dict[str, Any] = {
        "name": "-".join(re.findall("[a-z0-9]+", f"{cause} {' '.join(finding.dtypes)}".lower())),
        "framework": cause.framework,
        "version": _only(result.version),
        **({"backend": backend} if backend else {}),
        **({"backend_version": _only(backend_version)} if backend_version else {}),
        "why": f"a draft, to be explained: {result.error or result.reason}",
        "found": found,
        "example": finding.case.command,
        "spelling": [cause.spelling],
        **({"output": [cause.output]} if cause.output != "value" else {}),
        "certain": False,
        **{f"case.{key}": allowed for key, allowed in _condition(finding, adapter).items()},
        **{f"machine.{key}": value for key, value in machine_of(finding).items()},
        "seen.status": result.status,
        **({f"seen.{of_status}": seen[of_status]} if of_status else {}),
    }
    lines = [f"{key} = {toml_value(value)}" for key, value in keys.items()]
    if finding.tried is not None:
        first = next(place for place, key in enumerate(keys) if key.startswith(("machine.", "seen.")))
        lines[first:first] = [f"# {line}" for line in finding.tried.words]
    return "\n".join(("[[divergence]]", *lines))


def machine_of(finding: Finding) -> dict[str, Any]:
    """Return the condition on the machine, as far as it is known, without what it leaves open."""
    machine = Machine()
    if finding.tried is not None:
        machine = finding.tried.machine
    elif finding.result.version:  # of a framework, and no user's function
        machine = Machine(architecture=(platform.machine().lower(),))
    return {key: value for key, value in msgspec.to_builtins(machine).items() if value}


def _condition(finding: Finding, adapter: Framework) -> dict[str, Any]:
    """Return what the case and the layer's own meaning have in common that is not at its simplest."""
    cases = (finding.case, spelling_of(finding, adapter).meaning)
    own = _notable(*map(quantities, cases))
    axes = [_notable(*pair) or _ANY for pair in zip(*map(axis_quantities, cases), strict=True)]
    while axes and axes[0] == _ANY:
        del axes[0]
    return {
        "op": finding.case.op,
        "dtype": finding.dtypes,
        **own,
        **({"last_axes": axes} if axes else {}),
    }


def _notable(quantity: Mapping[str, Any], meant: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is to be said of the quantities that are the same in both, and not at their simplest."""
    return {
        key: _at_least(key, value) if type(value) is int else value
        for key, value in quantity.items()
        if meant[key] == value and value != _SIMPLEST.get(key, value)
    }


def _at_least(key: str, value: int) -> int | dict[str, int]:
    """Return the values from this one on, away from 0; a size of 0 is no size like others."""
    if not value and _SIMPLEST.get(key) == 1:
        return 0
    return {"min": value} if value >= 0 else {"max": value}


def _only(version: str | None) -> str:
    return f"=={Version(version).public}" if version else ""


def toml_value(value: object) -> str:
    """Write a value of an entry as TOML has it."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {toml_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)  # of a text, a bool and an int, TOML writes the same
