"""The routes of torch and Keras: the same layer compiled, exported, or exported and run by another engine."""

from __future__ import annotations

import functools
import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from parity.cases.case import Case
from parity.cases.suites import load_suite
from parity.cases.values.drawing import draw_arrays
from parity.cli.progress import note_expected_time
from parity.frameworks.interface import Framework
from parity.frameworks.kept import Kept
from parity.frameworks.keras.routes import WAYS as KERAS_WAYS
from parity.frameworks.keras.routes import exported
from parity.frameworks.keras.routes import function as tracing
from parity.frameworks.keras.tensors import build
from parity.frameworks.known.registry import layers_of
from parity.frameworks.routes.stages import RouteError, at, stage
from parity.frameworks.routes.told import telling
from parity.frameworks.routes.way import either
from parity.frameworks.spelling import Refusal, Spelling
from parity.frameworks.table import FrameworkError, find_framework
from parity.frameworks.task import Submit, Task, Wait, here
from parity.frameworks.torch.routes import WAYS as TORCH_WAYS
from parity.frameworks.torch.routes import compile as compiling
from parity.frameworks.torch.routes import export as exporting
from parity.frameworks.torch.routes import onnx as converting
from parity.records.result import Result
from parity.running import run_all, run_with
from parity.workers.workers import Workers
from tests.support.strategies import cases, examples

ANYWHERE = [name for name, way in TORCH_WAYS.items() if way.device is None]
"""The ways of torch that are of no one device: those that are, are in test_devices.py."""

MISSING = [
    why
    for name, ways in (("torch", ANYWHERE), ("keras", KERAS_WAYS))
    for way in ways
    if (why := find_framework(name).routes[way].why_unavailable())
]
if MISSING:
    pytest.skip(f"a route {MISSING[0]}", allow_module_level=True)

onnx: Any = import_module("onnx")
onnx_ir: Any = import_module("onnx_ir")
torch: Any = import_module("torch")

TORCH = [f"torch+{way}" for way in ANYWHERE]
KERAS = [f"keras+{way}" for way in KERAS_WAYS]
SEVERAL = ["torch+channels_last+compile", "torch+channels_last+export"]
DIFFERENTIABLE = ["torch+compile", "torch+export", "keras+graph", "keras+jit"]

PLAIN = Case("conv_transpose1d", (2, 2, 5), 3, 3, stride=2, padding="valid", bias=True)


@pytest.fixture(scope="module", autouse=True)
def loaded() -> Iterator[None]:
    """Have what is compiled forgotten again."""
    yield
    if compiling._compiled.cache_info().currsize:  # noqa: SLF001 - what is kept is seen nowhere else
        compiling.forget()
    for kept in (tracing._function, exported._traced, exported._model):  # noqa: SLF001 - likewise
        kept.cache_clear()


@functools.cache
def framework(name: str) -> Framework:
    """It, imported."""
    found = find_framework(name)
    found.load()
    return found


def results(command: str | Case, name: str, *, grad: bool = False) -> list[Result]:
    """What comes of a case's layers on a route, in this process."""
    case = command if isinstance(command, Case) else Case.from_command(f"parity run {command}")
    (result,) = run_all(iter([case]), [framework(name)], here, ahead=1, grad=grad)
    return list(result.record.results)


# Names, and what they need


def test_the_memory_format_comes_before_the_form_that_a_layer_is_brought_into() -> None:
    assert find_framework("torch+channels_last+compile").name == "torch+channels_last+compile"
    with pytest.raises(FrameworkError, match=r"the routes of torch\+compile are none"):
        find_framework("torch+compile+channels_last")


def test_a_layer_is_spelled_on_a_route_as_without_it() -> None:
    plain, *_ = find_framework("torch").spell(PLAIN)
    routed, *_ = find_framework("torch+onnx").spell(PLAIN)
    assert isinstance(plain, Spelling)
    assert isinstance(routed, Spelling)
    assert str(plain.layer) == str(routed.layer)


@pytest.mark.parametrize(
    ("name", "engine"),
    [("torch+onnx", "onnxruntime"), ("keras+openvino", "openvino"), ("keras+graph", "tensorflow")],
)
def test_the_backend_of_a_route_is_what_computes(name: str, engine: str) -> None:
    backend = find_framework(name).backend()
    assert backend is not None
    assert backend.startswith(f"{engine} ")


def test_torch_compiles_itself_and_has_no_backend() -> None:
    assert find_framework("torch+compile").backend() is None


