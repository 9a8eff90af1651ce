"""Who is compared: each computes a layer's output and its gradients from the same arrays, in its own way.

A contender gives a call for each part that it can do, and how to see what the call returns as convmm's array.
Its arrays are made before, in its own layout; what it takes to move data between layouts is not measured.
"""

from __future__ import annotations

import importlib.util
import math
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import convmm
from speed.layers import PARTS, Layer

Array = NDArray[Any]

# Floating point operations, and elements of a matrix, beyond which the slow ones would take minutes.
_MOST_OF_THE_SLOW = 500_000_000
_MOST_OF_STEPS = 20_000_000


class Operands(NamedTuple):
    """A layer's arrays."""

    x: Array
    w: Array
    dy: Array

    @classmethod
    def of(cls, layer: Layer, dtype: str) -> Operands:
        """Draw normally distributed numbers."""
        rng = np.random.default_rng(0)
        return cls(*(rng.standard_normal(shape).astype(dtype) for shape in (layer.x, layer.w, layer.y)))


class Timed(NamedTuple):
    """A call to time, and what makes convmm's array of its result."""

    call: Callable[[], Any]
    as_array: Callable[[Any], Array] = np.asarray


Calls = dict[str, Timed]


def ours(layer: Layer, operands: Operands, module: Any = convmm) -> Calls:  # noqa: ANN401 - convmm, or another version
    """Make convmm, or another version of it."""
    x, w, dy = operands
    forward, input_grad, weight_grad = (
        getattr(module, layer.operation + suffix) for suffix in PARTS.values()
    )
    arguments = {**layer.arguments, **layer.added}
    return {
        "forward": Timed(lambda: forward(x, w, **arguments)),
        "input grad": Timed(lambda: input_grad(dy, w, x.shape[2:], **arguments)),
        "weight grad": Timed(lambda: weight_grad(x, dy, w.shape[2:], **arguments)),
    }


def limit(layer: Layer, operands: Operands) -> Calls:
    """Make NumPy's product of two matrices of the layer's own shapes, with as many multiplications."""
    rows, terms, columns = layer.product
    rng = np.random.default_rng(0)
    shapes = (rows, terms), (terms, columns)
    a, b = (rng.standard_normal(shape).astype(operands.x.dtype) for shape in shapes)
    return dict.fromkeys(PARTS, Timed(lambda: np.matmul(a, b)))


def torch(layer: Layer, operands: Operands) -> Calls:
    """Make PyTorch's functions; the gradients by the one that its autograd calls."""
    import torch  # noqa: PLC0415 - only where it is compared

    rank = layer.rank
    x, w, dy = (torch.from_numpy(array) for array in operands)
    forward = getattr(torch.nn.functional, f"{layer.operation}{rank}d")
    geometry = [[getattr(layer, name)] * rank for name in ("stride", "padding", "dilation")]
    added = [layer.output_padding] * rank

    def grad(which: int) -> Callable[[], Any]:
        backward = torch.ops.aten.convolution_backward
        mask = [number == which for number in range(3)]
        return lambda: backward(dy, x, w, None, *geometry, layer.transposed, added, layer.groups, mask)

    return {
        "forward": Timed(lambda: forward(x, w, **layer.arguments, **layer.added)),
        "input grad": Timed(grad(0), lambda found: np.asarray(found[0])),
        "weight grad": Timed(grad(1), lambda found: np.asarray(found[1])),
    }


