"""A layer called more than once, with one thread and with more: whether its bits change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from parity.frameworks.interface import Framework
from parity.frameworks.task import Answer, Submit, Task, Wait
from parity.records.result import Repeats


def repeating(submits: Mapping[int, Submit], runs: int) -> Submit:
    """Hand each task to a framework several times, each for a new layer.

    The answer is the first that did not end well, or else the first of all, with what the others were like.

    Args:
        submits: by the number of threads, what hands it a task.
        runs: calls with each number of threads, at least 1.
    """

    def submit(found: Framework, task: Task) -> Wait:
        new = replace(task, fresh=True)
        waits = {threads: [ask(found, new) for _ in range(runs)] for threads, ask in submits.items()}
        return partial(_answer, waits)

    return submit


def _answer(waits: Mapping[int, list[Wait]]) -> Answer:
    answers = {threads: [wait() for wait in each] for threads, each in waits.items()}
    kinds = {threads: {_bits(answer) for answer in each} for threads, each in answers.items()}
    flat = [answer for each in answers.values() for answer in each]
    repeats = Repeats(
        runs=len(next(iter(answers.values()))),
        distinct={str(threads): len(each) for threads, each in kinds.items()},
        same=len(set().union(*kinds.values())) == 1,
    )
    return replace(next((answer for answer in flat if answer.ending != "ok"), flat[0]), repeats=repeats)


def _bits(answer: Answer) -> tuple[object, ...]:
    """Return what two answers have to have in common to be the same: a NaN's bits too."""
    outputs = ((output.shape, output.dtype.str, output.tobytes()) for output in answer.outputs)
    return answer.ending, answer.error_class, *outputs
