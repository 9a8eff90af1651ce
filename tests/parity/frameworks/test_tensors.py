"""What a user's function is handed and may return: tensors of any library, compared as arrays are."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

import convmm
from parity import with_torch_signature
from parity.cases.case import Case
from parity.cli.main import run_cli
from parity.frameworks.function import Implementation
from parity.frameworks.table import FrameworkError
from parity.frameworks.tensors import ARRAYS, as_returned
from parity.records.counts import Outcome
from parity.running import run, run_with
from tests.support.documents import blocks
from tests.support.strategies import cases, examples

DOCUMENT = "docs/how-to/your-own-function.md"
PLAIN = Case("conv2d", (1, 2, 4, 3), 2, 3, padding=1, bias=True)
ALL = ("float16", "bfloat16", "float32", "float64")


@pytest.mark.parametrize("library", ARRAYS)
@examples(20)
@given(case=cases(dtypes=ALL))
def test_a_function_of_tensors_is_judged_as_one_of_arrays(library: str, case: Case) -> None:
    pytest.importorskip(library)
    seen: list[type] = []

    def function(x: Any, w: Any, bias: Any = None, **arguments: Any) -> Any:  # noqa: ANN401 - tensors
        seen.append(type(x))
        arrays = [None if each is None else as_returned(each) for each in (x, w, bias)]
        operation: Callable[..., Any] = convmm.conv_transpose if case.transposed else convmm.conv
        return ARRAYS[library](operation(*arrays, **arguments))

    (result,) = run_with(case, [Implementation(function, arrays=library)]).results
    assert result.status == "ok", result.error
    assert result.explained, result.reason
    assert seen[0].__module__.partition(".")[0].startswith(library)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("library", [name for name in ARRAYS if name != "numpy"])
def test_a_tensor_returned_to_a_numpy_function_is_converted(library: str, dtype: str) -> None:
    pytest.importorskip(library)
    case = Case("conv1d", (1, 1, 4), 1, 2, dtype=dtype)

    def function(*arrays: Any, **arguments: Any) -> Any:  # noqa: ANN401 - a tensor
        return ARRAYS[library](convmm.conv(*arrays, **arguments))

    (result,) = run_with(case, [Implementation(function)]).results
    assert (result.status, result.relation) == ("ok", "identical"), result.reason


def test_gradients_cross_too() -> None:
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional

    def gradient(dy: Any, x: Any, w: Any, *, padding: Any, **arguments: Any) -> Any:  # noqa: ANN401 - tensors
        assert all(isinstance(each, torch.Tensor) for each in (dy, x, w))
        x, w = x.clone().requires_grad_(), w.clone().requires_grad_()
        y = functional.conv2d(x, w, padding=[before for before, _ in padding], **arguments)
        dx, dw = torch.autograd.grad(y, (x, w), dy)
        return dx, dw, dy.sum((0, 2, 3))

    found = run(
        PLAIN,
        [],
        impl=with_torch_signature(functional.conv2d),
        impl_grad=gradient,
        arrays="torch",
        grad=True,
    )
    assert [result.relation for result in found.results] == 4 * ["identical"]


def test_a_function_with_torchs_signature_says_what_padding_it_has_not() -> None:
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    for op, function in (
        ("conv2d", functional.conv2d),
        ("conv_transpose2d", functional.conv_transpose2d),
    ):
        wrapped = with_torch_signature(function)
        for padding, status in ((1, "ok"), (((1, 0), (1, 1)), "unsupported")):
            case = Case(op, (1, 2, 4, 3), 2, 3, padding=padding, groups=2, stride=2)
            (result,) = run(case, [], impl=wrapped, arrays="torch").results
            assert result.status == status
            assert result.explained, result.reason
    assert "pads both ends alike" in str(result.reason)


def test_a_tensor_that_is_no_array_is_said_to_be_none() -> None:
    class Elsewhere:
        def __dlpack__(self, **_: object) -> None:
            raise BufferError("it lies on another device")

    (result,) = run_with(PLAIN, [Implementation(lambda *_, **__: Elsewhere())]).results
    assert result.status == "invalid"
    assert "of the Elsewhere that it returned no array can be made: BufferError" in str(result.reason)


def test_the_functions_of_the_document_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    [module] = blocks(DOCUMENT, "python")
    [commands] = blocks(DOCUMENT, "sh")
    (tmp_path / "mykernels.py").write_text(module.text)
    monkeypatch.chdir(tmp_path)
    for command in commands.text.splitlines():
        assert run_cli([*shlex.split(command)[1:], "--frameworks", "numpy"]) == Outcome.EXPLAINED


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--impl convmm:conv2d --arrays cupy", "arrays='cupy': allowed are numpy, torch, jax, tensorflow"),
        ("--arrays torch", "arrays='torch' without impl"),
    ],
)
def test_arrays_that_there_are_not_are_refused(
    words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*PLAIN.command.split()[1:], "--frameworks", "numpy", *words.split()]
    assert run_cli(command) == Outcome.WRONG_INPUT
    assert said in capsys.readouterr().err


def test_the_command_that_runs_it_again_says_what_it_is_handed() -> None:
    pytest.importorskip("torch")
    found = run(PLAIN, ["numpy"], impl="convmm:conv2d", arrays="torch")
    assert found.command.endswith("--frameworks numpy --impl convmm:conv2d --arrays torch")
    with pytest.raises(FrameworkError, match="arrays"):
        Implementation(convmm.conv, arrays="lists")
