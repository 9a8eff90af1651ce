"""The kernel of a function's call: its shape stands beside the line, or is a literal in the array's place."""

from __future__ import annotations

from collections.abc import Collection

from convmm.geometry import GeometryError, check_ints, shown
from parity.frameworks.code.expression import Argument, Bound, Call
from parity.frameworks.code.layer import Name

_AROUND = frozenset({"Parameter", "Variable", "tensor", "constant", "asarray", "array", "convert_to_tensor"})
"""What an array is put into, without another shape."""

_MADE_OF_SIZES = frozenset({"randn", "rand", "zeros", "ones", "empty", "Tensor"})
"""What makes an array of sizes that are its arguments."""

_MAKERS = frozenset({*_MADE_OF_SIZES, "full", "normal", "uniform", "random_normal", "truncated_normal"})
"""What makes an array of the first tuple or list among its arguments."""

_SHAPE_NAMES = ("shape", "size")


def kernel_shape(bound: Bound, name: str, layout: str, rank: int | None = None) -> tuple[int, ...]:
    """Return the shape of a call's kernel, in the function's own layout, which has its taps first or last.

    Args:
        bound: the call's arguments.
        name: the kernel's among them.
        layout: how the function has its axes, for the error, such as "O,C/groups,*kernel".
        rank: spatial axes; None for 1 to 3.

    Raises:
        ExpressionError: it is nowhere, it is given twice and differs, or it has another number of sizes.
    """
    found = given_shape(bound, name)
    allowed = f"{rank + 2} sizes" if rank else "3 to 5 sizes"
    if found is None:
        raise bound.refuse(
            name,
            f"the line does not carry the kernel's shape: give --kernel-shape {layout}, or a literal such as "
            "torch.empty(8, 3, 3, 3) in place of the name",
        )
    taps = found[:-2] if layout.startswith("*") else found[2:]
    if not 3 <= len(found) <= 5 or len(found) != (rank or len(found) - 2) + 2:  # noqa: PLR2004 - axes
        raise bound.refuse(name, f"kernel_shape={shown(found)}: allowed are {allowed}, {layout}")
    if 0 in taps:
        raise bound.refuse(name, f"kernel_shape={shown(found)}: allowed are taps from 1 on")
    return found


def given_shape(bound: Bound, name: str) -> tuple[int, ...] | None:
    """Return the shape of a call's kernel, given beside the line or by a literal; None where it is nowhere.

    Raises:
        ExpressionError: it is given in both ways, and differs.
    """
    literal, beside = _literal_shape(bound.arguments[name]), bound.call.kernel_shape
    if beside is not None and literal is not None and beside != literal:
        raise bound.refuse(name, f"kernel_shape={shown(beside)} and {name} of shape {shown(literal)} differ")
    return beside if literal is None else literal


def literal_dtype(bound: Bound, allowed: Collection[str], *names: str) -> str:
    """Return the dtype that a literal in place of one of these arrays has; without one, float32.

    Raises:
        ExpressionError: it is another than the allowed ones.
    """
    for name in names:
        for inner in _calls(bound.arguments.get(name)):
            value = next((each.value for each in inner.arguments if each.name == "dtype"), None)
            found = value.path.rpartition(".")[2] if isinstance(value, Name) else value
            if found is None:
                continue
            if found not in allowed:
                raise bound.refuse(name, f"dtype={shown(value)}: allowed are {', '.join(allowed)}")
            return str(found)
    return "float32"


def _calls(argument: Argument | None) -> list[Call]:
    """Return the calls that make an array, the outer one first."""
    found = []
    while argument is not None and len(argument.inner) == 1:
        found += argument.calls()
        of_it = found[-1].arguments
        argument = of_it[0] if found[-1].name in _AROUND and of_it else None
    return found


def _literal_shape(argument: Argument) -> tuple[int, ...] | None:
    calls = _calls(argument)
    if not calls or calls[-1].name not in _MAKERS:
        return None
    made = calls[-1]
    named = [each for each in made.arguments if each.name in _SHAPE_NAMES]
    unnamed = [each for each in made.arguments if each.name is None]
    sequences = [each.value for each in (*named, *unnamed) if isinstance(each.value, tuple | list)]
    of_sizes = made.name in _MADE_OF_SIZES and not any(isinstance(each.value, Name) for each in unnamed)
    shape = sequences[0] if sequences else [each.value for each in unnamed] if of_sizes else []
    try:
        return check_ints("shape", shape, len(shape), minimum=0) if shape else None
    except GeometryError as error:
        raise made.error(str(error), argument) from None
