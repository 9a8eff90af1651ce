"""What the tuned routes and other libraries are judged by: written to be read, and apart from what is tuned.

Nothing here imports anything of :mod:`convmm.fast`, nor the public operations that lead to it.
"""
