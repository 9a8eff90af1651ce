"""Signals are heeded where nothing is half done, and nowhere else."""

from __future__ import annotations

import signal

import pytest

from parity.workers.interrupts import SIGNALS, Interrupted, Interrupts, heed


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_raised_where_it_is_heeded(number: signal.Signals) -> None:
    with Interrupts():
        heed()
        signal.raise_signal(number)
        with pytest.raises(Interrupted) as raised:
            heed()
    assert raised.value.number == number


@pytest.mark.parametrize("number", SIGNALS)
def test_a_second_signal_is_raised_at_once(number: signal.Signals) -> None:
    with Interrupts():
        signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)


def test_signals_are_given_back_and_what_was_asked_is_forgotten() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with Interrupts():
        assert [signal.getsignal(number) for number in SIGNALS] != before
        signal.raise_signal(signal.SIGINT)
    heed()
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts():
            signal.raise_signal(signal.SIGHUP)
            heed()
    finally:
        signal.signal(signal.SIGHUP, before)
