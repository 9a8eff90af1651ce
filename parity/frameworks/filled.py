"""A convolution whose padding holds elements of the input, as one without padding behind what pads."""

from __future__ import annotations

from dataclasses import replace

from parity.cases.case import ZEROS, Case

NUMPYS = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""What ``numpy.pad`` calls each padding mode, and what follows it does: ``jax.numpy.pad``, ONNX's Pad."""


def behind_padding(case: Case) -> Case:
    """Return the convolution without padding of the input that has its padding already."""
    sizes = [size + sum(pair) for size, pair in zip(case.input[2:], case.explicit["padding"], strict=True)]
    return replace(case, input=(*case.input[:2], *sizes), padding="valid", padding_mode=ZEROS)
