"""The findings: a page for each known difference, with a script that shows it and a report of it.

``python docs/findings/write.py`` writes the pages in ``known`` from the file of known differences and from
``seen.json``, what the scripts said. With ``--run`` it runs those first that fit this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from parity.cases.case import Case
from parity.cases.condition import meets
from parity.frameworks.interface import Framework, refuses_nothing
from parity.frameworks.known.divergences import Divergence
from parity.frameworks.known.machine import cpu_flags
from parity.frameworks.known.registry import built_in
from parity.frameworks.padding_modes import exact_by_mode, layers_by_mode
from parity.frameworks.precision import accumulator_unknown
from parity.frameworks.routes.stages import EVERYWHERE
from parity.frameworks.spelling import Spelling
from parity.frameworks.table import all_frameworks
from parity.fuzz.entry import toml_value
from parity.fuzz.script import standalone
from parity.markup.markdown import code, fenced, plain

HERE = Path(__file__).parent
PAGES, SEEN = HERE / "known", HERE / "seen.json"
SECONDS = 300
"""That a script may take; compilers take tens of them."""
MOST_LINES, WIDTH = 4, 200
"""What is kept of an exception's message."""

MACHINES_OWN = re.compile(r"/[^\s:]*/(?=site-packages/)|/tmp/[^\s/]+/?")
"""What of a path in a message is the machine's own."""

TRACKERS = {
    "keras": "https://github.com/keras-team/keras/issues",
    "keras-on-jax": "https://github.com/openxla/xla/issues",
    "litert": "https://github.com/google-ai-edge/LiteRT/issues",
    "litert-conv3d": "https://github.com/tensorflow/tensorflow/issues",
    "mlx": "https://github.com/ml-explore/mlx/issues",
    "onnx-reference": "https://github.com/onnx/onnx/issues",
    "onnxruntime": "https://github.com/microsoft/onnxruntime/issues",
    "opencv": "https://github.com/opencv/opencv/issues",
    "openvino": "https://github.com/openvinotoolkit/openvino/issues",
    "tensorflow": "https://github.com/tensorflow/tensorflow/issues",
    "tensorflow-channels-first-bias": "https://github.com/keras-team/keras/issues",
    "tf2onnx": "https://github.com/onnx/tensorflow-onnx/issues",
    "tinygrad": "https://github.com/tinygrad/tinygrad/issues",
    "torch": "https://github.com/pytorch/pytorch/issues",
    "tract": "https://github.com/sonos/tract/issues",
    "xla": "https://github.com/openxla/xla/issues",
}
"""Where reports go, by how the names of the entries begin; the longest holds."""

OUTPUTS = {
    "value": "output",
    "input_grad": "gradient by the input",
    "weight_grad": "gradient by the kernel",
    "bias_grad": "gradient by the bias",
}

Seen = Mapping[str, Any]
"""What a script said: "ended", its last line or how its process ended, and "with", versions and processor."""


def main() -> None:
    """Write the pages, of the scripts that fit here after they have been run, if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", nargs="*", metavar="NAME", help="run the scripts of these, or of all")
    names = parser.parse_args().run
    seen: dict[str, Seen] = json.loads(SEEN.read_text(encoding="utf-8")) if SEEN.exists() else {}
    for entry in built_in() if names is not None else ():
        if (not names or entry.name in names) and fits(entry):
            done = run(script(entry))
            print(f"{entry.name}: {ended(done)}", file=sys.stderr)  # noqa: T201 - how far it is
            if shows(entry, done):
                seen[entry.name] = {"ended": ended(done), "with": here(entry)}
    kept = {entry.name: seen[entry.name] for entry in built_in() if entry.name in seen}
    SEEN.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGES.mkdir(exist_ok=True)
    written = pages(kept)
    for file in PAGES.glob("*.md"):
        if file.name not in written:
            file.unlink()
    for name, text in written.items():
        (PAGES / name).write_text(text, encoding="utf-8")


# The scripts


def subject(entry: Divergence) -> tuple[Framework, Spelling]:
    """Return the layer of an entry's example, and its framework: the first that the entry is about."""
    case = Case.from_command(entry.example)
    named = {framework.name: framework for framework in _routed(all_frameworks())}
    for framework in (named[name] for name in entry.frameworks):
        layers = [*layers_by_mode(framework, case, refuses_nothing), *exact_by_mode(framework, case)]
        own = [each for each in layers if isinstance(each, Spelling) and _is_of(entry, each)]
        if own:  # the rules refuse some, and what is known beside them is of the others
            return framework, min(own, key=lambda each: each.refusal is not None)
    raise LookupError(f"{entry.name}: no layer of its example is what it is about")


