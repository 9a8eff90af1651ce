"""A case as a picture: the way from input to output, the unrolled kernel, its windows and its sizes."""
