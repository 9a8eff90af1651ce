"""A finding, or a layer, as a script in the framework's own terms, which shows it without this project."""

from __future__ import annotations

import math
import pprint
import textwrap
from collections.abc import Iterable, Mapping
from typing import cast

import numpy as np

from parity.cases.arrays import Array, Arrays, limit_of
from parity.cases.case import Case
from parity.cases.values.drawing import draw_arrays
from parity.frameworks.code.format import WIDTH, comment, formatted
from parity.frameworks.code.script import join
from parity.frameworks.interface import Framework
from parity.frameworks.known.registry import layers_of
from parity.frameworks.precision import Mode
from parity.frameworks.spelling import Spelling
from parity.fuzz.definition import definition
from parity.fuzz.finding import Finding
from parity.records.result import Output
from parity.verdict.bounds import largest_errors
from parity.verdict.gradients import Backward, Gradient, make_backward
from parity.verdict.reference import make_reference

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}

_ENVIRONMENT = """\
import os

# One thread, as where it was found: libraries choose their code by it. They read this when they
# are loaded.
os.environ.update(VARIABLES)

"""

_QUIET = 'np.seterr(invalid="ignore")  # what comes of infinities is no accident'

_PRINT = """\
print("computed:", y.shape, y.tolist())
print("expected:", expected.shape, expected.astype(float).tolist())"""

_CHECK_EXACT = """\
assert y.shape == expected.shape, "the shapes differ"
assert np.array_equal(y, expected), (
    f"off by up to {np.abs(y - expected).max()}, and every sum is exact"
)"""

_ROUNDING = "# How far rounding may take each element, by the number and the size of its products."

_CHECK_WITHIN = """\
assert y.shape == expected.shape, "the shapes differ"
same = (y == expected) | (np.isnan(y) & np.isnan(expected)) | np.isinf(rounding)
over = np.isinf(y) & (np.sign(y) == np.sign(expected)) & (np.abs(expected) + rounding >= LARGEST)
error = np.where(same | over, 0, np.abs(y - expected))
assert (error <= rounding).all(), (
    f"off by up to {error.max()}, and rounding allows {rounding.max()}"
)"""


def script(finding: Finding, adapter: Framework) -> str | None:
    """Write the :func:`standalone` script of a finding."""
    spelling, output = spelling_of(finding, adapter), cast("Output", finding.result.output)
    if output == "value":
        mode = spelling.mode or adapter.mode(finding.case)
    else:
        mode = adapter.mode_of_gradients(finding.case)
    # Where it computed the right thing, that is what is wrong.
    wrong = finding.result.reason if finding.result.relation == "identical" else None
    return standalone(finding.case, spelling, output, adapter, mode, _heading(finding), wrong=wrong)


def standalone(
    case: Case,
    spelling: Spelling,
    output: Output,
    adapter: Framework,
    mode: Mode,
    heading: Iterable[str],
    *,
    environment: Mapping[str, str] | None = None,
    wrong: str | None = None,
) -> str | None:
    """Write a script that runs a layer of a framework, or a user's function, with NumPy and nothing else.

    What is expected is computed by loops, from the definition of what the layer means by its own arguments.

    Args:
        case: whose arrays it is given.
        spelling: the layer.
        output: its value, or one of its gradients.
        adapter: of the framework.
        mode: the precision by which it is judged.
        heading: what stands above it, as comments.
        environment: variables to be set beside those for one thread.
        wrong: what it says in any case, in place of a judgment.

    Returns:
        None where it is about a gradient, and the framework has no code for its backward pass.
    """
    arrays = draw_arrays(case)
    backward = None if output == "value" else make_backward(case, arrays)
    layer = spelling.layer if backward is None else spelling.backward
    computing = (adapter.calling if backward is None else adapter.differentiating)(case.dtype)
    if computing is None:
        return None
    variables = {**_ONE_THREAD, **(environment or {})}
    update = ", ".join(f"{name}={value!r}" for name, value in variables.items())
    judged = f"raise AssertionError({wrong!r})"
    if wrong is None:
        judged = _check(spelling, arrays, output, mode, backward)
    return formatted(
        "\n".join(map(comment, heading))
        + "\n"
        + _ENVIRONMENT.replace("VARIABLES", update)
        + join(
            ("numpy as np", *layer.imports, *computing.imports),
            _values(arrays, None if backward is None else backward.dy),
            layer.statements,
            "\n".join(("kernel = w", *spelling.convert.statements)),
            computing.statements,
            *([] if backward is None else [_one_of_gradients(spelling, output)]),
            definition(spelling.meaning, output),
            _PRINT,
            judged,
        )
    )