def _is_of(entry: Divergence, layer: Spelling) -> bool:
    variant = not entry.variant or layer.variant in entry.variant
    return variant and layer.kind in entry.spelling and meets(layer.meaning, entry.case)


def _routed(frameworks: Sequence[Framework]) -> Iterator[Framework]:
    for framework in frameworks:
        yield framework
        yield from _routed(list(framework.routes.values()))


def script(entry: Divergence) -> str:
    """Write the script that shows the difference, with the framework and NumPy alone."""
    case = Case.from_command(entry.example)
    variables = environment(entry)
    with _with_environment(variables):  # Keras's code is another on each backend
        framework, layer = subject(entry)
        text = standalone(
            case,
            layer,
            entry.output[0],
            framework,
            accumulator_unknown(case.dtype),
            [title(entry)],
            environment=variables,
        )
    if text is None:
        raise LookupError(f"{entry.name}: {framework.name} has no code for its gradients")
    return text


def environment(entry: Divergence) -> dict[str, str]:
    """Return the variables that a script has to set: those of which the entry names no absence."""
    named = entry.machine.environment
    variables = {name: values[0] for name, values in named.items() if "" not in values}
    if any(name.startswith("keras") for name in entry.frameworks):
        backends = ("tensorflow", "jax", "torch", "openvino")
        routed = not any(name in ("keras", "keras+channels_first") for name in entry.frameworks)
        backend = "tensorflow" if routed or entry.backend not in backends else entry.backend
        variables["KERAS_BACKEND"] = str(backend)
        variables.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # by itself TensorFlow has it on some processors
    if "tinygrad" in entry.frameworks:
        variables["DEV"] = "PYTHON"  # another device has to be there, or a compiler for it
    return variables


@contextmanager
def _with_environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


# Running them


def fits(entry: Divergence) -> bool:
    """Return whether what the entry is about is installed here, and this is such a machine."""
    with _with_environment(environment(entry)):
        framework, _ = subject(entry)
        here = framework.why_unavailable() is None
        return here and entry.concerns(framework.name, framework.version(), framework.backend())