def tensorflow(layer: Layer, operands: Operands) -> Calls:
    """Make TensorFlow's kernels, channels last, its one layout on every CPU; 1d as 2d with one row.

    Not with groups; with dilation the forward pass only, as it has no such gradients on a CPU.
    """
    import tensorflow as tf  # noqa: PLC0415 - only where it is compared

    if layer.groups > 1 or (layer.transposed and layer.dilation > 1):
        return {}
    raw, rank = tf.raw_ops, max(layer.rank, 2)
    correlate, spread, weights = {
        2: (raw.Conv2D, raw.Conv2DBackpropInput, raw.Conv2DBackpropFilter),
        3: (raw.Conv3D, raw.Conv3DBackpropInputV2, raw.Conv3DBackpropFilterV2),
    }[rank]
    x, w, dy = (array if layer.rank > 1 else array[:, :, None] for array in operands)
    fine, coarse = (dy, x) if layer.transposed else (x, dy)
    pads = [(0, 0)] * (rank + 2)
    pads[-1 - layer.rank : -1] = [(layer.padding, layer.padding)] * layer.rank
    padded = tf.constant(np.pad(np.moveaxis(fine, 1, -1), pads))
    given, kernel = tf.constant(np.moveaxis(coarse, 1, -1)), tf.constant(np.moveaxis(w, (0, 1), (-1, -2)))
    how = {"strides": [1, *(layer.stride,) * rank, 1], "padding": "VALID"}
    how["dilations"] = [1, *(layer.dilation,) * rank, 1] if layer.rank > 1 else [1, 1, layer.dilation, 1]
    inside = tuple(slice(b, n - a) for n, (b, a) in zip(padded.shape, pads, strict=True))
    of_coarse, of_fine = (each.shape for each in (operands.x, operands.dy)[:: 1 if layer.transposed else -1])
    to_coarse = Timed(
        lambda: correlate(input=padded, filter=kernel, **how),
        lambda found: np.moveaxis(found.numpy(), -1, 1).reshape(of_coarse),
    )
    if layer.dilation > 1:
        return {"forward": to_coarse}
    to_fine = Timed(
        lambda: spread(input_sizes=padded.shape, filter=kernel, out_backprop=given, **how),
        lambda found: np.moveaxis(found.numpy()[inside], -1, 1).reshape(of_fine),
    )
    to_kernel = Timed(
        lambda: weights(input=padded, filter_sizes=kernel.shape, out_backprop=given, **how),
        lambda found: np.moveaxis(found.numpy(), (-1, -2), (0, 1)).reshape(operands.w.shape),
    )
    forward, input_grad = (to_fine, to_coarse) if layer.transposed else (to_coarse, to_fine)
    return {"forward": forward, "input grad": input_grad, "weight grad": to_kernel}


def jax(layer: Layer, operands: Operands) -> Calls:
    """Make JAX's convolution, compiled, and its transposes."""
    import jax  # noqa: PLC0415 - only where it is compared

    jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - its signature
    x, w, dy = map(jax.numpy.asarray, operands)
    fine, coarse = (dy, x) if layer.transposed else (x, dy)

    def correlate(fine: Any, w: Any) -> Any:  # noqa: ANN401 - JAX's arrays
        return jax.lax.conv_general_dilated(
            fine,
            w,
            (layer.stride,) * layer.rank,
            [(layer.padding, layer.padding)] * layer.rank,
            rhs_dilation=(layer.dilation,) * layer.rank,
            feature_group_count=layer.groups,
        )

    def transpose(of: Callable[[Any], Any], like: Any) -> Any:  # noqa: ANN401
        return jax.jit(lambda given: jax.linear_transpose(of, like)(given)[0])

    to_coarse, to_fine = jax.jit(correlate), transpose(lambda each: correlate(each, w), fine)
    to_kernel = transpose(lambda each: correlate(fine, each), w)
    calls = [lambda: to_coarse(fine, w).block_until_ready(), lambda: to_fine(coarse).block_until_ready()]
    forward, input_grad = calls[::-1] if layer.transposed else calls
    return {
        "forward": Timed(forward),
        "input grad": Timed(input_grad),
        "weight grad": Timed(lambda: to_kernel(coarse).block_until_ready()),
    }


