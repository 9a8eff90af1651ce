"""The geometry of both operations from the shapes of their arrays."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ParamSpec

from convmm.geometry.arguments import (
    GeometryError,
    Ints,
    Padding,
    check_groups,
    check_int,
    check_kernel_rank,
    check_spatial,
)
from convmm.geometry.axes import conv_axes, conv_transpose_axes
from convmm.geometry.borders import check_borders, check_padding_mode
from convmm.geometry.grids import Geometry

P = ParamSpec("P")

# Geometries that are kept: more than the layers of a network, and with what they hold less than a MiB.
_MOST_KEPT = 512


def _kept(build: Callable[P, Geometry]) -> Callable[P, Geometry]:
    """Keep the latest geometries: to check and to build one takes as long as all else of a small call.

    Equal arguments are the same only if they are of the same types: True is 1 to a dictionary, and no stride.
    """
    cached: Callable[..., Geometry] = functools.lru_cache(_MOST_KEPT)(build)

    @functools.wraps(build)
    def found(*args: P.args, **kwargs: P.kwargs) -> Geometry:
        is_plain = all(map(_is_plain, args)) and all(map(_is_plain, kwargs.values()))
        return cached(*args, **kwargs) if is_plain else build(*args, **kwargs)

    return found


def _is_plain(value: object) -> bool:
    """Return whether a value is None, an int, a str, or a tuple of such values, and of no other type."""
    kind = type(value)
    if kind is tuple:
        return all(map(_is_plain, value))  # type: ignore[call-overload] # a tuple, as mypy does not see
    return kind is int or kind is str or value is None


@_kept
def conv_geometry(
    input_shape: Sequence[int],
    kernel_shape: Sequence[int],
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> Geometry:
    """Return the geometry of ``conv`` for an input (N, C, *spatial) and a kernel (O, C/groups, *kernel).

    Where no padding is read, its padding mode is "zeros": all modes mean the same.

    Raises:
        GeometryError: the shapes do not fit each other, or an argument is out of its range.
    """
    mode = check_padding_mode(padding_mode)
    rank = check_spatial("x", input_shape)
    check_kernel_rank(kernel_shape, rank)
    channels, filters = input_shape[1], kernel_shape[0]
    check_groups(groups, channels=channels, filters=filters)
    if kernel_shape[1] * groups != channels:
        msg = (
            f"w has shape {tuple(kernel_shape)}: with groups={groups} its axis 1 reads "
            f"{kernel_shape[1] * groups} input channels, x has {channels} (axis 1 of {tuple(input_shape)})"
        )
        raise GeometryError(msg)
    axes = conv_axes(input_shape[2:], kernel_shape[2:], stride=stride, padding=padding, dilation=dilation)
    geometry = Geometry(axes, fine_channels=channels, coarse_channels=filters, groups=groups)
    if mode == "zeros" or not any(map(any, geometry.pads)):
        return geometry
    check_borders(mode, geometry.fine, geometry.pads)
    return replace(geometry, padding_mode=mode)


@_kept
def conv_transpose_geometry(
    input_shape: Sequence[int],
    kernel_shape: Sequence[int],
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    output_padding: Ints | None = None,
    output_size: Ints | None = None,
    dilation: Ints = 1,
    groups: int = 1,
) -> Geometry:
    """Return the geometry of ``conv_transpose`` for inputs (N, C, *spatial), kernels (C, O/groups, *kernel).

    Raises:
        GeometryError: the shapes do not fit each other, or an argument is out of its range.
    """
    rank = check_spatial("x", input_shape)
    check_kernel_rank(kernel_shape, rank)
    channels, filters = input_shape[1], kernel_shape[1] * check_int("groups", groups, minimum=1)
    check_groups(groups, channels=channels, filters=filters)
    if kernel_shape[0] != channels:
        msg = (
            f"w has shape {tuple(kernel_shape)}: its axis 0 reads {kernel_shape[0]} input channels, "
            f"x has {channels} (axis 1 of {tuple(input_shape)})"
        )
        raise GeometryError(msg)
    axes = conv_transpose_axes(
        input_shape[2:],
        kernel_shape[2:],
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        output_size=output_size,
        dilation=dilation,
    )
    return Geometry(axes, fine_channels=filters, coarse_channels=channels, groups=groups)
