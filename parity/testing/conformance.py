"""The conformance kit: what everybody relies on of a framework, checked on cases that are drawn."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial

from parity.cases.case import DTYPES, Case
from parity.frameworks.distributions import check_hypothesis
from parity.frameworks.interface import Framework
from parity.frameworks.known.divergences import Divergence
from parity.frameworks.known.registry import layers_of
from parity.frameworks.spelling import Mistaken, Spelling, Unsupported, windows_agree
from parity.frameworks.table import FrameworkError
from parity.records.counts import Report
from parity.records.result import CaseResult
from parity.running import run_all
from parity.workers.workers import Workers

_MOST_SHOWN = 5


def check_framework(
    framework: Framework,
    *,
    cases: int = 300,
    seed: str = "0",
    divergences: Sequence[Divergence] = (),
    timeout: float = 120.0,
) -> None:
    """Assert that a framework is what :class:`parity.frameworks.interface.Framework` says it has to be.

    Checked are, in this order: its name and what it says of its installation; that it is equal to what
    another process makes of it; its layers for each case, which have to be told apart by their kind and
    variant, mean what their kind says, and be the same when it is asked again; that none of what its layers
    import is imported to answer; and that in a process of its own each layer does what is
    predicted: the windows, the refusals, and the gradients where it has any, these of cases without sizes
    of 0.

    Args:
        framework: to be checked; what it needs has to be installed.
        cases: how many are drawn, over all operations, dtypes and paddings, with and without a bias.
        seed: they are drawn from: the same ones for the same seed and version of hypothesis.
        divergences: known differences beside the built-in ones.
        timeout: seconds that a layer may take.

    Raises:
        AssertionError: one of these does not hold; the message says which, for which case, and how to see it.
        FrameworkError: it cannot be used here.
        MissingError: hypothesis is not installed.
    """
    check_hypothesis("check_framework draws its cases: it")
    _check_installation(framework)
    usual, zeros = _drawn(framework, cases, seed)
    for case in (*usual, *zeros):
        _check_layers(framework, case, divergences)
    _check_imports(framework, (*usual, *zeros))
    has_gradients = framework.why_no_gradients() is None
    with Workers([framework], timeout=timeout) as workers:
        run = partial(
            run_all,
            adapters=[framework],
            submit=workers.submit,
            ahead=workers.ahead,
            divergences=divergences,
        )
        _check_results(framework, (*run(usual, grad=has_gradients), *run(zeros)))


def _drawn(framework: Framework, count: int, seed: str) -> tuple[list[Case], list[Case]]:
    """Draw cases, one in five of them with sizes that may be 0.

    Of the others every second is one that it computes, if it computes any: a framework of one dtype may
    otherwise be asked for none.
    """
    from parity.strategies.cases import cases as cases_of  # noqa: PLC0415 - it imports hypothesis
    from parity.strategies.draw import draw  # noqa: PLC0415 - the same

    few = -(-count // 5)
    usual = cases_of(dtypes=DTYPES, values=("integers", "normal"))
    zeros = cases_of(min_batch=0, min_channels=0, min_filters=0, min_size=0, allow_empty=True)
    computed = usual.filter(partial(_computes, framework))
    half = (count - few) // 2
    parts = (draw(usual, seed, count - few - half), draw(computed, f"{seed} computed", half))
    drawn = dict.fromkeys(case for part in parts for case, _ in part)
    return list(drawn), [case for case, _ in draw(zeros, seed, few)]


def _computes(framework: Framework, case: Case) -> bool:
    """Return whether it has a layer for a case and does not refuse it."""
    layers = layers_of(framework, case)
    return any(isinstance(each, Spelling) and each.refusal is None for each in layers)


def _check_installation(framework: Framework) -> None:
    """Check who it says that it is."""
    if not isinstance(framework, Framework):
        raise FrameworkError(f"framework={framework!r}: allowed is a parity.frameworks.interface.Framework")
    name = framework.name
    if not name or set(name) & set(",: "):
        raise AssertionError(f"name={name!r}: allowed is a text without ',', ':' and spaces")
    missing = framework.why_unavailable()
    if missing is not None:
        raise FrameworkError(f"framework {name!r} {missing}")
    for what in ("version", "backend", "extra"):
        said = framework.extra if what == "extra" else getattr(framework, what)()
        if said is not None and not isinstance(said, str):
            raise AssertionError(f"{name}: {what} is {said!r}: allowed is a text or None")
    again = pickle.loads(pickle.dumps(framework))  # noqa: S301 - what was dumped a moment ago
    if again != framework or hash(again) != hash(framework):
        raise AssertionError(f"{name}: what another process makes of it is not equal to it: {again!r}")
    for route, other in framework.routes.items():
        if other.name != f"{name}+{route}":
            raise AssertionError(f"{name}: its route {route!r} has the name {other.name!r}")


def _check_layers(framework: Framework, case: Case, divergences: Sequence[Divergence]) -> None:
    """Check what it says that its layers for a case are."""
    layers = layers_of(framework, case, divergences)
    about = f"{framework.name}: {case.command}"
    first = layers[0]
    if isinstance(first, Mistaken):
        raise AssertionError(f"{about}: {first.reason}")  # noqa: TRY004 - what is asserted does not hold
    kind = first.kind if isinstance(first, Spelling) else "native"
    if kind != "native":
        raise AssertionError(f"{about}: its first layer is {kind}: allowed is native, or Unsupported")
    spelled = [each for each in layers if isinstance(each, Spelling)]
    if len(layers) - len(spelled) > 1 or any(isinstance(each, Unsupported) for each in layers[1:]):
        raise AssertionError(f"{about}: allowed is one Unsupported, in the place of a native layer")
    labels = Counter((each.kind, each.variant) for each in spelled)
    for label, count in labels.items():
        if count > 1:
            raise AssertionError(f"{about}: {count} layers are {label}: allowed is one of each variant")
    for each in spelled:
        same = windows_agree(case, each.meaning) and not each.flips
        if same != (each.kind != "lookalike") and not _is_alike(case, each):
            raise AssertionError(f"{about}: a layer that is {each.kind} computes {each.meaning.command}")
    if layers_of(framework, case, divergences) != layers:
        raise AssertionError(f"{about}: its layers are others when it is asked again")


def _is_alike(case: Case, spelling: Spelling) -> bool:
    """Return whether a lookalike differs in nothing but a flip that a kernel of one tap does not show."""
    return spelling.kind == "lookalike" and spelling.flips and max(case.kernel) == 1


_ASK = """\
import pickle, sys
framework, cases = pickle.loads(sys.stdin.buffer.read())
from parity.frameworks.known.registry import layers_of
from parity.frameworks.spelling import Spelling
framework.why_unavailable(), framework.version(), framework.backend()
layers = [each for case in cases for each in layers_of(framework, case) if isinstance(each, Spelling)]
found = {module.partition(".")[0] for each in layers for module in each.layer.imports}
own = type(framework).__module__.partition(".")[0]
print(*sorted(found.intersection(sys.modules) - {own, "convmm", "functools", "builtins", "numpy"}))
"""
"""Prints which modules that layers import are imported in a process that was only asked for the layers."""


def _check_imports(framework: Framework, cases: Sequence[Case]) -> None:
    asked = pickle.dumps((framework, list(cases)))
    command = [sys.executable, "-c", _ASK]
    ended = subprocess.run(command, input=asked, capture_output=True, check=False)
    if ended.returncode:
        said = ended.stderr.decode(errors="replace").strip()
        raise AssertionError(f"{framework.name}: it cannot be asked in another process: {said}")
    early = ended.stdout.decode().split()
    if early:
        raise AssertionError(f"{framework.name}: to say its layers it imports {', '.join(early)}")


def _check_results(framework: Framework, run: Iterable[CaseResult]) -> None:
    """Check that each layer did what was predicted of it, and that something was compared."""
    counted = Report(found.record for found in run)
    wrong = counted.unexplained
    if wrong:
        shown = "\n".join(
            f"{each.result}: {each.reason}\n    $ {each.command}" for each in wrong[:_MOST_SHOWN]
        )
        raise AssertionError(f"{framework.name}: {len(wrong)} results are not what was predicted:\n{shown}")
    if not counted.comparisons and not framework.is_oracle:
        raise AssertionError(f"{framework.name}: of all the cases it computed none that can be compared")
