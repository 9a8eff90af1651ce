"""Modules of ``torch.nn`` that their user has made, as the calls that make such ones."""

from __future__ import annotations

import inspect
from typing import Any

from parity.frameworks.code.expression import parse_call
from parity.frameworks.code.layer import Layer, Name, layer
from parity.frameworks.code.live import LiveError
from parity.frameworks.torch.chain import read_chain
from parity.frameworks.torch.read import CLASSES
from parity.frameworks.torch.steps import LINKS

_KINDS = [name for name in CLASSES if not name.startswith("Lazy")]
"""Classes whose objects have their weights: a lazy one's is another after its first call."""

_ITS_OWN = ("forward", "_conv_forward")
"""Methods that an object may have in the place of its class's."""

_HOOKS = ("_forward_hooks", "_forward_pre_hooks")


_WHERE = "inplace"
"""The argument that says where an output is written, and not what it is."""


def text_of(module: Any) -> str:
    """Return the expression that makes such a module: a convolution, a layer without weights, or a chain.

    Raises:
        LiveError: it is none of these, or something has been done to it.
    """
    kind = type(module)
    if not kind.__module__.startswith("torch.nn.modules."):
        return repr(call_of(module))
    if kind.__name__ == "Sequential":
        _check_unchanged(module)
        return f"torch.nn.Sequential({', '.join(map(text_of, module))})"
    return _text_of_step(module) if kind.__name__ in LINKS else repr(call_of(module))


def _text_of_step(module: Any) -> str:
    """Return the expression of a layer without weights, by the arguments that its class takes."""
    _check_unchanged(module)
    names = inspect.signature(type(module).__init__).parameters
    own = vars(module)
    given = [f"{name}={own[name]!r}" for name in names if name != _WHERE and own.get(name) is not None]
    text = f"torch.nn.{type(module).__name__}({', '.join(given)})"
    [link] = read_chain(parse_call(text)).links
    if link.layer is not None and _state(link.layer.call()) != _state(module):
        raise LiveError(f"this torch.nn.{type(module).__name__} is another than {text} makes")
    return text


def _state(module: Any) -> dict[str, Any]:
    beside = {"training", _WHERE}
    return {name: each for name, each in vars(module).items() if name[0] != "_" and name not in beside}


def call_of(module: Any) -> Layer:
    """Return the call that makes such a module, with what it computes by, of given weights.

    Raises:
        LiveError: it is no convolution of ``torch.nn``, or one that something has been done to.
    """
    kind = type(module)
    name = f"torch.nn.{kind.__name__}"
    if kind.__module__ == "torch.nn.modules.conv" and kind.__name__.startswith("Lazy"):
        raise LiveError(
            f"{name} has no weights and no input channels before its first call: call it with an input, and "
            "give it then"
        )
    if getattr(module, "parametrizations", None):
        names = ", ".join(module.parametrizations)
        raise LiveError(
            f"{kind.__name__}: its {names} is parametrized; torch.nn.utils.parametrize."
            f"remove_parametrizations(module, {next(iter(module.parametrizations))!r}) leaves the layer with "
            "the weights that it has"
        )
    if kind.__module__ != "torch.nn.modules.conv" or kind.__name__ not in _KINDS:
        bases = [base for base in kind.__mro__ if base.__module__ == "torch.nn.modules.conv"]
        of = next((f" of torch.nn.{base.__name__}" for base in bases if base.__name__ in _KINDS), "")
        what = f"a subclass{of}, which may compute something else" if of else "no convolution of torch.nn"
        raise LiveError(
            f"{kind.__module__}.{kind.__qualname__} is {what}: allowed are {', '.join(_KINDS)} themselves, "
            "layers without weights that a chain has, and nn.Sequential of these"
        )
    _check_unchanged(module)
    return _call(name, module)


def _check_unchanged(module: Any) -> None:
    changed = [each for each in _ITS_OWN if each in vars(module)]
    changed += [each.removeprefix("_") for each in _HOOKS if getattr(module, each)]
    if changed:
        name = f"torch.nn.{type(module).__name__}"
        raise LiveError(f"this {name} has {', '.join(changed)} of its own, which may change what it computes")


def _call(name: str, module: Any) -> Layer:
    given = {
        "stride": (module.stride, 1),
        "padding": (module.padding, 0),
        "output_padding": (module.output_padding, 0),
        "dilation": (module.dilation, 1),
    }
    keywords: dict[str, Any] = {
        argument: value
        for argument, (value, default) in given.items()
        if value != (default,) * len(module.kernel_size)
    }
    if module.groups != 1:
        keywords["groups"] = module.groups
    if module.bias is None:
        keywords["bias"] = False
    if module.padding_mode != "zeros":
        keywords["padding_mode"] = module.padding_mode
    if str(module.weight.dtype) != "torch.float32":
        keywords["dtype"] = Name(str(module.weight.dtype))
    return layer(name, module.in_channels, module.out_channels, module.kernel_size, **keywords)
