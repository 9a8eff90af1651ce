"""Sizes and positions: everything about a convolution except the numbers in its arrays.

A convolution and the transposed convolution with the same kernel connect the same two grids, in
opposite directions. Here they are called the *fine* grid (a convolution's input, a transposed
convolution's output) and the *coarse* grid (a convolution's output, a transposed convolution's input).
On one axis, with stride s, dilation d and a kernel of k taps, tap i joins coarse element t to fine
element ``t*s + i*d - before``; every other rule is about which ``before`` and which sizes an argument
means. One :class:`Geometry` therefore serves both operations, their matrices and their gradients.

The size formulas are those of Dumoulin and Visin, "A guide to convolution arithmetic for deep learning"
(arXiv:1603.07285), sections 2 and 4. "valid" and "same" are Keras's, for both operations.
"""

from convmm.geometry.arguments import (
    LARGEST,
    MAX_SPATIAL_AXES,
    GeometryError,
    Ints,
    Padding,
    PaddingMode,
    Pair,
    check_groups,
    check_int,
    check_ints,
    check_kernel,
    check_padding,
    check_spatial,
)
from convmm.geometry.borders import BORDER_MODES, BorderMode, check_padding_mode, element_at
from convmm.geometry.grids import Axis, Geometry, full_response_size, kernel_extent
from convmm.geometry.shapes import conv_geometry, conv_transpose_geometry
from convmm.geometry.sizes import (
    conv_output_size,
    conv_smallest_input_size,
    conv_transpose_output_size,
    conv_transpose_smallest_input_size,
    input_sizes,
    output_padding_for,
)
from convmm.geometry.wording import shorten, shown

__all__ = [
    "BORDER_MODES",
    "LARGEST",
    "MAX_SPATIAL_AXES",
    "Axis",
    "BorderMode",
    "Geometry",
    "GeometryError",
    "Ints",
    "Padding",
    "PaddingMode",
    "Pair",
    "check_groups",
    "check_int",
    "check_ints",
    "check_kernel",
    "check_padding",
    "check_padding_mode",
    "check_spatial",
    "conv_geometry",
    "conv_output_size",
    "conv_smallest_input_size",
    "conv_transpose_geometry",
    "conv_transpose_output_size",
    "conv_transpose_smallest_input_size",
    "element_at",
    "full_response_size",
    "input_sizes",
    "kernel_extent",
    "output_padding_for",
    "shorten",
    "shown",
]
