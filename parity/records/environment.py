"""What a sweep ran in, as its header has it: versions, switches, the machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from parity.records.header import Header

_NO_PART = ("kind", "schema", "started")
"""Of a header: what it is, and when it was written; neither has a hand in a result."""

MACHINES = "machines"
"""The part that says which machines of a cluster there were."""

_FRAMEWORKS = "frameworks."
_SWITCHES = "switches."


class Moved(NamedTuple):
    """A part of the environment that differs; None where it is not recorded."""

    part: str
    old: str | None
    new: str | None

    @property
    def words(self) -> str:
        """What the part is, where its name does not say so."""
        for pattern, words in _WORDS.items():
            found = re.fullmatch(pattern, self.part)
            if found:
                return f"{words} {found[1]}"
        return self.part

    @property
    def before(self) -> str:
        """What it was, for people to read."""
        return _shown(self.old)

    @property
    def after(self) -> str:
        """What it is, likewise."""
        return _shown(self.new)


_WORDS = {
    r"divergences\.(.+)": "the content of --divergences",
    r"switches\.(.+:.+)\.source": "the source of",
    r"switches\.(.+:.+)\.gradient_source": "the source of the gradients of",
    r"switches\.(.+:.+)\.mode": "the mode of",
}
"""What parts of these names are, each with the name of whose it is."""

_DIGITS = 12
"""As many of a hash tell it from another one."""


def _shown(value: str | None) -> str:
    if value is None:
        return "not recorded"
    return re.sub(rf"(sha256:[0-9a-f]{{{_DIGITS}}})[0-9a-f]+", r"\1…", value)


def environment(header: Header) -> dict[str, str]:
    """Return the parts of the environment by name, such as "python" or "flags.KERAS_BACKEND"."""
    found: dict[str, str] = {}
    for key, value in msgspec.to_builtins(header).items():
        if key == "frameworks":
            found |= {f"{_FRAMEWORKS}{each['framework']}": _version(each) for each in value}
            found |= {
                f"{_SWITCHES}{each['framework']}.{name}": _text(switch)
                for each in value
                for name, switch in (each.get("switches") or {}).items()
            }
        elif key == MACHINES:
            found[key] = "; ".join(sorted({each.machine.kind for each in header.machines or ()}))
        elif isinstance(value, dict):
            found |= {f"{key}.{name}": _text(inner) for name, inner in value.items()}
        elif key not in _NO_PART:
            found[key] = _text(value)
    return found


def compare_environments(old: Header, new: Header) -> list[Moved]:
    """Return the parts in which two headers differ, by name; a framework counts where both have it."""
    before, after = environment(old), environment(new)
    moved = [Moved(part, before.get(part), after.get(part)) for part in sorted({*before, *after})]
    return [
        each
        for each in moved
        if each.old != each.new and not (each.part.startswith((_FRAMEWORKS, _SWITCHES)) and None in each)
    ]


def _version(framework: Mapping[str, Any]) -> str:
    parts = (framework.get("version"), framework.get("backend"))
    return ", ".join(str(part) for part in parts if part) or "no version"


def _text(value: object) -> str:
    if value is None:
        return "not set"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
