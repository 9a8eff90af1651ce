"""In which precision XLA's code for the processor computes. Found by runs of some thousand random layers."""

from __future__ import annotations

from parity.cases.case import Case
from parity.frameworks.precision import Mode, accumulated_in_float32, accumulator_unknown, flushing


def mode(case: Case) -> Mode:
    """Return that half types are summed up in float32 and the bias added after rounding.

    Subnormal numbers are flushed.
    """
    return flushing(accumulated_in_float32(case.dtype, bias_apart=True))


def mode_of_gradients(case: Case) -> Mode:
    """Return that half types may be summed up in themselves: the gradients by a bias are."""
    return flushing(accumulator_unknown(case.dtype))