def onnxruntime(layer: Layer, operands: Operands) -> Calls:
    """Make ONNX Runtime on a model of this one layer: float32, its only dtype on a CPU; no gradients."""
    import onnxruntime  # noqa: PLC0415 - only where it is compared

    if operands.x.dtype != np.float32:
        return {}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = convmm.get_threads()
    session = onnxruntime.InferenceSession(
        _onnx_model(layer, operands).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    given = {"x": operands.x, "w": operands.w}
    return {"forward": Timed(lambda: session.run(None, given)[0])}


def onnx(layer: Layer, operands: Operands) -> Calls:
    """Make ONNX's reference evaluator on the same model."""
    from onnx.reference import ReferenceEvaluator  # noqa: PLC0415 - only where it is compared

    if layer.flops > _MOST_OF_THE_SLOW:
        return {}
    session = ReferenceEvaluator(_onnx_model(layer, operands))
    given = {"x": operands.x, "w": operands.w}
    return {"forward": Timed(lambda: session.run(None, given)[0])}


def _onnx_model(layer: Layer, operands: Operands) -> Any:  # noqa: ANN401 - a protocol buffer
    from onnx import helper  # noqa: PLC0415 - only where it is compared

    attributes: dict[str, Any] = {
        "strides": [layer.stride] * layer.rank,
        "pads": [layer.padding] * (2 * layer.rank),
        "dilations": [layer.dilation] * layer.rank,
        "group": layer.groups,
    }
    if layer.transposed:
        attributes["output_padding"] = [layer.output_padding] * layer.rank
    node = helper.make_node("ConvTranspose" if layer.transposed else "Conv", ["x", "w"], ["y"], **attributes)
    dtype = helper.np_dtype_to_tensor_dtype(operands.x.dtype)
    values = [helper.make_tensor_value_info(name, dtype, getattr(layer, name)) for name in ("x", "w", "y")]
    graph = helper.make_graph([node], layer.operation, values[:2], values[2:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def scipy(layer: Layer, operands: Operands) -> Calls:
    """Make SciPy's correlation of each sample and filter at stride 1, of which each stride-th is kept."""
    from scipy import signal  # noqa: PLC0415 - only where it is compared

    dense = layer.flops * layer.stride**layer.rank
    if layer.transposed or layer.dilation > 1 or layer.groups > 1 or dense > _MOST_OF_THE_SLOW:
        return {}
    padded = np.pad(operands.x, [(0, 0), (0, 0), *[(layer.padding, layer.padding)] * layer.rank])
    kept: tuple[Any, ...] = (0, *[slice(None, None, layer.stride)] * layer.rank)

    def forward() -> Array:
        rows = [[signal.correlate(x, w, "valid")[kept] for w in operands.w] for x in padded]
        return np.array(rows)

    return {"forward": Timed(forward)}


def steps(layer: Layer, operands: Operands) -> Calls:
    """Make the step-by-step route, with its matrix sparse."""
    geometry = layer.geometry()
    elements = math.prod(layer.w) * math.prod(geometry.coarse) * layer.stride**layer.rank
    if elements > _MOST_OF_STEPS:
        return {}
    route = getattr(convmm, f"{layer.operation}_steps")
    x, w, _ = operands
    arguments = {**layer.arguments, **layer.added}
    return {"forward": Timed(lambda: route(x, w, **arguments, sparse=True)[-1].array)}


OWN: dict[str, Callable[[Layer, Operands], Calls]] = {"limit": limit, "convmm": ours}
"""What every other one is compared with."""

OTHERS: dict[str, Callable[[Layer, Operands], Calls]] = {
    "torch": torch,
    "tensorflow": tensorflow,
    "jax": jax,
    "onnxruntime": onnxruntime,
    "onnx": onnx,
    "scipy": scipy,
    "steps": steps,
}

CONTENDERS = OWN | OTHERS

_NEEDS = {"onnxruntime": ("onnxruntime", "onnx"), "steps": ("scipy",)}


def missing(name: str) -> list[str]:
    """Return the packages that a contender needs and that are not installed."""
    return [each for each in _NEEDS.get(name, (name,)) if importlib.util.find_spec(each) is None]


def pin_threads(threads: int, names: list[str]) -> None:
    """Set the same number of threads for everyone; JAX takes one, or as many as there are processors."""
    convmm.set_threads(threads)
    threadpool_limits(threads, "blas")
    if "torch" in names:
        import torch  # noqa: PLC0415 - only where it is compared

        torch.set_num_threads(threads)
    if "tensorflow" in names:
        import tensorflow as tf  # noqa: PLC0415 - only where it is compared

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    if threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