def spelling_of(finding: Finding, adapter: Framework) -> Spelling:
    """Return the layer that the finding is about."""
    result = finding.result
    return next(
        each
        for each in layers_of(adapter, finding.case)
        if isinstance(each, Spelling)
        and (each.kind, str(each.layer if result.output == "value" else each.backward))
        == (result.spelling, result.layer)
    )


def _one_of_gradients(spelling: Spelling, output: str) -> str:
    """Write statements that leave one of ``gradients``, in convmm's layout, as ``y``."""
    if output == "input_grad":
        return "y = gradients[0]"
    back = ("_, kernel, *bias = gradients", *spelling.convert_back.statements)
    return "\n".join((*back, f"y = converted[{('weight_grad', 'bias_grad').index(output)}]"))


def _heading(finding: Finding) -> tuple[str, str]:
    result = finding.result
    versions = " ".join(word for word in (result.framework, result.version, result.backend) if word)
    return f"{finding.cause}: {result.error or result.reason}", f"{versions}, {finding.case.command}"


def _check(spelling: Spelling, arrays: Arrays, output: Output, mode: Mode, backward: Backward | None) -> str:
    """Write what is asserted of the computed and the expected output."""
    if backward is None:
        reference = make_reference(spelling.meaning, arrays)
        exact, allowed = reference.exact, largest_errors(reference, mode)
    else:
        expected = backward.expected[cast("Gradient", output)]
        exact, allowed = expected.exact, expected.largest_errors(mode)
    if exact:
        return _CHECK_EXACT
    largest = limit_of(spelling.meaning.dtype, "max")
    check = _CHECK_WITHIN.replace("LARGEST", f"{largest!r}")
    return f"{_ROUNDING}\n{_array('rounding', allowed)}\n{check}"


def _values(arrays: Arrays, dy: Array | None) -> str:
    by_output = () if dy is None else (_array("dy", dy),)
    bias = "bias = []" if arrays.bias is None else f"{_array('bias', arrays.bias)}\nbias = [bias]"
    quiet = () if np.isfinite(arrays.widened().x).all() else (_QUIET,)
    return "\n".join((*quiet, _array("x", arrays.x), _array("w", arrays.w), bias, *by_output))


def _array(name: str, array: Array) -> str:
    """Write the statement that makes a float64 array of these values."""
    if not array.size:
        return f"{name} = np.zeros({array.shape})"
    nested = np.vectorize(_Number, otypes=[object])(array.astype(np.float64)).tolist()
    text = pprint.pformat(nested, width=WIDTH - len(name) - 23, compact=True)
    return f"{name} = np.array({textwrap.indent(text, ' ' * (len(name) + 12)).lstrip()}, 'float64')"


class _Number(float):
    """A number as code: an integer without its point, and NumPy's names for what has no literal."""

    def __repr__(self) -> str:
        if not math.isfinite(self):
            return float.__repr__(self).replace("nan", "np.nan").replace("inf", "np.inf")
        is_negative_zero = not self and math.copysign(1, self) < 0
        shorter = self.is_integer() and abs(self) < 2**53 and not is_negative_zero
        return str(int(self)) if shorter else float.__repr__(self)
