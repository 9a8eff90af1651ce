"""What TensorFlow's functions mean, what its converter to LiteRT and LiteRT refuse, and a case's function.

Sources: the documentation of ``tf.nn.conv2d`` and ``tf.nn.conv2d_transpose`` (TensorFlow 2.21), and runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from convmm.geometry import GeometryError
from parity.cases.case import Case
from parity.frameworks.code.layer import Layer, Name, layer
from parity.frameworks.code.script import Conversion, Script
from parity.frameworks.spelling import Kind, Refusal, Spelling, wanted_windows, windows_agree

MOVE_BACK = "kernel = np.moveaxis(kernel, (-1, -2), (0, 1))"
_CONVERT = Conversion(("converted = [np.moveaxis(kernel, (0, 1), (-1, -2)), *bias]",))

_PLANE = 2
"""Axes of the functions that take a padding in numbers."""


def meanings(case: Case) -> Iterator[tuple[str, Case]]:
    """Yield the functions that may mean the case, or have its size: their padding, and what they mean."""
    for mode in ("VALID", "SAME"):
        for meaning in _by_mode(case, mode):
            yield mode, meaning
    if case.rank == _PLANE and not _has_no_numbers(case):
        yield "explicit", case


def _by_mode(case: Case, mode: str) -> Iterator[Case]:
    if not case.transposed:
        yield from _padded(case, mode.lower(), None)
        return
    pads, added = [], []
    for axis in case.geometry.axes:
        total = axis.full - axis.fine
        fits = total <= 0 if mode == "VALID" else -(-axis.fine // axis.stride) == axis.coarse
        if not fits or -total >= max(axis.stride, 1):
            return
        before = 0 if mode == "VALID" else max(total, 0) // 2
        pads.append((before, max(total, 0) - before))
        added.append(max(-total, 0))
    yield from _padded(case, pads, added)


def _padded(case: Case, padding: Any, added: Any) -> Iterator[Case]:
    try:
        yield case.padded(padding, added)
    except GeometryError:
        return


def _has_no_numbers(case: Case) -> bool:
    """Return whether no padding in numbers means the case: "same" of nothing, or an output too long."""
    if not case.transposed:
        return 0 in case.input[2:]
    axes = case.geometry.axes
    return any(-axis.after >= axis.stride for axis in axes)


def spellings(case: Case) -> list[Spelling]:
    """Return the function that means the case, if any, and one that people take for it."""
    found = list(meanings(case))
    native = next(((how, each) for how, each in found if windows_agree(case, each)), None)
    of_its_size = (
        (how, each)
        for how, each in found
        if each.output_shape == case.output_shape and not windows_agree(case, each)
    )
    refused = native is not None and refusal(native[1], native[0]) is not None
    taken = next(of_its_size, None) if native is None or refused else None
    kinds: tuple[tuple[Kind, tuple[str, Case] | None], ...] = (("native", native), ("lookalike", taken))
    return [
        Spelling(kind, function(each[1], each[0]), each[1], refusal(each[1], each[0]), _CONVERT)
        for kind, each in kinds
        if each is not None
    ]


def function(case: Case, how: str) -> Layer:
    """Return the function with the case's arguments, its padding by a mode's name or in numbers."""
    written: dict[str, Any] = {}
    if case.transposed:
        batch, filters, *sizes = case.output_shape
        written["output_shape"] = (batch, *sizes, filters)
    strided = "stride" if case.op == "conv1d" else "strides"
    written[strided] = _of_axes(case, case.stride)
    written["padding"] = how if how != "explicit" else _numbers(case)
    if set(case.dilation) != {1}:
        written["dilations"] = _of_axes(case, case.dilation)
    name = f"conv{case.rank}d{'_transpose' if case.transposed else ''}"
    return layer("functools.partial", Name(f"tensorflow.nn.{name}"), **written)


def _of_axes(case: Case, numbers: tuple[int, ...]) -> int | tuple[int, ...]:
    """Return one number per axis as the function takes it: of three axes, with the batch and channels."""
    if case.rank == 1:
        return numbers[0]
    return numbers if case.rank == _PLANE else (1, *numbers, 1)


def _numbers(case: Case) -> list[list[int]]:
    return [[0, 0], *_pads(case), [0, 0]]


def _pads(case: Case) -> list[list[int]]:
    """Return the padding in numbers, which of a convolution are the same for inputs of any size."""
    if not case.transposed:
        return [list(pair) for pair in case.explicit["padding"]]
    return [[axis.before, max(axis.after, 0)] for axis in case.geometry.axes]


def refusal(case: Case, how: str) -> Refusal | None:
    """Return what refuses the function: the converter, or LiteRT when it is loaded or called."""
    if 0 in (*case.input, *case.output_shape):
        reason = "TensorFlow refuses no channels, and LiteRT, when it is called, every other size of 0"
        errors = ("ValueError", "ConverterError", "RuntimeError")
        return Refusal(reason, errors, certain=not (case.transposed and 0 in case.input[2:]))
    if case.dtype != "float32":
        reason = f"the converter refuses it: LiteRT has no convolution of {case.dtype}"
        return Refusal(reason, ("ConverterError", "ValueError"))
    if case.groups > 1 and (case.transposed or case.rank > _PLANE):
        reason = (
            "TensorFlow, the converter, or LiteRT when it is loaded or called refuses it: LiteRT has groups "
            "in convolutions over one and two axes"
        )
        return Refusal(reason, ("ConverterError", "ValueError", "RuntimeError"))
    if case.transposed and case.rank <= _PLANE and max(case.dilation) > 1:
        reason = "the converter refuses it: LiteRT dilates transposed convolutions over three axes alone"
        return Refusal(reason, ("ConverterError",))
    if case.transposed and how == "explicit":
        reason = "the converter refuses it: LiteRT's transposed convolution has a padding by name alone"
        return Refusal(reason, ("ConverterError",))
    return None


def exact(case: Case) -> list[Spelling]:
    """Return a function with zeros before it, or crops behind it, that computes the case, for any size."""
    if 0 in (*case.input, *case.output_shape) or (case.padding == "same" and not case.transposed):
        return []
    pads = _pads(case)
    padded = [size + sum(pair) for size, pair in zip(case.input[2:], pads, strict=True)]
    inside = case
    if case.transposed:
        text = _cropped(case)
    else:
        inside = replace(case, input=(*case.input[:2], *padded), padding="valid")
        text = f"conv = {function(inside, 'VALID')!r}\n"
        text += f"layer = lambda x, kernel: conv(tensorflow.pad(x, {_numbers(case)}), kernel)"
    refused = refusal(inside, "VALID")
    too_long = case.transposed and any(-axis.after >= axis.stride for axis in case.geometry.axes)
    if refused is not None or too_long:
        return []
    script = Script(("functools", "tensorflow"), text)
    return [Spelling("exact", script, case, None, _CONVERT, inside=inside)]


_CROPPED = """\
conv = {conv}


def layer(x, kernel):
    sizes = [(n - 1) * s + more for n, s, more in zip(x.shape[1:-1], {strides}, {more})]
    return conv(x, kernel, output_shape=(x.shape[0], *sizes, {filters}))[:, {crops}]"""


def _cropped(case: Case) -> str:
    """Write the function of the whole response, and behind it what the case has of that."""
    axes = case.geometry.axes
    made = function(case, "VALID")
    keywords = tuple(pair for pair in made.keywords if pair[0] != "output_shape")
    crops = ", ".join(f"{axis.before or ''}:{-axis.after if axis.after > 0 else ''}" for axis in axes)
    more = tuple(axis.extent + max(-axis.after, 0) for axis in axes)
    conv = replace(made, keywords=keywords)
    return _CROPPED.format(conv=conv, strides=case.stride, more=more, filters=case.filters, crops=crops)


def why_not(case: Case) -> str:
    """Return why no arguments of TensorFlow mean the case."""
    wanted = wanted_windows(case)
    if not case.transposed:
        return f"neither TensorFlow's 'VALID' nor its 'SAME' is this case's padding of {wanted}"
    return (
        f"neither TensorFlow's 'VALID' nor its 'SAME' gives, with any output_shape, an output that {wanted}"
    )
