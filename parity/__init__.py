"""Checks whether convolution layers of several frameworks compute the same thing, and says why not."""

from parity.case import Case, CaseError
from parity.run import run
from parity.translate import translate

__all__ = ["Case", "CaseError", "run", "translate"]
