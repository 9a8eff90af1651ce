"""Every mistake that the diagnosis looks for, made around convmm's public functions.

Nothing here is what the diagnosis computes with; windows are cut from the response that the tests compute tap
by tap.
"""