def test_without_a_compiler_of_cpp_there_is_no_route_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(FrameworkError, match=r"torch\+compile' needs a compiler of C\+\+"):
        find_framework("torch+compile")


def test_keras_has_its_routes_on_tensorflow_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    with pytest.raises(FrameworkError, match="cannot run with KERAS_BACKEND='torch': allowed is tensorflow"):
        find_framework("keras+graph")


# Stages


def test_a_refusal_says_at_which_stage_it_came() -> None:
    with pytest.raises(RouteError) as caught, stage("Load"):
        raise KeyError("pads")
    assert type(caught.value).__name__ == "KeyErrorInLoad"
    assert str(caught.value) == "'pads'"


def test_a_refusal_of_an_inner_stage_keeps_its_name() -> None:
    with pytest.raises(RouteError) as caught, stage("Call"), stage("Export"):
        raise TypeError
    assert type(caught.value).__name__ == "TypeErrorInExport"


def test_the_names_at_stages_are_those_that_are_raised() -> None:
    assert at(["Export", "Call"], "TypeError") == ("TypeErrorInExport", "TypeErrorInCall")


def test_of_two_refusals_a_certain_one_tells_why() -> None:
    unsure, sure = Refusal("perhaps", ("A",), certain=False), Refusal("surely", ("B",))
    assert either(unsure, sure) == Refusal("surely", ("A", "B"))
    assert either(None, sure) == sure
    assert either(unsure, None) == unsure
    assert either(None, None) is None


@pytest.mark.filterwarnings("always")
def test_what_is_kept_warns_each_time_as_when_it_was_made() -> None:
    @telling
    def make(number: int) -> float:
        warnings.warn("something is odd", FutureWarning, stacklevel=1)
        return 1 / number

    made = make(4)
    for _ in range(2):
        with pytest.warns(FutureWarning, match="something is odd"):
            assert made.again() == 0.25
    with pytest.warns(FutureWarning, match="something is odd"), pytest.raises(ZeroDivisionError):
        make(0)


# What they compute


@pytest.mark.parametrize("name", [*TORCH, *KERAS])
def test_a_layer_computes_the_same_on_each_route(name: str) -> None:
    native, *_ = results(PLAIN, name)
    assert (native.status, native.explained) == ("ok", True)
    assert native.relation in {"identical", "rejected"}


@pytest.mark.parametrize("name", SEVERAL)
def test_a_route_runs_layers_in_a_memory_format(name: str) -> None:
    native, *_ = results("conv2d --input 1,2,5,4 --filters 3 --kernel 3 --bias", name)
    assert native.relation == "identical"


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_are_the_same_on_routes_that_have_them(name: str) -> None:
    found = [each for each in results(PLAIN, name, grad=True) if each.spelling == "native"]
    assert [each.output for each in found] == ["value", "input_grad", "weight_grad", "bias_grad"]
    assert {each.relation for each in found} == {"identical"}


@pytest.mark.parametrize("name", sorted({*TORCH, *KERAS} - {*DIFFERENTIABLE}))
def test_an_engine_that_only_infers_says_so(name: str) -> None:
    assert str(find_framework(name).why_no_gradients()).endswith("only infers")


@given(cases(dtypes=("float32",), values=("integers",)))
@examples(15)
def test_the_rules_of_torch_hold_for_what_it_exports(case: Case) -> None:
    assert all(each.explained for each in results(case, "torch+export"))


@given(cases(dtypes=("float32",), values=("integers",)))
@examples(10)
def test_the_rules_of_keras_hold_for_its_graphs(case: Case) -> None:
    assert all(each.explained for each in results(case, "keras+graph"))


@given(cases(dtypes=("float32",), values=("integers",)))
@examples(3)
def test_the_rules_of_routes_hold_for_what_is_exported_to_files(case: Case) -> None:
    assert all(each.explained for each in results(case, "keras+onnx"))
    assert all(each.explained for each in results(case, "torch+onnx"))


# What they refuse

SMALL = "conv1d --input 1,2,5 --filters 2 --kernel 2"
ADDED = "conv_transpose1d --input 1,2,5 --filters 2 --kernel 2 --stride 2 --output-padding 2 --dilation 3"
LONGER = "conv_transpose1d --input 1,2,3 --filters 2 --kernel 2 --stride 3 --padding same"
SMALLER = "conv_transpose1d --input 1,2,3 --filters 2 --kernel 4 --padding same --output-padding 0"
DILATED = "conv_transpose1d --input 1,2,3 --filters 2 --kernel 2 --padding valid --dilation 2"
GROUPED = "conv1d --input 1,2,3 --filters 2 --kernel 1 --padding valid --groups 2"


