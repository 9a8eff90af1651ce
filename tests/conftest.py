"""How property tests run: on a CI machine, at night, and elsewhere; nowhere with a time limit for an example.

`pytest --hypothesis-profile nightly` chooses one. A test that says how many examples it takes keeps to it.
"""

import os

from hypothesis import settings

settings.register_profile("local", deadline=None)
# The same examples every time, and what fails with the line that runs it again.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
# Other examples every time, and many.
settings.register_profile("nightly", max_examples=5000, deadline=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")
