"""Functions with convmm's signature that behave as foreign code does; to be named by MODULE:FUNCTION."""

from __future__ import annotations

import itertools
import os
import resource
import signal
import sys
import time
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

import convmm

Array = NDArray[Any]


def right(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401 - whatever a layer takes
    return convmm.conv(x, w, bias, **arguments)


def aborts(*_: object, **__: object) -> None:
    os.abort()


def exits_with_0(*_: object, **__: object) -> None:
    os._exit(0)


def exits_with_7(*_: object, **__: object) -> None:
    os._exit(7)


def is_killed(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def raising(*_: Any, **__: Any) -> Any:  # noqa: ANN401 - a function that is called with anything
    msg = "not\ntoday"
    raise RuntimeError(msg)


def hangs(*_: object, **__: object) -> None:
    time.sleep(10_000)


def eats_memory(*_: object, **__: object) -> Array:
    resource.setrlimit(resource.RLIMIT_AS, (2**31, resource.RLIM_INFINITY))
    return np.concatenate([np.ones(2**27) for _ in range(64)])


def prints(*arguments: Any, **options: Any) -> Array:  # noqa: ANN401 - whatever a layer takes
    sys.stdout.write("printed by Python\n")
    os.write(1, b"written to standard output\n")
    os.write(2, b"written to standard error\n")
    warnings.warn("beware", stacklevel=2)
    return right(*arguments, **options)


def writes_to_its_last_output(*arguments: Any, **options: Any) -> Array:  # noqa: ANN401 - whatever a layer takes
    for last in _OUTPUTS:
        last[...] = -1
    _OUTPUTS[:] = [right(*arguments, **options)]
    return _OUTPUTS[0]


_OUTPUTS: list[Array] = []


def takes_its_time(*arguments: Any, **options: Any) -> Array:  # noqa: ANN401 - whatever a layer takes
    time.sleep(2)
    return right(*arguments, **options)


def aborts_at_stride_3(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401 - whatever a layer takes
    if arguments["stride"] == (3,):
        os.abort()
    return right(x, w, bias, **arguments)


def hangs_at_stride_3(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401 - whatever a layer takes
    if arguments["stride"] == (3,):
        hangs()
    return right(x, w, bias, **arguments)


def aborts_at_stride_3_of_conv(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401 - whatever a layer takes
    if "output_padding" in arguments:
        return convmm.conv_transpose(x, w, bias, **arguments)
    return aborts_at_stride_3(x, w, bias, **arguments)


def depends_on_the_threads(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401 - whatever a layer takes
    output = right(x, w, bias, **arguments)
    output[0, 0, 0] += convmm.get_threads() - 1
    return output


def rounds_differently_each_time(x: Array, w: Array, bias: Array | None = None, **arguments: Any) -> Array:  # noqa: ANN401 - whatever a layer takes
    output = right(x, w, bias, **arguments)
    output[0, 0, 0] = np.nextafter(
        output[0, 0, 0], np.float32(np.inf) if next(_CALLS) % 2 else output[0, 0, 0]
    )
    return output


_CALLS = itertools.count()