def run(text: str) -> subprocess.CompletedProcess[str]:
    """Run a script, in a process of its own and from a pipe."""
    command = [sys.executable, "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=SECONDS)


def ended(done: subprocess.CompletedProcess[str]) -> str:
    """Return how a script ended: what it raised, in a few lines, or the signal that ended its process."""
    if done.returncode < 0:
        return f"the process ended by {signal.Signals(-done.returncode).name}"
    if not done.returncode:
        return "nothing is wrong" if "expected:" in done.stdout else "the process ended, with exit status 0"
    _, _, trace = done.stderr.rpartition("Traceback (most recent call last):\n")
    lines = re.sub(r"\x1b\[[\d;]*m", "", trace).splitlines()
    raised = next((at for at, line in enumerate(lines) if re.match(r"[\w.]+(:|$)", line)), len(lines))
    told = [line[:WIDTH] for line in lines[raised:] if line.strip()][:MOST_LINES]
    return MACHINES_OWN.sub(".../", "\n".join(told)) or "no traceback"


def shows(entry: Divergence, done: subprocess.CompletedProcess[str]) -> bool:
    """Return whether a script showed the difference that the entry is about."""
    if entry.seen.status == "crashed":
        return done.returncode <= 0 and "expected:" not in done.stdout
    raised, _, said = ended(done).partition(": ")
    of_dtype = said.startswith("it returned dtype")
    of_values = said.startswith(("off by up to", "the shapes differ"))
    if entry.seen.status == "rejected":
        return raised.rpartition(".")[2] in _raised(entry) and not (of_dtype or of_values)
    return raised == "AssertionError" and (of_dtype if entry.seen.status == "invalid" else of_values)


def here(entry: Divergence) -> str:
    """Return with what a script was run: versions, the kind of processor, and its flags that matter."""
    with _with_environment(environment(entry)):
        framework, _ = subject(entry)
        versions = f"{framework.name.partition('+')[0]} {framework.version()}"
        backend = framework.backend()
    notable = {flag for each in built_in() for flag in (*each.machine.cpu, *each.machine.without_cpu)}
    flags = sorted(notable & cpu_flags())
    with_flags = f" with {', '.join(flags)}" if flags else ""
    return f"{versions}{f' on {backend}' if backend else ''}, {platform.machine()}{with_flags}"


# The pages


def pages(seen: Mapping[str, Seen]) -> dict[str, str]:
    """Return each page by its file's name; README.md lists the others."""
    entries = built_in()
    return {"README.md": _listed(entries)} | {
        f"{entry.name}.md": page(entry, entries, seen.get(entry.name)) for entry in entries
    }


def title(entry: Divergence) -> str:
    """Say what is wrong, of what, in one line: a report's title."""
    case, output = Case.from_command(entry.example), entry.output[0]
    name = _layer_name(entry, case)
    what = {
        "rejected": f"raises {' or '.join(_raised(entry))}",
        "crashed": "ends the process",
        "invalid": f"{OUTPUTS[output]} of another dtype",
    }.get(entry.seen.status, f"wrong {OUTPUTS[output]}")
    if entry.seen.relation == ("empty",):
        what = f"{OUTPUTS[output]} of a wrong size"
    beside = [case.dtype]
    if entry.backend and name.startswith("keras"):
        beside.insert(0, f"on {entry.backend}")
    if output != "value" and entry.seen.status in {"rejected", "crashed"}:
        beside.append(OUTPUTS[output])
    return f"{name}: {what} ({', '.join(beside)})"


def _layer_name(entry: Divergence, case: Case) -> str:
    """Return the dotted name of the layer or function; of a node of ONNX, its type and who runs it."""
    framework, layer = subject(entry)
    call = re.search(r"[\w.]*\.(?:[Cc]onv|Depthwise)\w*", str(layer.layer))
    if call is not None:
        return call.group()
    return f"{'ConvTranspose' if case.transposed else 'Conv'} in {framework.name}"


def _raised(entry: Divergence) -> list[str]:
    """Return the classes that are raised, without the stages that a route names them by."""
    stages = "|".join(EVERYWHERE)
    return [re.sub(rf"In(?:{stages})$", "", name) for name in entry.seen.error]


def _listed(entries: Sequence[Divergence]) -> str:
    lines = [
        "# Known differences",
        "",
        "What versions of frameworks do although, by their own rules, they would not. Each page begins with",
        "a report: what happens and where, and a script that shows it with the framework and NumPy alone.",
        "Below its line stands what this project knows beside that. The pages are written by",
        "`docs/findings/write.py`, from `parity/frameworks/known/divergences.toml` and from what the scripts",
        "said where they were run. [The history of Keras](../keras-history.md) tells what releases changed.",
        "",
        "| finding | what happens | reported |",
        "|---|---|---|",
    ]
    for entry in sorted(entries, key=lambda each: each.name):
        reported = f"[yes]({entry.source})" if _is_reported(entry) else "ready to be sent"
        lines.append(f"| [{entry.name}]({entry.name}.md) | {plain(title(entry))} | {reported} |")
    # Of the site: the pages stand below this one.
    return "\n".join([*lines, "", "```{toctree}", ":hidden:", ":glob:", "", "*", "```", ""])


LINE = "\n\n---\n\n"
"""Between a report and what is no part of it."""


def page(entry: Divergence, entries: Sequence[Divergence], seen: Seen | None) -> str:
    """Write the page of an entry; ``seen`` is what its script said, if it has been run."""
    return report(entry, seen) + LINE + "\n\n".join(_beside(entry, entries, seen)) + "\n"


def report(entry: Divergence, seen: Seen | None) -> str:
    """Write a report to those who make what is wrong, who know nothing of this project."""
    due = {
        "rejected": "The output that the definition gives: the script computes it by loops.",
        "crashed": "An output, or an exception that says what is not supported; the process goes on.",
        "invalid": "An output of the dtype that was asked for.",
    }.get(entry.seen.status, "What the operation's definition gives: the script computes it by loops.")
    happens = [plain(_sentence(_without_names(entry.why)))]
    where = [_versions(entry), *_machine(entry)]
    if seen is not None:
        happens += ["The script below ends so:", fenced(seen["ended"], "text")]
        where.append(f"run with {plain(seen['with'])}")
    return "\n\n".join(
        (
            f"# {plain(title(entry))}",
            *happens,
            f"**What is due:** {due}",
            f"**How often:** {plain(_how_often(entry))}.",
            "**Where:**",
            "\n".join(f"- {each}" for each in where),
            "**A script that shows it:**",
            fenced(script(entry), "python"),
        )
    )


_USUAL = {"KERAS_BACKEND": "tensorflow", "TF_ENABLE_ONEDNN_OPTS": "1", "DEV": "PYTHON"}
"""What a command sets by itself."""


def _beside(entry: Divergence, entries: Sequence[Divergence], seen: Seen | None) -> Iterator[str]:
    """Say what is no part of the report."""
    yield f"## {entry.name}"
    if _is_reported(entry):
        yield f"Reported: <{entry.source}>."
    else:
        yield f"Not reported yet: what stands above is ready to be sent to <{tracker(entry)}>."
        yield f"Found {plain(entry.source)}."
    yield f"Since: {plain(_since(entry, seen))}."
    if seen is None:
        yield "The script has not been run on such a machine with such versions yet."
    run_as, outputs = ", ".join(map(code, entry.frameworks)), [OUTPUTS[each] for each in entry.output]
    yield f"It is known of {run_as}, in the {_any_of(outputs)}, of cases with"
    yield fenced("\n".join(f"{key} = {toml_value(value)}" for key, value in entry.case.items()), "toml")
    yield "such as"
    variables = dict(sorted(environment(entry).items() - _USUAL.items()))
    settings = "".join(f"{name}={value} " for name, value in variables.items())
    yield fenced(f"{settings}{entry.example} --frameworks {entry.frameworks[0]}", "sh")
    alike = [other.name for other in entries if other is not entry and _are_alike(entry, other)]
    if alike:
        yield "See also " + ", ".join(f"[{name}]({name}.md)" for name in alike) + "."


def tracker(entry: Divergence) -> str:
    """Return where a report of an entry goes."""
    return TRACKERS[max((begin for begin in TRACKERS if entry.name.startswith(begin)), key=len)]


def _is_reported(entry: Divergence) -> bool:
    return entry.source.startswith("https://")


def _are_alike(entry: Divergence, other: Divergence) -> bool:
    """Return whether two entries are of one cause: one says what the other says, or names it."""
    names = other.name in _words(entry.why + entry.source) or entry.name in _words(other.why + other.source)
    return names or entry.why == other.why or (_is_reported(entry) and entry.source == other.source)


def _words(text: str) -> list[str]:
    return re.findall(r"[\w-]+", text)


def _without_names(text: str) -> str:
    """Return a text without its references to other entries."""
    names = "|".join(sorted((entry.name for entry in built_in()), key=len, reverse=True))
    return re.sub(rf",? as by (?:{names})\b", "", text)


def _sentence(text: str) -> str:
    return f"{text[0].upper() if text.split(maxsplit=1)[0].islower() else text[0]}{text[1:]}."


def _versions(entry: Divergence) -> str:
    own = f"{entry.frameworks[0].partition('+')[0]} {_range(str(entry.version))}"
    return own if entry.backend is None else f"{own}, on {entry.backend} {_range(str(entry.backend_version))}"


def _range(versions: str) -> str:
    return code(", ".join(sorted(versions.split(","), reverse=True))) if versions else "of any version"


def _machine(entry: Divergence) -> Iterator[str]:
    machine = entry.machine
    if machine.architecture:
        yield f"on {_any_of(machine.architecture)}"
    if machine.cpu:
        yield f"on a processor with {', '.join(map(code, machine.cpu))}"
    if machine.without_cpu:
        yield f"on a processor without {', '.join(map(code, machine.without_cpu))}"
    for name, values in machine.environment.items():
        given = ", ".join(code(value) for value in values if value)
        yield f"where {code(name)} is {'not set, or ' if '' in values else ''}one of {given}"


def _any_of(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def _how_often(entry: Divergence) -> str:
    if entry.undecided:
        return f"on some machines: {entry.undecided}"
    return "in all such cases" if entry.certain else "in some such cases, the script's among them"


def _since(entry: Divergence, seen: Seen | None) -> str:
    if entry.since:
        return entry.since
    return f"not known; first seen with {seen['with'].partition(', ')[0]}" if seen else "not known"


if __name__ == "__main__":
    main()
