"""Models of PyTorch: their convolutions by hooks of modules, and else by the operations themselves."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from parity.cases.arrays import Array
from parity.cases.case import DTYPES, Case
from parity.frameworks.attempt import attempt, one_line
from parity.frameworks.code.live import LiveError
from parity.frameworks.interface import Framework
from parity.frameworks.model import Model, ModelError, Ran, Seen, Unread, file_error, raised
from parity.frameworks.spelling import Spelling
from parity.frameworks.torch.arrays import to_numpy, to_torch
from parity.frameworks.torch.live import call_of
from parity.frameworks.uses import use_of

SUFFIX = ".pt2"
"""How the names of files end that ``torch.export.save`` writes."""


class TorchModel(Model):
    """A module, or an exported program as one.

    Args:
        torch: the framework.
        module: the model.
        shapes: of its inputs, where it takes no others.
    """

    framework = "torch"
    state_is = "model.state_dict()"

    def __init__(
        self, torch: Framework, module: Any, shapes: tuple[tuple[int | None, ...], ...] | None = None
    ) -> None:
        self._torch, self._module, self._shapes = torch, module, shapes
        training = [each for each in module.modules() if each.training]
        if training and shapes is None:
            self.notes = (
                "the model is in training mode: it is run as in evaluation mode, and left as it was",
            )
        self._names = {id(each): name or type(each).__name__ for name, each in module.named_modules()}
        self._state = _by_address(module)

    @property
    def declared(self) -> tuple[tuple[int | None, ...], ...] | None:
        """The shapes that it was exported for; None of a module, which says none."""
        return self._shapes

    def run(self, inputs: Sequence[Array], seen: Seen) -> Ran:
        """Run the module in evaluation mode, without gradients."""
        import torch  # noqa: PLC0415 - imported when first used
        from torch.utils._pytree import tree_leaves  # noqa: PLC0415 - what torch.export is made of

        given = [self._placed(each) for each in inputs]
        watch = _Watch(self._torch, self._names, self._state, seen)
        with torch.no_grad(), _evaluating(self._module, exported=self._shapes is not None), watch.watching():
            try:
                found = self._module(*given)
            except (ModelError, KeyboardInterrupt):
                raise
            except BaseException as error:
                raise raised(f"the torch model {type(self._module).__name__}", error, inputs) from error
        outputs = [each for each in tree_leaves(found) if torch.is_tensor(each)]
        return Ran(tuple(to_numpy(each.detach()) for each in outputs), tuple(watch.unread.values()))

    def _placed(self, array: Array) -> Any:
        """Make a tensor where the model is, in the dtype of its parameters if it holds no integers."""
        tensor = to_torch(array)
        first = next((each for each in self._module.parameters() if each.is_floating_point()), None)
        if first is None:
            return tensor
        return tensor.to(device=first.device, dtype=first.dtype if tensor.is_floating_point() else None)


def open_model(torch: Framework, thing: Any) -> TorchModel:
    """Open a module, or the file of a program that ``torch.export.save`` wrote.

    Raises:
        ModelError: its arrays are on several devices, or have no values; or a file that holds no program.
    """
    if isinstance(thing, Path):
        return _exported(torch, thing)
    module = getattr(thing, "_orig_mod", thing)  # of torch.compile
    arrays = [*module.named_parameters(), *module.named_buffers()]
    lazy = [name for name, each in arrays if type(each).__name__.startswith("Uninitialized")]
    if lazy:
        raise ModelError(f"{lazy[0]} has no values: call the model once with an input, which makes them")
    devices = {str(each.device): name for name, each in arrays}
    if "meta" in devices:
        raise ModelError(f"{devices['meta']} is on the device meta, and has no values")
    if len(devices) > 1:
        listed = ", ".join(f"{name} on {device}" for device, name in devices.items())
        raise ModelError(f"the model is on several devices, {listed}: allowed is one of them")
    return TorchModel(torch, module)


def _exported(torch: Framework, path: Path) -> TorchModel:
    library: Any = torch.load()
    try:
        program = library.export.load(path)
    except Exception as error:
        raise file_error(path, f"it is no program that torch.export.save wrote: {one_line(error)}") from error
    given = program.example_inputs
    leaves = [] if given is None else [each for each in given[0] if library.is_tensor(each)]
    shapes = tuple(tuple(int(size) for size in each.shape) for each in leaves)
    return TorchModel(torch, program.module(), shapes)


@contextlib.contextmanager
def _evaluating(module: Any, *, exported: bool) -> Iterator[None]:
    """Have all modules evaluate, and then train again which did; a program is exported in one mode."""
    if exported:
        yield
        return
    training = [each for each in module.modules() if each.training]
    for each in training:
        each.training = False
    try:
        yield
    finally:
        for each in training:
            each.training = True


def _by_address(module: Any) -> dict[tuple[Any, ...], str]:
    """Return the names of a model's arrays, by where they lie and what of that they are."""
    named = [*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)]
    found, _warnings = attempt(lambda: set(module.state_dict()))
    kept = set() if isinstance(found, BaseException) else found  # one of the user's own may raise
    held = {_address(each): name for name, each in reversed(named) if str(each.layout) == "torch.strided"}
    return {where: name if name in kept else "" for where, name in held.items()}


