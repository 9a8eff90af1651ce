"""Normal and transposed convolution in NumPy, as matrix multiplication.

Arrays are channels first, (N, C, *spatial), with 1, 2 or 3 spatial axes. Kernels are (O, C/groups, *kernel)
for ``conv`` and (C, O/groups, *kernel) for ``conv_transpose``. No deep learning framework is needed.
"""

from importlib import metadata
from typing import Any

from convmm.fast.threads import get_threads, set_threads
from convmm.geometry import (
    GeometryError,
    conv_output_size,
    conv_transpose_output_size,
    input_sizes,
    output_padding_for,
)
from convmm.operations.explanation import explain_plan
from convmm.operations.forward import conv, conv_transpose
from convmm.operations.gradients import (
    conv_input_grad,
    conv_transpose_input_grad,
    conv_transpose_weight_grad,
    conv_weight_grad,
)
from convmm.operations.ranked import (
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from convmm.reference.matrix import unroll_kernel
from convmm.reference.steps import Step, conv_steps, conv_transpose_steps

__all__ = [
    "GeometryError",
    "Step",
    "conv",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_input_grad",
    "conv_output_size",
    "conv_steps",
    "conv_transpose",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "conv_transpose_input_grad",
    "conv_transpose_output_size",
    "conv_transpose_steps",
    "conv_transpose_weight_grad",
    "conv_weight_grad",
    "explain_plan",
    "get_threads",
    "input_sizes",
    "output_padding_for",
    "set_threads",
    "unroll_kernel",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - as of any module
    """Look the version up where it is asked for: it stands in the distribution's metadata alone (PEP 562)."""
    if name == "__version__":
        return metadata.version("convparity")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
