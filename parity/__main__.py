"""``python -m parity`` is the console script ``parity``."""

from parity.cli import main

main()
