"""Models of Flax, linen's and nnx's: their convolutions as they are called."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np

from parity.cases.arrays import Array
from parity.frameworks.code.layer import Layer, Name
from parity.frameworks.interface import Framework
from parity.frameworks.jax.flax.read import read_arguments
from parity.frameworks.jax.flax.run import call
from parity.frameworks.jax.installation import load
from parity.frameworks.model import LEAST_RANK, Model, Ran, Seen, Unread, raised
from parity.frameworks.uses import use_of

_IN_USE = {
    "train": False,
    "training": False,
    "is_training": False,
    "deterministic": True,
    "use_running_average": True,
}
"""Arguments by which a model is told that it is used and not trained."""

_FUNCTIONS = ("conv", "conv_general_dilated", "conv_transpose", "conv_with_general_padding")
"""Those of ``jax.lax`` that convolve."""


def owns_model(thing: object) -> bool:
    """Return whether it is a module, or a pair of a linen module and its variables; nothing is imported."""
    linen: Any = sys.modules.get("flax.linen")
    nnx: Any = sys.modules.get("flax.nnx")
    if linen is not None and isinstance(thing, tuple) and len(thing) == len(("module", "variables")):
        return isinstance(thing[0], linen.Module) and isinstance(thing[1], Mapping)
    kinds = [each.Module for each in (linen, nnx) if each is not None]
    return isinstance(thing, tuple(kinds))


class LinenModel(Model):
    """A linen module with its variables.

    Args:
        flax: the framework.
        module: the module, not bound.
        variables: of it; None to draw them for the inputs of a run.
    """

    framework = "flax"
    state_is = "the variables"

    def __init__(self, flax: Framework, module: Any, variables: Any) -> None:
        self._flax, self._module, self._variables = flax, module, variables
        if variables is None:
            drawn = "the linen module has no variables: they are drawn with jax.random.key(0)"
            self.notes = (f"{drawn}; give a pair (module, variables) for its own",)

    def run(self, inputs: Sequence[Array], seen: Seen) -> Ran:
        """Apply the module, with what is compiled run as it stands."""
        from flax import linen  # noqa: PLC0415 - imported when first used

        jax, module = load(), self._module
        given = [_last(each) for each in inputs]
        in_use = _told(type(module))
        watch = _Watch(self._flax, seen)

        def intercept(following: Any, args: Any, kwargs: Any, context: Any) -> Any:
            if context.method_name != "__call__":
                return following(*args, **kwargs)
            found = context.module
            path = tuple(found.path) or (type(found).__name__,)
            state = f"state['params']{''.join(f'[{each!r}]' for each in found.path)}"
            layer = partial(_of_linen, found, self._variables)
            kinds = (linen.Conv, linen.ConvTranspose)
            return watch.layer(found, kinds, "/".join(path), state, layer, following, args, kwargs)

        with jax.disable_jit(), _width(self._variables, inputs):
            try:
                if self._variables is None:
                    self._variables = module.init(jax.random.key(0), *given, **in_use)
                with watch.watching(), linen.intercept_methods(intercept):
                    found = module.apply(self._variables, *given, mutable=False, **in_use)
            except (Exception, SystemExit) as error:
                raise raised(f"the linen model {type(module).__name__}", error, inputs) from error
        return Ran(_outputs(found), tuple(watch.unread.values()))


class NnxModel(Model):
    """An nnx module.

    Args:
        flax: the framework.
        module: the module.
    """

    framework = "flax"
    state_is = "nnx.to_pure_dict(nnx.state(model))"

    def __init__(self, flax: Framework, module: Any) -> None:
        self._flax, self._module = flax, module

    def run(self, inputs: Sequence[Array], seen: Seen) -> Ran:
        """Call a copy of the module that is told to evaluate, with what is compiled run as it stands."""
        from flax import nnx  # noqa: PLC0415 - imported when first used

        module = nnx.merge(*nnx.split(self._module))
        module.eval()
        paths = {id(each): path for path, each in nnx.iter_modules(module)}
        watch = _Watch(self._flax, seen)
        kinds = (nnx.Conv, nnx.ConvTranspose)
        calls = {kind: kind.__call__ for kind in kinds}

        def watched(kind: Any) -> Callable[..., Any]:
            def of_layer(found: Any, *args: Any, **kwargs: Any) -> Any:
                path = paths.get(id(found), ())
                name = ".".join(map(str, path)) or type(found).__name__
                state = f"state{''.join(f'[{each!r}]' for each in path)}"
                layer = partial(_of_nnx, found)
                following = partial(calls[kind], found)
                return watch.layer(found, kinds, name, state, layer, following, args, kwargs)

            return of_layer

        in_use = _told(type(module))
        with load().disable_jit(), _width(nnx.state(module), inputs), watch.watching():
            try:
                for kind in kinds:
                    kind.__call__ = watched(kind)
                found = module(*map(_last, inputs), **in_use)
            except (Exception, SystemExit) as error:
                raise raised(f"the nnx model {type(module).__name__}", error, inputs) from error
            finally:
                for kind, original in calls.items():
                    kind.__call__ = original
        return Ran(_outputs(found), tuple(watch.unread.values()))


def open_model(flax: Framework, thing: Any) -> Model:
    """Open a module; of linen with its variables, where it is bound or a pair."""
    from flax import nnx  # noqa: PLC0415 - imported when first used

    if isinstance(thing, nnx.Module):
        return NnxModel(flax, thing)
    if isinstance(thing, tuple):
        module, variables = thing
        return LinenModel(flax, module, variables)
    if thing.scope is not None:
        module, variables = thing.unbind()
        return LinenModel(flax, module, variables)
    return LinenModel(flax, thing, None)


def _told(kind: type) -> dict[str, bool]:
    """Return the arguments that tell modules of this class that they are used and not trained."""
    names = inspect.signature(kind.__call__).parameters
    return {name: value for name, value in _IN_USE.items() if name in names}


@contextlib.contextmanager
def _width(variables: Any, inputs: Sequence[Array]) -> Iterator[None]:
    """Have JAX make arrays of 32 bits, as it does by itself, where the model is none of float64.

    With 64 a model's own ``jnp.ones(shape)`` is float64, and all that comes behind it.
    """
    jax = load()
    arrays = [*jax.tree.leaves(variables), *inputs]
    wide = any(str(getattr(each, "dtype", "")) == "float64" for each in arrays)
    with _bits(wide=wide):
        yield


def _bits(*, wide: bool) -> Any:
    """Return the context in which JAX makes arrays of 64 bits, or of 32, whatever is set outside."""
    jax = load()
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(wide)
    from jax import experimental  # noqa: PLC0415 - where it was before

    return experimental.enable_x64(wide)


class _Watch:
    """Watches a run.

    Attributes:
        unread: what cannot be read, by its name.
    """

    def __init__(self, flax: Framework, seen: Seen) -> None:
        self._flax, self._seen = flax, seen
        self._inside = 0
        self._path = ""
        self.unread: dict[str, Unread] = {}

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Note the calls of JAX's own convolutions within, outside of Flax's layers."""
        lax = load().lax
        originals = {name: getattr(lax, name) for name in _FUNCTIONS}
        for name, original in originals.items():
            setattr(lax, name, partial(self._function, name, original))
        try:
            yield
        finally:
            for name, original in originals.items():
                setattr(lax, name, original)

    def _function(self, name: str, original: Any, *args: Any, **kwargs: Any) -> Any:
        if not self._inside:
            where = f"{self._path}:lax.{name}" if self._path else f"the model:lax.{name}"
            reason = f"jax.lax.{name} is called outside of Flax's layers, and is not read"
            self.unread.setdefault(where, Unread(where, reason))
        return original(*args, **kwargs)

    def layer(
        self,
        module: Any,
        kinds: tuple[type, ...],
        name: str,
        state: str,
        describe: Callable[[], tuple[Layer, list[Array], Any, bool]],
        following: Callable[..., Any],
        args: Any,
        kwargs: Any,
    ) -> Any:
        """Call a layer, and tell of it where it is a convolution that is known."""
        if self._inside or not any(_is_plain(module, kind) for kind in kinds):
            if isinstance(module, kinds) and not self._inside:
                reason = f"{type(module).__name__} computes something else than the layer that it is made of"
                self.unread.setdefault(name, Unread(name, reason))
            before, self._path = self._path, name
            try:
                return following(*args, **kwargs)
            finally:
                self._path = before
        self._inside += 1
        try:
            output = following(*args, **kwargs)
            self._tell(name, state, describe, args[0] if args else kwargs["inputs"], output)
        finally:
            self._inside -= 1
        return output

    def _tell(self, name: str, state: str, describe: Any, x: Any, y: Any) -> None:
        if isinstance(y, load().core.Tracer):
            reason = "it is called within a transform, such as jax.vmap or remat, where arrays have no values"
            self.unread.setdefault(name, Unread(name, reason))
            return
        text, weights, layer, is_held = describe()
        rank = weights[0].ndim - 2
        given, output = (_first(np.asarray(each), rank) for each in (x, y))
        if output.dtype != weights[0].dtype:
            reason = f"its weights are {weights[0].dtype} and it is computed in {output.dtype}"
            self.unread.setdefault(name, Unread(name, reason))
            return
        places = [f"{state}[{array!r}]" for array in ("kernel", "bias")[: len(weights)] if is_held]
        again = partial(call, layer, weights)
        found = use_of(self._flax, name, repr(text), weights, given.shape, state=places, again=again)
        if isinstance(found, Unread):
            self.unread.setdefault(name, found)
        else:
            with _bits(wide=True):
                self._seen(found, given, output)


