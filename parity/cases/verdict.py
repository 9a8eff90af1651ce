"""The one word for what came of a case."""

from typing import Literal, get_args

Verdict = Literal["agree", "explained", "unexplained"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
