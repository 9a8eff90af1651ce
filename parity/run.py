"""One case through all frameworks."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from typing import Any

import numpy as np

from parity.adapters import Adapter, adapter, installed
from parity.case import Case
from parity.implementation import Implementation
from parity.judge import explain, predict
from parity.record import CaseResult, Result
from parity.relation import Reference, make_reference, observe
from parity.spelling import Spelling, Unsupported
from parity.tolerance import Mode
from parity.values import Array, Arrays, draw_arrays, numpy_dtype

_LONGEST_TEXT = 400
_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;]*m")


def run(
    case: Case, frameworks: Sequence[str] | None = None, *, impl: Callable[..., Any] | None = None
) -> CaseResult:
    """Run one case through the frameworks and compare every result with the NumPy core's.

    Args:
        case: what to run.
        frameworks: their names; None for all that are installed.
        impl: a function with convmm's signature, to be compared beside them.

    Raises:
        FrameworkError: an unknown framework, or one that is not installed.
        CaseError: the arrays do not fit in memory.
    """
    return run_with(case, contestants(frameworks, impl))


def contestants(frameworks: Sequence[str] | None, impl: Callable[..., Any] | None = None) -> list[Adapter]:
    """The adapters of these frameworks (None: of all that are installed), and of the function.

    Raises:
        FrameworkError: an unknown framework, or one that is not installed.
    """
    found: list[Adapter] = [adapter(name) for name in (installed() if frameworks is None else frameworks)]
    return found if impl is None else [*found, Implementation(impl)]


def run_with(case: Case, adapters: Iterable[Adapter]) -> CaseResult:
    """As :func:`run`, with adapters that are at hand."""
    arrays = draw_arrays(case)
    reference = make_reference(case, arrays)
    results = [
        _result(found, spelling, arrays, reference) for found in adapters for spelling in found.spell(case)
    ]
    return CaseResult(case, reference.y, tuple(results))


def _result(found: Adapter, spelling: Spelling | Unsupported, arrays: Arrays, reference: Reference) -> Result:
    about: dict[str, Any] = {
        "framework": found.NAME,
        "version": found.version(),
        "backend": found.backend(),
    }
    if isinstance(spelling, Unsupported):
        return Result(
            **about,
            spelling="native",
            layer=None,
            status="unsupported",
            predicted="unsupported",
            explained=True,
            reason=spelling.reason,
        )
    about |= {
        "spelling": spelling.kind,
        "layer": str(spelling.layer),
        "predicted": predict(spelling, reference.case),
    }
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with redirect_stdout(sys.stderr):  # stdout is for results
                found.load()
                given = arrays.copies()
                output = found.call(spelling.layer.call(), spelling.convert(given.weights), given.x)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it raises is what is recorded
            return _rejected(about, spelling, error)
    about["warnings"] = tuple(dict.fromkeys(_one_line(each.message) for each in caught))
    wrong = _wrong_kind(output, reference.case.dtype) or _wrong_manners(given, arrays)
    if wrong:
        return Result(**about, status="invalid", error=wrong, reason=wrong)
    own = np.array(output)  # a plain array that nothing else writes to
    return _computed(about, spelling, own, reference, found.mode(reference.case.dtype))


def _rejected(about: dict[str, Any], spelling: Spelling, error: BaseException) -> Result:
    refusal = spelling.refusal
    foreseen = refusal is not None and type(error).__name__ in refusal.errors
    return Result(
        **about,
        status="rejected",
        error=_describe(error),
        relation="rejected",
        explained=foreseen,
        reason=refusal.reason
        if refusal and foreseen
        else "it raised, and its rules do not say that it would",
    )


def _computed(
    about: dict[str, Any], spelling: Spelling, output: Array, reference: Reference, mode: Mode
) -> Result:
    observation = observe(output, reference, mode)
    comparison = observation.comparison
    explained, reason = explain(spelling, output, observation, reference, mode)
    return Result(
        **about,
        status="ok",
        shape=output.shape,
        shape_equal=comparison.shape_equal,
        allclose=comparison.allclose,
        exact=comparison.exact,
        max_abs_error=comparison.max_abs_error,
        bound_ratio=observation.bound_ratio,
        relation=observation.relation,
        offset=observation.offsets[0] if observation.offsets else None,
        explained=explained,
        reason=reason,
        array=output,
    )


def _wrong_kind(output: object, dtype: str) -> str | None:
    if not isinstance(output, np.ndarray):
        return f"it returned no array but {type(output).__name__}"
    if output.dtype != numpy_dtype(dtype):
        return f"it returned dtype {output.dtype}, and the case's is {dtype}"
    return None


def _wrong_manners(given: Arrays, arrays: Arrays) -> str | None:
    """What it did to the arrays that it was given."""
    pairs = zip(Arrays._fields, given, arrays, strict=True)
    changed = [name for name, a, b in pairs if a is not None and b is not None and a.tobytes() != b.tobytes()]
    return f"it changed {' and '.join(changed)}, which it was given to read" if changed else None


def _one_line(message: object) -> str:
    text = " ".join(_TERMINAL_CODES.sub("", str(message)).split())
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + " …"


def _describe(error: BaseException) -> str:
    short = _one_line(error)
    return f"{type(error).__name__}: {short}" if short else type(error).__name__
