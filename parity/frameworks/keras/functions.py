"""What the functions compute whose names Keras's ``activation`` takes."""

from __future__ import annotations

from collections.abc import Mapping

from parity.frameworks.code.activations import activation
from parity.frameworks.code.steps import Identity, Softmax, Step

FUNCTIONS: Mapping[str, Step] = {
    "linear": Identity(),
    "relu": activation("relu"),
    "relu6": activation("clip", low=0.0, high=6.0),
    "leaky_relu": activation("leaky_relu", negative_slope=0.2),
    "gelu": activation("gelu", approximate=False),
    "silu": activation("silu"),
    "swish": activation("silu"),
    "elu": activation("elu", alpha=1.0),
    "selu": activation("selu"),
    "celu": activation("celu", alpha=1.0),
    "sigmoid": activation("sigmoid"),
    "log_sigmoid": activation("log_sigmoid"),
    "tanh": activation("tanh"),
    "tanh_shrink": activation("tanh_shrink"),
    "softplus": activation("softplus"),
    "softsign": activation("softsign"),
    "soft_shrink": activation("soft_shrink", threshold=0.5),
    "hard_shrink": activation("hard_shrink", threshold=0.5),
    "hard_sigmoid": activation("hard_sigmoid"),
    "hard_silu": activation("hard_silu"),
    "hard_swish": activation("hard_silu"),
    "hard_tanh": activation("clip", low=-1.0, high=1.0),
    "mish": activation("mish"),
    "softmax": Softmax(-1, channels_last=True),
    "log_softmax": Softmax(-1, channels_last=True, log=True),
}
"""Of those that compute the same, the first is written."""
