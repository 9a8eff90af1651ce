"""What becomes of each layer class, as rows of a table in Markdown."""

from __future__ import annotations

import re

from parity.cases.errors import InputError
from parity.frameworks.known.registry import layers_of
from parity.frameworks.spelling import Spelling
from parity.translation.translator import Draft, draft, translate
from tests.support.layer_classes import Example

HEAD = ("| class | as in | run and swept by | translated |", "|---|---|---|---|")
TARGETS = ("torch", "keras")


def row(each: Example) -> str:
    """A class, its example, who runs a case of it by this very class, and what it is translated to."""
    found = [cell.replace("|", "\\|") for cell in (run_by(each), translated(each))]
    return " ".join((begun(each), *(f"{cell} |" for cell in found)))


def begun(each: Example) -> str:
    """The first cells of a row, for which nothing is tried."""
    shape = f", with a kernel {'x'.join(map(str, each.kernel_shape))}" if each.kernel_shape else ""
    return f"| `{each.path}` | `{each.line}`{shape} |"


def run_by(each: Example) -> str:
    """The frameworks, with their routes, of which a layer of this class is a spelling of the case."""
    found = drafted(each)
    if not isinstance(found, Draft):
        return ""
    source, case = found.source, found.cases[0]
    name = re.compile(rf"\.{re.escape(each.path.partition('.')[2])}\b")  # however its package is imported
    by = [
        framework.name
        for framework in (source, *source.routes.values())
        if framework.why_unavailable() is None
        and any(isinstance(s, Spelling) and name.search(repr(s.layer)) for s in layers_of(framework, case))
    ]
    if by:
        return f"`{by[0]}`"
    natives = (s for s in layers_of(source, case) if isinstance(s, Spelling) and s.kind != "lookalike")
    paths = (re.search(r"[a-z]\w*(\.\w+)+", repr(native.layer)) for native in natives)
    return next((f"`{source.name}`, as `{path[0]}`" for path in paths if path), "")


def drafted(each: Example) -> object:
    """The translation to the first framework that has one, before it is proved; None where none has."""
    for target in TARGETS:
        try:
            return draft(each.line, target, each.input, kernel_shape=each.kernel_shape)
        except InputError:
            continue
    return None


def translated(each: Example) -> str:
    """What each target makes of the line, proved; or the sentence that refuses it."""
    own = each.path.partition(".")[0]
    said = {target: outcome(each, target) for target in TARGETS if target != own}
    if len(set(said.values())) == 1:
        (only,) = set(said.values())
        return only if only.startswith("refused") else f"{', '.join(said)}: {only}"
    return "; ".join(f"{target}: {text}" for target, text in said.items())


def outcome(each: Example, target: str) -> str:
    """How one target has it, or why not."""
    try:
        found = translate(each.line, target, each.input, kernel_shape=each.kernel_shape)
    except InputError as error:
        return f"refused: {sentence(str(error))}"
    return found.spelling if found.verified else f"{found.spelling}, not verified"


def sentence(message: str) -> str:
    """A message without the line that it is about, and without all that is known beside it."""
    whole = message.rpartition(", in ")[0] or message
    shorter = re.sub(r"( known| read): (known|allowed)( of [\w.]+)? are .*", r"\1", whole)
    return shorter.replace("→", "").replace("←", "")
