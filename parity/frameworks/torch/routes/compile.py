"""The route "compile": ``torch.compile`` with inductor, which writes C++ and has it compiled."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from parity.cases.case import Case
from parity.frameworks.routes.way import Code, Way
from parity.frameworks.spelling import Refusal

_KEPT = 64
"""Compiled modules that a process keeps: they are some megabytes each, and then PyTorch forgets them all."""

_COMPILERS = ("g++", "clang++", "c++")


class Compile(Way):
    """``torch.compile(layer, fullgraph=True, dynamic=False)``: what a first call has, without a fallback."""

    seconds = 2.0
    errors = ("TorchRuntimeError",)  # what torch raises of tensors without values

    def why_unavailable(self) -> str | None:
        """Return that there is no compiler of C++, or None."""
        if any(map(shutil.which, _COMPILERS)):
            return None
        return f"needs a compiler of C++, one of {', '.join(_COMPILERS)}, and finds none in PATH: install one"

    def may_compute(self, case: Case, refused: Refusal) -> bool:  # noqa: ARG002 - part of the role
        """Return whether there is no kernel to look at: what is compiled does not."""
        return case.transposed and not case.filters

    def pin(self, threads: int) -> dict[str, Any]:  # noqa: ARG002 - torch has set them
        """Compile in this process, one kernel after another, as often as there are layers.

        What is compiled is kept among the process's own temporary files, wherever the user has theirs. So
        the first compilation has all headers to read, which is not to count as a layer's time.
        """
        import torch  # noqa: PLC0415 - imported when first used
        from torch._inductor import config  # noqa: PLC0415 - likewise

        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(Path(tempfile.gettempdir()) / "torchinductor")
        config.compile_threads = 1  # no processes beside this one
        dynamo: Any = torch._dynamo.config  # noqa: SLF001 - documented as torch.compile's own switches
        dynamo.recompile_limit = dynamo.accumulated_recompile_limit = 2**30
        torch.compile(torch.neg, dynamic=False)(torch.ones(2))
        return {"inductor.compile_threads": 1, "dynamic": False}

    def run(self, layer: Any, given: Any) -> Any:
        """Call what the module is compiled to for such a tensor."""
        if _compiled.cache_info().currsize == _KEPT:
            forget()
        return _compiled(layer, given.shape, given.stride(), given.dtype, given.requires_grad)(given)

    def code(self) -> Code:
        """Return the compilation."""
        return Code(call="torch.compile(layer, fullgraph=True, dynamic=False)(given)")


@functools.lru_cache(maxsize=_KEPT)
def _compiled(layer: Any, *_like: object) -> Any:
    """Return what the module, this very one, is compiled to for a tensor like this."""
    import torch  # noqa: PLC0415 - imported when first used

    return torch.compile(layer, fullgraph=True, dynamic=False)


def forget() -> None:
    """Drop all that is compiled, here and in PyTorch."""
    import torch  # noqa: PLC0415 - imported when first used

    _compiled.cache_clear()
    torch._dynamo.reset()  # noqa: SLF001 - documented, as torch.compiler.reset