def _address(tensor: Any) -> tuple[Any, ...]:
    return tensor.data_ptr(), tuple(tensor.shape), tensor.stride(), tensor.dtype


class _Within(threading.local):
    """What is running in a thread.

    Attributes:
        stack: the modules, each with its text if it is a known one.
        last: the operation that a known one has called, with its arguments and its output.
    """

    def __init__(self) -> None:
        self.stack: list[tuple[Any, str | None]] = []
        self.last: tuple[Any, Any, Any] | None = None


class _Watch:
    """Watches a run: modules that are known by hooks, everything else by the operations themselves.

    Attributes:
        unread: what cannot be read, by its name.
    """

    def __init__(
        self, torch: Framework, names: Mapping[int, str], state: Mapping[tuple[Any, ...], str], seen: Seen
    ) -> None:
        self._torch, self._names, self._state, self._seen = torch, names, state, seen
        self._within = _Within()
        self.unread: dict[str, Unread] = {}

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch what runs within."""
        from torch.nn.modules import module as hooks  # noqa: PLC0415 - imported when first used
        from torch.utils._python_dispatch import TorchDispatchMode  # noqa: PLC0415

        watch = self

        class Mode(TorchDispatchMode):  # type: ignore[misc] # torch carries no types here
            """Hands over every convolution that no known module calls."""

            def __torch_dispatch__(
                self, function: Any, _types: Any, args: Any = (), kwargs: Any = None
            ) -> Any:
                found = function(*args, **(kwargs or {}))
                if "conv" in function.__name__:
                    watch.operation(function, args, found)
                return found

        entering = hooks.register_module_forward_pre_hook(self._enter)
        leaving = hooks.register_module_forward_hook(self._leave, with_kwargs=True, always_call=True)
        try:
            with Mode():
                yield
        finally:
            entering.remove()
            leaving.remove()

    def _enter(self, module: Any, _args: Any) -> None:
        self._within.stack.append((module, None if self._is_within else _text(module)))

    def _leave(self, module: Any, args: Any, *rest: Any) -> None:
        stack = self._within.stack
        text, last = stack[-1][1], self._within.last
        try:
            if text is None or len(rest) == 1:  # without keywords: it has raised, and its caller may go on
                return
            self._within.last = None
            kwargs, output = rest
            if last is not None and (args[1:] or kwargs.get("output_size") is not None):
                self._computed(module, *last)  # its output_padding is of this call, and not the layer's own
            else:
                self._known(module, text, args, kwargs, output)
        finally:
            stack.pop()

    def _known(self, module: Any, text: str, args: Any, kwargs: Any, output: Any) -> None:
        given = args[0] if args else kwargs["input"]
        weights = [module.weight, *([] if module.bias is None else [module.bias])]
        name = self._names.get(id(module), type(module).__name__)
        if output.dtype != module.weight.dtype:
            what = f"its weights are {module.weight.dtype} and it is computed in {output.dtype}, by autocast"
            self.unread.setdefault(name, Unread(name, what))
            return
        self._tell(name, text, weights, given, output, partial(_again, module, given.dtype))

    @property
    def _is_within(self) -> bool:
        """Whether a known module is running, which has told of what it calls."""
        return any(text is not None for _, text in self._within.stack)

    def _tell(self, name: str, text: str, weights: Any, given: Any, output: Any, again: Any) -> None:
        x, y = _batched(given, weights[0]), _batched(output, weights[0])
        arrays = [to_numpy(each.detach()) for each in weights]
        held = [self._state.get(_address(each)) for each in weights]
        state = [f"state[{json.dumps(each, ensure_ascii=False)}]" for each in held] if all(held) else []
        found = use_of(self._torch, name, text, arrays, tuple(x.shape), state=state, again=again)
        if isinstance(found, Unread):
            self.unread.setdefault(name, found)
        else:
            self._seen(found, to_numpy(x.detach()), to_numpy(y.detach()))

    def operation(self, function: Any, args: Any, output: Any) -> None:
        """Take an operation whose name says that it is a convolution."""
        if "backward" in function.__name__:
            return
        if self._is_within:
            self._within.last = function, args, output
            return
        stack = self._within.stack
        self._computed(stack[-1][0] if stack else None, function, args, output)

    def _computed(self, module: Any, function: Any, args: Any, output: Any) -> None:
        import torch  # noqa: PLC0415 - imported when first used

        inside = self._names.get(id(module), type(module).__name__) if module is not None else "the model"
        if function not in {torch.ops.aten.convolution.default, torch.ops.aten._convolution.default}:  # noqa: SLF001 - what tracing leaves
            name = f"{inside}:{function.name()}"
            self.unread.setdefault(name, Unread(name, f"{function.name()} is an operation that is not read"))
            return
        given, weight, bias, stride, padding, dilation, transposed, output_padding, groups = args[:9]
        is_layer = isinstance(module, torch.nn.modules.conv._ConvNd)  # noqa: SLF001 - torch has no other name for them
        held = self._state.get(_address(weight))
        name = _named(held, inside, is_layer=is_layer)
        if held is None and not is_layer:
            reason = "its kernel is computed while the model runs, and is no array of the model"
            name = f"{name}:{'conv_transpose' if transposed else 'conv'}{weight.dim() - 2}d"
            self.unread.setdefault(name, Unread(name, reason))
            return
        dtype = str(weight.dtype).removeprefix("torch.")
        if dtype not in DTYPES:
            self.unread.setdefault(name, Unread(name, f"its kernel is of dtype {dtype}"))
            return
        rank = weight.dim() - 2
        case = Case(
            f"conv_transpose{rank}d" if transposed else f"conv{rank}d",
            tuple(given.shape),
            weight.shape[1] * groups if transposed else weight.shape[0],
            tuple(weight.shape[2:]),
            stride=_each(stride, rank),
            padding=_each(padding, rank),
            output_padding=_each(output_padding, rank) if transposed else None,
            dilation=_each(dilation, rank),
            groups=groups,
            bias=bias is not None,
            dtype=dtype,
        )
        [layer, *_] = self._torch.spell(case)
        assert isinstance(layer, Spelling)  # noqa: S101 - it has just computed it
        weights = [weight, *([] if bias is None else [bias])]
        fixed = [None if each is None else each.detach().clone() for each in (weight, bias)]
        again = partial(_again_by_operation, function, fixed, args[3:], given.dtype)
        self._tell(name, str(layer.layer), weights, given, output, again)


def _text(module: Any) -> str | None:
    """Return the call that makes a convolution, where it computes what its class says; None of others."""
    if type(module).__module__ != "torch.nn.modules.conv":
        return None
    try:
        return repr(call_of(module))
    except LiveError:
        return None


def _named(held: str | None, inside: str, *, is_layer: bool) -> str:
    """Name a convolution that no known module calls: by its module, or by the kernel that it takes."""
    if is_layer or not held:
        return inside
    return held.removesuffix(".weight")


def _each(given: Sequence[int], rank: int) -> tuple[int, ...]:
    """Return one int an axis, of a list that may hold one for all."""
    return tuple(given) if len(given) == rank else tuple(given) * rank


def _batched(tensor: Any, weight: Any) -> Any:
    """Return (N, C, *spatial) of what may have no batch."""
    return tensor[None] if tensor.dim() == weight.dim() - 1 else tensor


def _again(module: Any, dtype: Any, x: Array) -> Array:
    import torch  # noqa: PLC0415 - imported when first used

    with torch.no_grad():
        return to_numpy(module(to_torch(x).to(device=module.weight.device, dtype=dtype)))


def _again_by_operation(function: Any, weights: Any, arguments: Any, dtype: Any, x: Array) -> Array:
    import torch  # noqa: PLC0415 - imported when first used

    weight, bias = weights
    with torch.no_grad():
        return to_numpy(function(to_torch(x).to(device=weight.device, dtype=dtype), weight, bias, *arguments))
