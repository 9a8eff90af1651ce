"""How many bytes a call takes beside its arguments and its result, at most."""

from __future__ import annotations

import math

from convmm.fast.plan.call import Call
from convmm.fast.plan.correlation import CorrelationPlan


def whole_bytes(call: Call) -> int:
    """Return the bytes of one product over the whole problem: columns, padded copy, products and casts."""
    geometry, samples = call.geometry, call.samples
    fine = samples * geometry.fine_channels * math.prod(geometry.fine)
    coarse = samples * geometry.coarse_channels * math.prod(geometry.coarse)
    padded = samples * geometry.fine_channels * math.prod(geometry.full)  # or a spread's full response
    columns = call.places * geometry.fine_channels * math.prod(geometry.kernel)
    kernel = _kernel(call)
    # without the bias, which is added to another array, or of each sample
    products = {"correlate": coarse, "spread": fine, "correlate_weights": (samples + 1) * kernel}[call.sum]
    cast = fine + coarse + kernel if call.working != call.result else 0
    return (columns + padded + products + cast) * call.itemsize


def cast_bytes(call: Call) -> int:
    """Return the bytes of the kernel, or of its gradient, in the dtype to compute in, if that is another."""
    return _kernel(call) * call.itemsize if call.working != call.result else 0


def factor_bytes(plan: CorrelationPlan, call: Call) -> int:
    """Return the bytes of the kernel's copies that a correlation keeps for all of its tasks."""
    if plan.channels_first or not plan.keeps_factors:
        return 0
    taps = sum(len(part.outputs) * math.prod(part.counts) for part in plan.reads.parts)
    return _kernel(call) // math.prod(call.geometry.kernel) * taps * call.itemsize


def partial_bytes(call: Call, chunks: int) -> int:
    """Return the bytes of a weight gradient's sums over all chunks of tiles but the first."""
    return (chunks - 1) * _kernel(call) * call.itemsize


def _kernel(call: Call) -> int:
    return call.geometry.coarse_channels * call.fine_channels * math.prod(call.geometry.kernel)
