"""How property tests run: on a CI machine, at night, and elsewhere; nowhere with a time limit for an example.

`pytest --hypothesis-profile nightly` chooses one. A test that says how many examples it takes draws a third
of them by day, and at night twenty times as many (tests.support.strategies.examples).
"""

import os
import signal

from hypothesis import settings

# Under nohup, or behind "&" in a script, signals are ignored, and what the tests start would inherit that.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
    signal.signal(number, handler)
if hasattr(signal, "SIGHUP"):  # not on Windows
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Whichever comes first, a test or the adapter, imports TensorFlow with oneDNN: by itself it has it on some
# processors only.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

settings.register_profile("local", max_examples=34, deadline=None)
# The same examples every time, and what fails with the line that runs it again.
settings.register_profile("ci", max_examples=34, derandomize=True, deadline=None, print_blob=True)
# Other examples every time, and sixty times as many.
settings.register_profile("nightly", max_examples=2000, deadline=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")
