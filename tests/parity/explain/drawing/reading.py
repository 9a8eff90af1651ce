"""What a picture of a matrix says, read from its SVG."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np

from parity.cases.arrays import Array

SVG = "{http://www.w3.org/2000/svg}"


def cells_of(root: ET.Element) -> dict[tuple[int, int], ET.Element]:
    """The cells of a picture of one plane, by row and column."""
    found = {}
    for cell in root.iter(f"{SVG}g"):
        if "data-at" in cell.attrib:
            row, column = map(int, cell.attrib["data-at"].split())
            assert (row, column) not in found
            found[row, column] = cell
    return found


def taps_in(root: ET.Element) -> Array:
    """The number of each cell's tap from 1 on, 0 for a cell of none, in the shape of the picture."""
    cells = cells_of(root)
    rows, columns = (1 + max(places) for places in zip(*cells, strict=True))
    assert len(cells) == rows * columns
    taps = np.zeros((rows, columns), int)
    for place, cell in cells.items():
        taps[place] = 1 + int(cell.attrib.get("data-tap", -1))
    return taps
