"""``python -m parity`` is the console script ``parity``."""

from parity.workers.interrupts import end_at_once, handle_signals


def main() -> None:
    """Run the command line; a signal that comes while it is imported, or at the very end, ends it at once."""
    handle_signals(end_at_once)
    from parity.cli.main import main as run  # noqa: PLC0415 - it takes the time in which signals may come

    run()


if __name__ == "__main__":
    main()