def _is_plain(module: Any, kind: type) -> bool:
    """Return whether a module computes what this class does: it is one, or of a subclass that adds names."""
    own = type(module)
    return isinstance(module, kind) and all(
        getattr(own, name, None) is getattr(kind, name, None) for name in ("__call__", "param")
    )


def _of_linen(module: Any, variables: Any) -> tuple[Layer, list[Array], Any, bool]:
    """Return the call that makes a linen layer, its arrays, the layer alone, and whether its model has them.

    A weight norm computes them, and a scan cuts them out of arrays of all its steps.
    """
    from flax import linen  # noqa: PLC0415 - imported when first used
    from flax.core import meta  # noqa: PLC0415

    kind = linen.Conv if isinstance(module, linen.Conv) else linen.ConvTranspose
    usual = {each.name: each.default for each in fields(kind)}
    params = meta.unbox(module.variables["params"])
    weights = [np.asarray(params[each]) for each in ("kernel", "bias") if each in params]
    held = meta.unbox(variables["params"])
    for each in module.path:
        held = held.get(each, {})
    own = [held.get(each) for each in ("kernel", "bias") if each in params]
    pairs = zip(own, weights, strict=True)
    is_held = all(a is not None and np.array_equal(np.asarray(a), b) for a, b in pairs)
    text = _text(f"linen:{kind.__name__}", module, usual)
    return text, weights, module.clone(parent=None, name=None), is_held


