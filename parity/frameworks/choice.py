"""Variables of the environment by which libraries choose their code when they are loaded."""

from __future__ import annotations

import platform
from dataclasses import dataclass


@dataclass(frozen=True)
class Level:
    """A choice among a library's code.

    Attributes:
        values: of the variable, which all mean it; "" stands for no such variable.
        flag: of the processor, as Linux names it, without which it changes nothing; None for any.
    """

    values: tuple[str, ...]
    flag: str | None = None


@dataclass(frozen=True)
class Choice:
    """A variable that libraries read once, and what it may be.

    Attributes:
        variable: its name.
        levels: the least code first, and last what is chosen where nothing is said.
    """

    variable: str
    levels: tuple[Level, ...]


_ONEDNN = Choice(
    "ONEDNN_MAX_CPU_ISA",
    (
        Level(("SSE41",), "sse4_1"),
        Level(("AVX",), "avx"),
        Level(("AVX2",), "avx2"),
        Level(("AVX2_VNNI",), "avx_vnni"),
        Level(("AVX2_VNNI_2",), "avx_vnni_int8"),
        Level(("AVX512_CORE",), "avx512f"),
        Level(("AVX512_CORE_VNNI",), "avx512_vnni"),
        Level(("AVX512_CORE_BF16",), "avx512_bf16"),
        Level(("AVX512_CORE_FP16", "AVX10_1_512"), "avx512_fp16"),
        Level(("AVX512_CORE_AMX", "AVX10_1_512_AMX"), "amx_bf16"),
        Level(("AVX512_CORE_AMX_FP16", "AVX10_1_512_AMX_FP16"), "amx_fp16"),
        Level(("", "DEFAULT")),
    ),
)
"""How far up oneDNN takes the processor's instructions."""

WITH_ONEDNN = Choice("TF_ENABLE_ONEDNN_OPTS", (Level(("0",)), Level(("", "1", "true"))))
"""Whether TensorFlow takes oneDNN's kernels where there are some."""


def of_onednn(*others: Choice) -> tuple[Choice, ...]:
    """Return what a library with oneDNN in it chooses by: on x86 alone oneDNN's levels are these."""
    return (_ONEDNN, *others) if platform.machine().lower() in {"x86_64", "amd64"} else ()
