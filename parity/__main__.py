"""``python -m parity`` is the console script ``parity``."""

from parity.cli.main import main

main()