def _of_nnx(module: Any) -> tuple[Layer, list[Array], Any, bool]:
    """Return the call that makes an nnx layer, its arrays, the layer, and that its model holds them."""
    from flax import nnx  # noqa: PLC0415 - imported when first used

    kind = nnx.Conv if isinstance(module, nnx.Conv) else nnx.ConvTranspose
    parameters = inspect.signature(kind.__init__).parameters
    usual = {name: each.default for name, each in parameters.items()}
    held = [module.kernel, *([module.bias] if module.use_bias else [])]
    weights = [np.asarray(each[...]) for each in held]
    return _text(f"nnx:{kind.__name__}", module, usual), weights, module, True


def _text(kind: str, module: Any, usual: Mapping[str, Any]) -> Layer:
    """Return the call with the arguments that are not as they are by default."""
    given = {}
    for name in read_arguments(*kind.split(":")):
        value = getattr(module, name, None)
        default = usual.get(name)
        if value is None or value is default or (not callable(value) and value == default):
            continue
        given[name] = _written(value)
    return Layer(f"flax.{kind}", (), tuple(given.items()))


def _written(value: Any) -> Any:
    """Return an argument as code has it."""
    if isinstance(value, str | int | bool):
        return value
    if isinstance(value, Sequence):
        return tuple(map(_written, value))
    with contextlib.suppress(TypeError):
        return Name(f"jax.numpy.{np.dtype(value).name}")
    return value


def _last(array: Array) -> Array:
    return np.moveaxis(array, 1, -1) if array.ndim >= LEAST_RANK else array


def _first(array: Array, rank: int) -> Array:
    """Return (N, C, *spatial) of what may have no batch, or several axes of one."""
    batched = array.reshape(-1, *array.shape[-rank - 1 :])
    return np.moveaxis(batched, -1, 1)


def _outputs(found: Any) -> tuple[Array, ...]:
    leaves = [np.asarray(each) for each in load().tree.leaves(found)]
    return tuple(np.moveaxis(each, -1, 1) if each.ndim >= LEAST_RANK else each for each in leaves)