@pytest.mark.parametrize(
    ("name", "command", "error"),
    [
        ("torch+export", "conv1d --input 1,2,0 --filters 2 --kernel 2 --padding 2", "RuntimeErrorInExport"),
        ("torch+export", "conv_transpose1d --input 1,2,5 --filters 0 --kernel 2", "RuntimeErrorInCall"),
        ("torch+onnx", ADDED, "InvalidArgumentInCall"),
        ("torch+onnx", f"{SMALL} --dtype float64", "NotImplementedInLoad"),
        ("keras+onnx", LONGER, "FailInLoad"),
        ("keras+onnx", SMALLER, "InvalidGraphInLoad"),
        ("keras+onnx", GROUPED, "ValidationErrorInCheck"),
        ("keras+litert", DILATED, "RuntimeErrorInLoad"),
        ("keras+openvino", f"{SMALL} --dtype bfloat16", "OpConversionFailureInExport"),
    ],
)
def test_a_route_refuses_where_its_rules_say(name: str, command: str, error: str) -> None:
    native, *_ = results(command, name)
    assert (native.status, native.error_class, native.explained) == ("rejected", error, True)


# As code


@pytest.mark.parametrize("name", [*TORCH, *KERAS])
def test_a_route_is_written_as_code_that_computes_the_same(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = framework(name)
    spelling = layers_of(found, PLAIN)[0]
    assert isinstance(spelling, Spelling)
    arrays = draw_arrays(PLAIN)
    script = found.calling("float32")
    imports = "\n".join(f"import {module}" for module in ("numpy as np", *script.imports))
    names = {"layer": spelling.layer.call(), "converted": spelling.convert(arrays.weights), "x": arrays.x}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are the exporters' own, of their own code
        exec(f"{imports}\n{script.statements}", names)  # noqa: S102 - this project's own code
    (computed,) = run_all(iter([PLAIN]), [framework("numpy")], here, ahead=1)
    np.testing.assert_array_equal(names["y"], computed.reference)


# Time and place


@pytest.mark.parametrize("name", [*DIFFERENTIABLE, "torch+onnx", "keras+onnx", "keras+openvino"])
def test_a_kept_layer_is_compiled_once_for_inputs_of_a_shape(name: str) -> None:
    """And computes what is right by the weights that it is given then."""
    compiled = {
        "torch+compile": compiling._compiled,  # noqa: SLF001 - what is kept is seen nowhere else
        "torch+export": exporting._exported,  # noqa: SLF001 - likewise
        "torch+onnx": converting._converted,  # noqa: SLF001 - likewise
        "keras+onnx": exported._traced,  # noqa: SLF001 - likewise
        "keras+openvino": exported._traced,  # noqa: SLF001 - likewise
    }.get(name, tracing._function)  # noqa: SLF001 - likewise
    compiled.cache_clear()
    kept = Kept()
    misses = []
    first = (PLAIN, replace(PLAIN, seed=1))  # a process's first compilation may warn: its layer is made anew
    for case in (*first, replace(PLAIN, seed=2, values="normal"), replace(PLAIN, input=(2, 2, 6))):
        found = run_with(case, [framework(name)], submit=submitting(kept), grad=name in DIFFERENTIABLE)
        native = [each for each in found.results if each.spelling == "native"]
        assert {(each.relation, each.explained) for each in native} == {("identical", True)}
        misses.append(compiled.cache_info().misses)
    assert 0 < misses[1] == misses[2] < misses[3]


def submitting(kept: Kept) -> Submit:
    """What hands tasks to the layers that are kept."""

    def submit(found: Framework, task: Task) -> Wait:
        return partial(kept.perform, found, task)

    return submit


@pytest.mark.filterwarnings("ignore::FutureWarning")  # the exporter's, of its own code
def test_what_a_kept_layer_is_converted_to_is_optimized_for_its_weights(tmp_path: Path) -> None:
    """As a new one is, file by file, but for the names of nodes, which are counted."""
    for layer, shape in (
        (torch.nn.Conv1d(4, 4, 2, padding=1, groups=2), (1, 4, 6)),
        (torch.nn.ConvTranspose2d(2, 3, 2, stride=2), (2, 2, 4, 3)),
        (torch.nn.Sequential(torch.nn.Conv1d(2, 2, 1), torch.nn.Conv1d(2, 2, 1)), (1, 2, 3)),
    ):
        given = torch.ones(shape)
        written = []
        for fill in ("normal", "0", "1", "nan", "-0.0", "normal"):
            for each in layer.parameters():
                each.data.normal_() if fill == "normal" else each.data.fill_(float(fill))
            for export in (converting.export, at_once):
                export(layer.eval(), given, tmp_path / "layer.onnx")
                written.append(read(tmp_path))
        assert written[::2] == written[1::2]
        assert len({len(proto.graph.initializer) for proto, _ in written}) > 1  # some are left out


def at_once(layer: Any, given: Any, file: Path) -> None:  # noqa: ANN401 - a module of torch's and its tensor
    """Export a module at once."""
    torch.onnx.export(layer, (given,), file, verbose=False)


def read(folder: Path) -> tuple[Any, list[bytes]]:
    """The model in a folder, and its other files."""
    proto = onnx.load(folder / "layer.onnx", load_external_data=False)
    for node in proto.graph.node:
        node.ClearField("name")
    return proto, [each.read_bytes() for each in sorted(folder.iterdir()) if each.name != "layer.onnx"]


@pytest.mark.filterwarnings("ignore::FutureWarning")  # tf2onnx's, of its own code
@pytest.mark.parametrize("way", ["onnx", "openvino"])
def test_what_a_kept_layer_is_traced_to_is_converted_with_its_weights(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To what a new one is, names aside."""
    keras: Any = framework(f"keras+{way}").load()
    monkeypatch.setattr(type(KERAS_WAYS[way]), "engine_run", lambda _self, file, _x: read_numbered(file))
    given = keras.ops.ones((2, 4, 3))
    for make in (keras.layers.Conv1D, keras.layers.Conv1DTranspose):
        kept = make(3, 2)
        for fill in (0.5, 0.0, 1.0, np.nan, -0.0, 0.25):
            new = make(3, 2)
            for layer in (kept, new):
                build(layer, given.shape, [np.full(shape, fill, np.float32) for shape in ((2, 3, 3), (3,))])
            assert KERAS_WAYS[way].run(kept, given) == KERAS_WAYS[way].run(new, given)


def read_numbered(file: Path) -> tuple[str, list[bytes]]:
    """A model as text, its names as numbers, and its other files."""
    text = file.read_text() if file.suffix == ".xml" else str(ordered(onnx.load(file)))
    names: dict[str, int] = {}
    numbered = re.sub(NAMES, lambda found: str(names.setdefault(found[0], len(names))), text)
    return numbered, [each.read_bytes() for each in sorted(file.parent.iterdir()) if each != file]


def ordered(proto: Any) -> Any:  # noqa: ANN401 - ONNX's
    """A model, its initializers in an order that is not that of their names."""
    held = sorted(proto.graph.initializer, key=lambda each: (list(each.dims), each.raw_data))
    proto.graph.ClearField("initializer")
    proto.graph.initializer.extend(held)
    return proto


NAMES = r"(?:functional|conv1d)[\w/:.]*|[\w/:.]+_\d[\w/:.]*"
"""The names that have a number, the first of their kind none."""


def test_weights_that_stay_in_what_is_kept_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    export = torch.onnx.export

    def with_constants(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - torch's
        program = export(*args, **kwargs)
        for each in program.model.graph.initializers.values():
            each.const_value = onnx_ir.tensor(each.const_value.numpy().copy(), name=each.name)
        return program

    monkeypatch.setattr(torch.onnx, "export", with_constants)
    kept = Kept()
    for case, explained in ((PLAIN, True), (replace(PLAIN, seed=1), False)):
        found = run_with(case, [framework("torch+onnx")], submit=submitting(kept))
        native = found.results[0]
        assert native.explained is explained
    assert "a new layer, asked the same, is explained" in str(native.reason)


def test_a_sweep_says_how_long_a_route_will_take(capsys: pytest.CaptureFixture[str]) -> None:
    note_expected_time([find_framework("numpy"), find_framework("torch+compile")], cases=300, jobs=2)
    out, err = capsys.readouterr()
    assert not out
    assert err == "torch+compile takes about 2 s a case, about 5 min in all\n"


def test_temporary_files_of_frameworks_go_with_their_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Workers([find_framework("numpy")], timeout=120) as workers:
        (result,) = run_all(iter([PLAIN]), [find_framework("numpy")], workers.submit, ahead=1)
        assert all(each.explained for each in result.record.results)
        assert list(tmp_path.glob("*/temporary"))
    assert not list(tmp_path.iterdir())


def test_the_suite_of_exports_has_its_sources() -> None:
    found = load_suite("exports").cases
    assert len(found) >= 30
    assert all(each.source and each.note for each in found)
