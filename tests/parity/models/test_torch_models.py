"""What is told of PyTorch's models: every convolution, whoever calls it, and nothing else."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import convmm
from parity.frameworks.model import ModelError
from parity.models.given import open_model
from tests.support.watched import Watched

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402 - where there is one
from torch.nn.modules import module as hooks  # noqa: E402

X = np.random.default_rng(0).standard_normal((1, 3, 8, 8), dtype=np.float32)


def check(found: Watched) -> None:
    """Check that each call is computed again alike, and that convmm gives the same of what is read of it."""
    assert found
    for use, x, y in found:
        assert use.case.input == x.shape
        assert use.case.output_shape == y.shape
        again = use.again(x)
        assert np.array_equal(again, y)
        kind = convmm.conv_transpose if use.case.transposed else convmm.conv
        bias = None if use.bias is None else use.bias.astype(np.float64)
        core = kind(x.astype(np.float64), use.kernel.astype(np.float64), bias, **use.case.explicit)
        eps = {"bfloat16": 2**-7, "float32": 1e-5, "float64": 1e-13}[use.case.dtype]
        assert np.abs(core - y.astype(np.float64)).max() <= eps * np.abs(core).max()


class Module(nn.Module):  # type: ignore[misc] # torch is Any
    """A module of these parts that runs a function."""

    def __init__(self, run: Callable[[Any, Any], Any], **parts: object) -> None:
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.run = run

    def forward(self, x: Any) -> Any:  # noqa: ANN401 - torch's tensors
        """Run the function."""
        return self.run(self, x)


class Same(nn.Conv2d):  # type: ignore[misc] # as above
    """A subclass that pads by itself."""

    def forward(self, x: Any) -> Any:  # noqa: ANN401 - torch's tensors
        """Pad and convolve."""
        padded = nn.functional.pad(x, (0, 1, 0, 1))
        return nn.functional.conv2d(padded, self.weight, self.bias, self.stride)


EVERY: dict[str, Callable[[], object]] = {
    "plain": lambda: nn.Conv2d(3, 4, 3),
    "same": lambda: nn.Conv2d(3, 4, (2, 3), padding="same"),
    "reflected": lambda: nn.Conv2d(3, 4, 3, padding=(2, 1), padding_mode="reflect"),
    "circular": lambda: nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular", bias=False),
    "grouped": lambda: nn.Conv2d(3, 6, 3, groups=3, dilation=2),
    "transposed": lambda: nn.ConvTranspose2d(3, 4, 3, 2, 1, 1),
    "subclass": lambda: Same(3, 4, 3, 2),
    "weight norm": lambda: nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3)),
    "spectral norm": lambda: nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 4, 3)),
    "float64": lambda: nn.Conv2d(3, 4, 3).double(),
    "bfloat16": lambda: nn.Conv2d(3, 4, 3).bfloat16(),
    "channels last": lambda: nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last),
    "hooked": lambda: _hooked(nn.Conv2d(3, 4, 3)),
    "in place": lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True)),
    "unbatched": lambda: Module(lambda m, x: m.conv(x[0]), conv=nn.Conv2d(3, 4, 3)),
    "by keyword": lambda: Module(lambda m, x: {"y": m.conv(input=x)}, conv=nn.Conv2d(3, 4, 3)),
    "function": lambda: Module(
        lambda m, x: nn.functional.conv_transpose2d(x, m.kernel, None, 2, groups=3),
        kernel=nn.Parameter(torch.randn(3, 2, 3, 3)),
    ),
    "compiled": lambda: torch.compile(nn.Sequential(nn.Conv2d(3, 4, 3))),
    "parallel": lambda: nn.DataParallel(nn.Conv2d(3, 4, 3)),
}


def _hooked(layer: Any) -> Any:  # noqa: ANN401 - a module
    layer.register_forward_hook(lambda _module, _args, output: output * 2)
    return layer


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch's own, where it is compiled
@pytest.mark.parametrize("kind", EVERY)
def test_each_convolution_is_told_as_it_computes(kind: str) -> None:
    found = Watched(EVERY[kind](), X)
    assert len(found) == 1
    assert found.unread == ()
    check(found)


def test_scripted_and_traced_models_are_read() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 1)).eval()
    with pytest.warns(DeprecationWarning, match="torch.jit"):
        scripted = torch.jit.script(model)
    with pytest.warns(DeprecationWarning, match="torch.jit"):
        traced = torch.jit.trace(model, torch.from_numpy(X))
    for each in (scripted, traced):
        found = Watched(each, X)
        assert found.names == ["0", "2"]
        check(found)


def test_an_exported_program_is_a_file(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.ConvTranspose2d(4, 2, 3, 2)).eval()
    path = tmp_path / "model.pt2"
    torch.export.save(torch.export.export(model, (torch.from_numpy(X),)), path)
    found = Watched(path, X)
    assert found.names == ["0", "2"]
    assert found.model.declared == (X.shape,)
    check(found)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"text"])
def test_a_damaged_program_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.pt2"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.pt2: it is no program that torch\.export\.save wrote"):
        open_model(path)


def test_names_and_state_are_the_models_own() -> None:
    conv = nn.Conv1d(3, 3, 1)
    model = nn.ModuleDict({"a": nn.Sequential(conv), "b": conv})
    found = Watched(Module(lambda m, x: m.parts["b"](m.parts["a"](x)), parts=model), X[:, :, 0])
    assert found.names == ["parts.a.0", "parts.a.0"]  # one layer, called twice
    assert found[0][0].state == ('state["parts.a.0.weight"]', 'state["parts.a.0.bias"]')


def test_a_weight_norm_has_no_state() -> None:
    [(use, _, _)] = Watched(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3)), X)
    assert use.state == ()


def test_a_dynamic_kernel_is_named_with_its_reason() -> None:
    found = Watched(Module(lambda _, x: nn.functional.conv2d(x, x.mean() * torch.ones(2, 3, 1, 1))), X)
    assert not found
    [unread] = found.unread
    assert unread.name == "Module:conv2d"
    assert "computed while the model runs" in unread.reason


def test_autocast_and_other_dtypes_are_named() -> None:
    def cast(module: Any, x: Any) -> Any:  # noqa: ANN401 - torch's
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return module.conv(x)

    found = Watched(Module(cast, conv=nn.Conv2d(3, 4, 3)), X)
    assert not found
    assert "by autocast" in found.unread[0].reason


def test_what_is_no_convolution_is_not_told() -> None:
    found = Watched(nn.Sequential(nn.Flatten(2), nn.LSTM(64, 4)), X)
    assert not found
    assert not found.unread


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (nn.Conv2d(5, 4, 3), "to have 5 channels, but got 3 channels"),
        (nn.Conv1d(3, 4, 3), "raised on inputs of 1x3x8x8"),
        (Module(lambda _, x: x.no_such_thing), "AttributeError"),
        (Module(lambda *_: sys.exit(3)), "SystemExit: 3"),
    ],
)
def test_a_model_that_raises_is_one_sentence_and_leaves_nothing(model: Any, said: str) -> None:  # noqa: ANN401 - a module
    model.train()
    with pytest.raises(ModelError, match=said):
        Watched(model, X)
    assert all(each.training for each in model.modules())
    assert not hooks._global_forward_hooks  # noqa: SLF001 - torch has no other name
    assert not hooks._global_forward_pre_hooks  # noqa: SLF001


def test_arrays_without_values_are_one_sentence() -> None:
    with pytest.raises(ModelError, match="is on the device meta, and has no values"):
        open_model(nn.Conv2d(3, 4, 3, device="meta"))
    with pytest.raises(ModelError, match="call the model once"):
        open_model(nn.LazyConv2d(4, 3))


def test_an_output_size_of_a_call_is_read_of_that_call() -> None:
    conv = nn.ConvTranspose2d(3, 4, 3, stride=2)
    found = Watched(Module(lambda m, x: m.conv(x, output_size=(18, 17)), conv=conv), X)
    assert found[0][0].case.output_padding == (1, 0)
    check(found)


def test_a_convolution_after_one_that_raised_is_told() -> None:
    def run(module: Any, x: Any) -> Any:  # noqa: ANN401 - torch's tensors
        with contextlib.suppress(RuntimeError):
            module.wrong(x)
        return module.right(x)

    found = Watched(Module(run, wrong=nn.Sequential(nn.Conv2d(5, 4, 3)), right=nn.Conv2d(3, 4, 3)), X)
    assert found.names == ["right"]


def test_convolutions_of_several_threads_are_told() -> None:
    def run(module: Any, x: Any) -> Any:  # noqa: ANN401 - torch's tensors
        with ThreadPoolExecutor(4) as pool:
            return sum(pool.map(lambda _: module.conv(x), range(20)))

    assert Watched(Module(run, conv=nn.Sequential(nn.Conv2d(3, 4, 3))), X).names == ["conv.0"] * 20


def test_a_sparse_weight_beside_a_convolution_is_no_obstacle() -> None:
    linear = nn.Linear(8, 8)
    linear.weight = nn.Parameter(linear.weight.detach().to_sparse())
    model = Module(lambda m, x: m.conv(x), conv=nn.Conv2d(3, 4, 3), linear=linear)
    assert Watched(model, X).names == ["conv"]


def test_a_state_dict_that_raises_leaves_the_arrays_without_state() -> None:
    class Stateless(Module):
        def state_dict(self, *_args: object, **_keywords: object) -> Any:  # noqa: ANN401 - as torch's
            raise RuntimeError("no state")

    [(use, _, _)] = Watched(Stateless(lambda m, x: m.conv(x), conv=nn.Conv2d(3, 4, 3)), X)
    assert use.state == ()
