"""Extending an input by elements of its own, and the adjoint: adding each element's copies up.

Both do nothing beside zeros, which the sums take care of themselves. Arrays are (N, C, *spatial) and are left
as they are.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from convmm.geometry.borders import element_at
from convmm.geometry.grids import Geometry
from convmm.unfold import window

T = TypeVar("T", bound=np.generic)


def extend(x: NDArray[T], geometry: Geometry) -> NDArray[T]:
    """Return what a convolution reads of ``x``: with the geometry's pads around it.

    Args:
        x: on the fine grid, (N, fine_channels, *fine).
        geometry: says which pads, of which elements.

    Returns:
        (N, fine_channels, *geometry.extended.fine), of the same dtype; beside zeros ``x`` itself.
    """
    if geometry.padding_mode == "zeros":
        return x
    extended = window(x, [-before for before, _ in geometry.pads], geometry.extended.fine)
    for axis, (before, places, elements) in enumerate(_borders(geometry), start=2):
        if places:  # the axes before are whole already, so that each corner is filled by the last of its axes
            read = [before + element for element in elements]
            extended[_along(axis, places)] = extended[_along(axis, read)]
    return extended


def fold(gradient: NDArray[T], geometry: Geometry) -> NDArray[T]:
    """Return the gradient by the input of :func:`extend` from that by its result: the adjoint.

    Args:
        gradient: (N, fine_channels, *geometry.extended.fine).
        geometry: says which pads, of which elements.

    Returns:
        On the fine grid, (N, fine_channels, *fine), of the same dtype; beside zeros ``gradient`` itself.
    """
    if geometry.padding_mode == "zeros":
        return gradient
    folded = gradient
    for axis, (before, places, elements) in enumerate(_borders(geometry), start=2):
        within = folded[_along(axis, slice(before, before + geometry.fine[axis - 2]))]
        if places:
            order = np.argsort(elements, kind="stable")  # copies of one element side by side
            reached, first = np.unique(np.array(elements)[order], return_index=True)
            copies = folded[_along(axis, np.array(places)[order])]
            within = within.copy()
            within[_along(axis, reached)] += np.add.reduceat(copies, first, axis)
        folded = within
    return folded


def _borders(geometry: Geometry) -> list[tuple[int, list[int], list[int]]]:
    """Return of each axis where the fine grid begins, the places of the pads, and which elements they are.

    Places are counted in the extended grid, elements on the fine one.
    """
    borders = []
    for axis, (before, after) in zip(geometry.axes, geometry.pads, strict=True):
        beyond = [*range(-before, 0), *range(axis.fine, axis.fine + after)]
        elements = [element_at(place, axis.fine, geometry.padding_mode) for place in beyond]
        borders.append((before, [before + place for place in beyond], elements))
    return borders


def _along(axis: int, places: slice | list[int] | NDArray[np.intp]) -> tuple[Any, ...]:
    """Return an index of these places on one axis, and of everything on the others."""
    return (*(slice(None),) * axis, places)
