"""Functions with convmm's signature that spoil what comes out of them; the stride says which is called."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from parity.cases.arrays import Array
from tests.support.foreign import right


def signalling_nans(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return signalling NaNs: the exponent is all ones, and of the significand the last bit alone is set."""
    bits = np.dtype(f"u{dtype.itemsize}")
    infinity = np.array(np.inf, dtype).view(bits)
    return np.full(shape, infinity + bits.type(1), bits).view(dtype)


class OwnError(BaseException):
    """A class that no other process can import from here."""


class SpeechlessError(Exception):
    def __str__(self) -> str:
        raise OwnError


class LeavingError(Exception):
    def __str__(self) -> str:  # noqa: PLE0307 - it never returns
        sys.exit(3)


class Text(str):
    """A text of a class that no other process has."""

    __slots__ = ("owner",)

    def __str__(self) -> str:
        return self


class Numbers(np.ndarray[Any, Any]):
    """An array of a class that no other process has, and that says other things of itself than it is."""

    @property
    def dtype(self) -> Any:  # noqa: ANN401 - on purpose
        return "hello"

    @property
    def size(self) -> Any:  # noqa: ANN401 - likewise
        os.abort()


def raises_its_own(*_: object, **__: object) -> None:
    raise OwnError("mine")


def raises_keyboard_interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt("nobody's")


def raises_generator_exit(*_: object, **__: object) -> None:
    raise GeneratorExit


def raises_without_words(*_: object, **__: object) -> None:
    raise SpeechlessError


def exits_when_asked_why(*_: object, **__: object) -> None:
    raise LeavingError


def says_half_a_character(*_: object, **__: object) -> None:
    raise ValueError("a\ud800b")


def says_very_much(*_: object, **__: object) -> None:
    raise ValueError("a" * 10**8)


def says_it_in_a_text_of_its_own(*_: object, **__: object) -> None:
    raise ValueError(Text("own"))


def returns_a_huge_view(*_: object, **__: object) -> Array:
    return np.broadcast_to(np.float32(0), (2**20, 2**20, 4))


def returns_texts(*_: object, **__: object) -> Array:
    return np.array(["a"])


def returns_its_own_array(*arguments: Any, **options: Any) -> Array:  # noqa: ANN401 - whatever a layer takes
    return right(*arguments, **options).view(Numbers)


def returns_its_own_dtype(*arguments: Any, **options: Any) -> Array:  # noqa: ANN401 - whatever a layer takes
    return right(*arguments, **options).view(np.dtype("f4", metadata={"owner": OwnError}))


def replaces_its_streams(*arguments: Any, **options: Any) -> Array:  # noqa: ANN401 - whatever a layer takes
    sys.stdout = sys.stderr = None  # as foreign code may
    return right(*arguments, **options)


def removes_what_it_writes(*arguments: Any, **options: Any) -> Array:  # noqa: ANN401 - whatever a layer takes
    shutil.rmtree(Path("/proc/self/fd/1").readlink().parent, ignore_errors=True)  # not other tests'
    return right(*arguments, **options)


def leaves_a_child(*arguments: Any, **options: Any) -> Array:  # noqa: ANN401 - whatever a layer takes
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    return right(*arguments, **options)


def leaves_a_program(*arguments: Any, **options: Any) -> Array:  # noqa: ANN401 - whatever a layer takes
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False)
    return right(*arguments, **options)


def writes_to_every_pipe(*arguments: Any, **options: Any) -> Array:  # noqa: ANN401 - whatever a layer takes
    for number in range(3, 1024):
        with suppress(OSError):
            if stat.S_ISFIFO(os.fstat(number).st_mode):
                os.write(number, b"\x00\x00\x00\x08garbage!")
    return right(*arguments, **options)


ACTS = (
    raises_its_own,
    raises_keyboard_interrupt,
    raises_generator_exit,
    raises_without_words,
    exits_when_asked_why,
    says_half_a_character,
    says_very_much,
    says_it_in_a_text_of_its_own,
    returns_a_huge_view,
    returns_texts,
    returns_its_own_array,
    returns_its_own_dtype,
    leaves_a_child,
    leaves_a_program,
    replaces_its_streams,
    removes_what_it_writes,
)


def act(*arguments: Any, stride: tuple[int, ...], **options: Any) -> Any:  # noqa: ANN401 - whatever it does
    return ACTS[stride[0] - 1](*arguments, stride=stride, **options)
