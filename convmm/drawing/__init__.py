"""Arrays as pictures: grids of cells with their numbers in them, as SVG that stands alone."""
