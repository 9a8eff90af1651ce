"""MLX's functions put together so that they compute a case that none of them alone means."""

from __future__ import annotations

from dataclasses import replace

from parity.cases.case import Case
from parity.frameworks.code.script import Script
from parity.frameworks.mlx.rules import general, general_pads, refusal, spelled
from parity.frameworks.spelling import Spelling

_IMPORTS = ("functools", "mlx.core")

_SAME = """\
def layer(x, kernel):
    axes = zip(x.shape[1:-1], {extents}, {strides})
    total = [max((-(-n // s) - 1) * s + extent - n, 0) for n, extent, s in axes]
    padding = ([t // 2 for t in total], [t - t // 2 for t in total])
    return conv(x, kernel, padding=padding)"""

_GROUPS = """\
def layer(x, kernel):
    pairs = zip(*(mlx.core.split(each, {groups}, axis=axis) for each, axis in ((x, -1), (kernel, 0))))
    return mlx.core.concatenate([whole(*pair) for pair in pairs], axis=-1)"""


def exact(case: Case, *, any_size: bool = False) -> list[Spelling]:
    """Return a function that computes the case by MLX's: crops, "same" by the input's size, groups in turn.

    With ``any_size`` it holds for inputs of any size.
    """
    if 0 in case.output_shape[2:]:
        return []
    in_turn = case.groups > 1 and case.rank > 2  # noqa: PLR2004 - axes
    groups = 1 if in_turn else case.groups
    statements, name = _whole(case, groups, any_size=any_size)
    if in_turn:
        statements = [*statements, f"whole = {name}", _GROUPS.format(groups=case.groups)]
    elif name != "layer":
        statements = [*statements, f"layer = {name}"]
    script = Script(_IMPORTS, "\n".join(statements))
    refused = refusal(_one_of_groups(case) if in_turn else case)
    return [spelled("exact", script, case, refused)]


def _one_of_groups(case: Case) -> Case:
    """Return the case of one of its groups."""
    channels, filters = case.input[1] // case.groups, case.filters // case.groups
    return replace(case, input=(case.input[0], channels, *case.input[2:]), filters=filters, groups=1)


def _whole(case: Case, groups: int, *, any_size: bool) -> tuple[list[str], str]:
    """Write the function for so many groups: its statements, and its name."""
    if not case.transposed and case.padding == "same" and any_size:
        extents = tuple(axis.extent for axis in case.geometry.axes)
        text = _SAME.format(extents=extents, strides=case.stride)
        return [f"conv = {general(case, None, groups)!r}", text], "layer"
    pads = general_pads(case)
    padded = [(max(low, 0), max(high, 0)) for low, high in pads]
    crops = [_slice(max(-low, 0), max(-high, 0)) for low, high in pads]
    conv = f"conv = {general(case, padded, groups)!r}"
    if set(crops) == {":"}:
        return [conv], "conv"
    return [conv, f"layer = lambda x, kernel: conv(x, kernel)[:, {', '.join(crops)}]"], "layer"


def _slice(before: int, after: int) -> str:
    return f"{before or ''}:{-after if after else ''}"
