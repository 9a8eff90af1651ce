"""Settings of the property tests here: no time limit an example, as the loops' speed is not the subject."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("convmm", deadline=None, max_examples=200)
settings.load_profile("convmm")
