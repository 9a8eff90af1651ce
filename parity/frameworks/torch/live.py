"""Modules of ``torch.nn`` that their user has made, as the calls that make such ones."""

from __future__ import annotations

from typing import Any

from parity.frameworks.code.layer import Layer, Name, layer
from parity.frameworks.code.live import LiveError
from parity.frameworks.torch.read import CLASSES

_KINDS = [name for name in CLASSES if not name.startswith("Lazy")]
"""Classes whose objects have their weights: a lazy one's is another after its first call."""

_ITS_OWN = ("forward", "_conv_forward")
"""Methods that an object may have in the place of its class's."""

_HOOKS = ("_forward_hooks", "_forward_pre_hooks")


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
            f"{kind.__module__}.{kind.__qualname__} is {what}: allowed are {', '.join(_KINDS)} themselves"
        )
    changed = [each for each in _ITS_OWN if each in vars(module)]
    changed += [each.removeprefix("_") for each in _HOOKS if getattr(module, each)]
    if changed:
        raise LiveError(f"this {name} has {', '.join(changed)} of its own, which may change what it computes")
    return _call(name, module)


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
