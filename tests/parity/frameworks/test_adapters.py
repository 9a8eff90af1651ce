from __future__ import annotations

import ast
import functools
import json
import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given

import convmm
import parity
from parity import Case, run
from parity.cases.arrays import Array
from parity.cases.suites import SuiteCase, load_suite
from parity.cases.values.drawing import draw_arrays
from parity.frameworks import distributions
from parity.frameworks import torch as torch_adapter
from parity.frameworks.keras import installation as keras_installation
from parity.frameworks.known.registry import layers_of
from parity.frameworks.spelling import Spelling, Unsupported, windows_agree
from parity.frameworks.table import BUILT_IN, FrameworkError, all_frameworks, find_framework, installed
from parity.records.result import Result
from parity.verdict.prediction import predict, predicted_offset
from tests.support import project
from tests.support.machine import HAS_ONEDNN
from tests.support.strategies import agreeing_cases, cases, changed, examples

ROOT = Path(parity.__file__).parents[1]
FRAMEWORKS = {*BUILT_IN, "tensorflow", "ai_edge_litert", "cv2"} - {"numpy", "litert", "opencv"}
KERAS_BACKENDS = {"tensorflow", "torch", "jax"}  # each differentiates what Keras computes on it

K3_SAME = Case("conv_transpose2d", (2, 3, 4, 4), 2, 3, stride=2, padding="same")
K3_TORCH = Case("conv_transpose2d", (2, 3, 4, 4), 2, 3, stride=2, padding=1, output_padding=1)


def spellings(framework: str, case: Case) -> dict[str, Spelling]:
    """By kind, without what is unsupported; also where the framework could not run a layer."""
    (asked,) = (each for each in all_frameworks() if each.name == framework)
    found = layers_of(asked, case)
    return {each.kind: each for each in found if isinstance(each, Spelling)}


def why_not(framework: str, case: Case) -> str:
    """The reason that the framework has no native layer for this case."""
    first = layers_of(find_framework(framework), case)[0]
    assert isinstance(first, Unsupported)
    return first.reason


def result_of(case: Case, framework: str, kind: str = "native") -> Result:
    (found,) = [result for result in run(case, [framework]).results if result.spelling == kind]
    return found


def room_of(name: str) -> str:
    """The package or module that a framework lives in, some with others of its family."""
    return ".".join(BUILT_IN[name].partition(":")[0].split(".")[:3])


ROOMS = sorted({room_of(name) for name in BUILT_IN})


def imported_by_adapter(name: str) -> set[str]:
    """The modules that an adapter imports, in any of the files of its room, but for its own."""
    own = room_of(name)
    place = ROOT / own.replace(".", "/")
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    return {module for path in files for module in imported_by(path) if not module.startswith(own)}


def imported_by(path: Path) -> set[str]:
    """The modules that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module
            assert not node.level
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


def modules_after(code: str, **environment: str) -> set[str]:
    """The first parts of the names of all modules loaded after this code ran in a process of its own."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


# What imports what


@pytest.mark.parametrize("name", BUILT_IN)
def test_an_adapter_imports_no_other_adapter(name: str) -> None:
    others = tuple(f"{room}." for room in ROOMS if room != room_of(name))
    assert not {module for module in imported_by_adapter(name) if f"{module}.".startswith(others)}


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name != "numpy"])
def test_an_adapter_of_a_framework_imports_of_convmm_nothing_but_its_geometry(name: str) -> None:
    imported = imported_by_adapter(name)
    of_convmm = {module for module in imported if module.startswith("convmm")}
    assert [module for module in of_convmm if not f"{module}.".startswith("convmm.geometry.")] == []


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name != "numpy"])
def test_what_an_adapter_imports_of_parity_computes_nothing_of_convmms(name: str) -> None:
    imported = imported_by_adapter(name)
    computing = ("parity.cases.values.drawing", "parity.verdict", "parity.running")
    assert not {module for module in imported if module.startswith(computing)}


def test_every_framework_of_the_table_has_a_room_or_a_file() -> None:
    folder = ROOT / "parity" / "frameworks"
    places = [folder / room.rpartition(".")[2] for room in ROOMS]
    assert [each for each in places if not (each.is_dir() or each.with_suffix(".py").is_file())] == []


def test_every_framework_of_the_table_is_in_the_contract_of_independence() -> None:
    settings = tomllib.loads((project.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    [independent] = [each for each in contracts if each["type"] == "independence"]
    assert independent["modules"] == ROOMS


def test_convmm_imports_nothing_of_parity() -> None:
    imported = {module for path in (ROOT / "convmm").rglob("*.py") for module in imported_by(path)}
    assert imported
    assert not {module for module in imported if module.partition(".")[0] == "parity"}


NAMED_IN = {
    "jax": {"jax", "flax"},
    "keras": {"keras", "openvino", "ai_edge_litert", *KERAS_BACKENDS},
    "litert": {"tensorflow", "ai_edge_litert"},
    "onnx": {"onnx", "onnxruntime", "openvino", "cv2", "tract"},
    "routes": {"onnx", "onnxruntime"},
}
"""The frameworks that a room's modules import, where those are not the one of its name."""


def test_no_module_but_those_of_its_room_names_a_framework_in_an_import() -> None:
    for path in (ROOT / "parity").rglob("*.py"):
        named = {module.partition(".")[0] for module in imported_by(path)} & FRAMEWORKS
        _, *within = path.relative_to(ROOT).with_suffix("").parts
        room = within[1] if within[0] == "frameworks" and len(within) > 1 else ""
        assert named <= NAMED_IN.get(room, {room}), path


def test_importing_parity_imports_no_framework() -> None:
    loaded = modules_after("import parity, parity.running, parity.cases.suites")
    assert "parity" in loaded
    assert not loaded & FRAMEWORKS


def test_spelling_a_case_and_asking_for_versions_imports_no_framework() -> None:
    code = """
from parity import Case
from parity.frameworks.known.registry import layers_of
from parity.frameworks.table import all_frameworks, installed
case = Case("conv_transpose2d", (1, 1, 4, 4), 1, 3, stride=2, padding="same", dtype="bfloat16")
for each in all_frameworks():
    assert layers_of(each, case)
    if each.name in installed():
        assert each.version()
        each.backend()
"""
    assert not modules_after(code) & FRAMEWORKS


def here_with(framework: str) -> str:
    """A program that runs a case through a framework in its own process."""
    case = 'Case("conv1d", (1, 1, 4), 1, 3)'
    return f"from parity import Case, run; assert run({case}, [{framework!r}], isolated=False).results"


def test_running_numpy_alone_imports_no_framework() -> None:
    code = here_with("numpy")
    assert not modules_after(code) & FRAMEWORKS


def test_running_torch_imports_no_other_framework() -> None:
    code = here_with("torch")
    assert modules_after(code) & FRAMEWORKS == {"torch"}


# What is printed is what ran


@examples(60)
@given(agreeing_cases(dtypes=("float16", "float32", "float64"), values=("integers",)))
def test_the_layer_that_torch_is_recorded_with_computes_what_is_recorded(case: Case) -> None:
    found = run(case, ["torch"])
    for result, array in zip(found.results, found.arrays, strict=True):
        if result.layer and array is not None and result.spelling != "exact":
            module = eval(result.layer, {"torch": torch})  # noqa: S307 - the text is our own
            x, w, bias = (None if a is None else torch.from_numpy(a) for a in draw_arrays(case))
            module.load_state_dict({"weight": w} if bias is None else {"weight": w, "bias": bias})
            with torch.no_grad():
                again = module(x).numpy()
            np.testing.assert_array_equal(again, array, strict=True)


@examples(25)
@given(agreeing_cases(dtypes=("float32",), values=("integers",)))
@example(Case("conv1d", (1, 2, 1), 2, 1, groups=2))
@example(Case("conv2d", (2, 2, 4, 5), 6, (3, 2), groups=2, bias=True))
def test_the_layer_that_keras_is_recorded_with_computes_what_is_recorded(case: Case) -> None:
    found = run(case, ["keras"])
    for result, array in zip(found.results, found.arrays, strict=True):
        keras = import_module("keras")  # that the adapter has imported
        if result.layer and array is not None and result.spelling != "exact":
            built = eval(result.layer, {"keras": keras})  # noqa: S307 - the text is our own
            x, w, bias = draw_arrays(case)
            given_x = np.moveaxis(x, 1, -1)
            built.build(given_x.shape)
            kernel = keras_kernel(w)
            if "Depthwise" in result.layer:  # (*kernel, channels, filters of each)
                kernel = kernel.reshape(*case.kernel, case.groups, -1)
            assert built.kernel.shape == kernel.shape
            built.set_weights([kernel] if bias is None else [kernel, bias])
            again = np.moveaxis(keras.ops.convert_to_numpy(built(given_x)), -1, 1)
            np.testing.assert_array_equal(again, array, strict=True)


def keras_kernel(w: Array) -> Array:
    """Axes 0 and 1 to the end, the other way round, in either operation."""
    return np.transpose(w, (*range(2, w.ndim), 1, 0))


@examples(60)
@given(cases(values=("integers",)))
def test_the_call_that_numpy_is_recorded_with_computes_what_is_recorded(case: Case) -> None:
    found = run(case, ["numpy"])
    (result,), (computed,) = found.results, found.arrays
    assert result.layer
    arrays = draw_arrays(case)
    partial = eval(result.layer, {"convmm": convmm, "functools": functools})  # noqa: S307 - the text is our own
    again = partial(arrays.x, *arrays.weights)
    np.testing.assert_array_equal(again, computed, strict=True)


@examples(200)
@given(cases())
def test_a_native_spelling_means_the_case_and_a_lookalike_has_another_window(case: Case) -> None:
    for each in all_frameworks():
        for layer in layers_of(each, case):
            if isinstance(layer, Spelling) and not layer.flips:
                assert windows_agree(layer.meaning, case) == (layer.kind != "lookalike"), each.name


@examples(200)
@given(cases())
def test_a_framework_has_a_native_layer_or_says_why_not(case: Case) -> None:
    for each in all_frameworks():
        first, *rest = layers_of(each, case)
        assert isinstance(first, Unsupported) or first.kind == "native"
        labels = [other.label for other in rest if isinstance(other, Spelling)]
        assert len({*labels, "native"}) == len(rest) + 1, each.name
        assert isinstance(first, Spelling) or (first.reason and "native" not in {*map(kind_of, labels)})


def kind_of(label: str) -> str:
    return label.partition(" ")[0]


# PyTorch


def test_torch_spells_the_well_known_doubling_layer() -> None:
    assert str(spellings("torch", K3_TORCH)["native"].layer) == (
        "torch.nn.ConvTranspose2d(3, 2, (3, 3), stride=(2, 2), padding=(1, 1), output_padding=(1, 1), "
        "bias=False)"
    )


def test_torch_writes_only_what_is_not_its_default() -> None:
    case = Case("conv1d", (1, 4, 9), 2, 3, padding=1, dilation=2, groups=2, bias=True, dtype="float64")
    assert str(spellings("torch", case)["native"].layer) == (
        "torch.nn.Conv1d(4, 2, (3,), stride=(1,), padding=(1,), dilation=(2,), groups=2, bias=True, "
        "dtype=torch.float64)"
    )


def test_torch_has_no_layer_for_keras_same_with_a_kernel_of_three_and_stride_two() -> None:
    window = "begins at 0 of a full response of 9 and has 8 elements"
    assert why_not("torch", K3_SAME).endswith(f" an output that {window} on each axis")
    lookalike = spellings("torch", K3_SAME)["lookalike"]
    assert lookalike.meaning == K3_TORCH
    assert predicted_offset(lookalike.meaning, K3_SAME) == (1, 1)


def test_the_torch_layer_of_the_size_of_keras_same_begins_one_pixel_later() -> None:
    result = result_of(K3_SAME, "torch", "lookalike")
    assert (result.relation, result.offset, result.shape_equal, result.exact) == (
        "window",
        (1, 1),
        True,
        False,
    )
    assert result.explained


def test_torch_pads_same_at_stride_one_by_name() -> None:
    case = Case("conv2d", (1, 1, 8, 8), 1, 4, padding="same")
    assert "padding='same'" in str(spellings("torch", case)["native"].layer)


def test_torch_pads_both_ends_alike() -> None:
    case = Case("conv1d", (1, 1, 8), 1, 3, padding=((2, 0),))
    assert why_not("torch", case).endswith(" alike, and this case reads 2 before and 0 after")
    assert "lookalike" not in spellings("torch", case)


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_the_axes_of_one_window_are_named_together(framework: str) -> None:
    case = Case("conv3d", (1, 1, 8, 8, 8), 1, 3, padding=((2, 1), (0, 1), (2, 1)))
    assert "2 before and 1 after on axes 0 and 2, 0 before and 1 after on axis 1" in why_not(framework, case)


def test_torch_pads_both_ends_alike_where_the_stride_hides_it() -> None:
    case = Case("conv1d", (1, 1, 8), 1, 3, stride=2, padding=((1, 0),))
    assert spellings("torch", case)["native"].meaning.padding == ((1, 1),)


# Keras


def test_keras_has_no_layer_for_torchs_well_known_doubling_layer() -> None:
    window = "begins at 1 of a full response of 9 and has 8 elements"
    assert why_not("keras", K3_TORCH).endswith(f" an output that {window} on each axis")
    lookalike = spellings("keras", K3_TORCH)["lookalike"]
    assert lookalike.meaning.padding == "same"
    assert predicted_offset(lookalike.meaning, K3_TORCH) == (-1, -1)


def test_keras_same_begins_one_pixel_before_the_torch_layer_of_its_size() -> None:
    result = result_of(K3_TORCH, "keras", "lookalike")
    assert (result.relation, result.offset, result.shape_equal) == ("window", (-1, -1), True)
    assert (result.exact, result.explained) == (False, True)


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_a_kernel_of_four_with_stride_two_is_the_same_layer_in_both(framework: str) -> None:
    one = Case("conv_transpose2d", (2, 3, 4, 4), 2, 4, stride=2, padding=1)
    other = Case("conv_transpose2d", (2, 3, 4, 4), 2, 4, stride=2, padding="same")
    assert windows_agree(one, other)
    for case in (one, other):
        assert result_of(case, framework).exact


@pytest.mark.parametrize("size", range(5, 10))
def test_keras_same_of_a_strided_convolution_is_torchs_padding_for_odd_sizes_only(size: int) -> None:
    case = Case("conv2d", (1, 1, size, size), 1, 3, stride=2, padding="same")
    torch_layer = spellings("torch", case)
    if size % 2:
        assert torch_layer["native"].meaning.padding == ((1, 1), (1, 1))
    else:
        assert predicted_offset(torch_layer["lookalike"].meaning, case) == (-1, -1)


@pytest.mark.parametrize("size", [7, 8])
def test_the_same_holds_of_what_torch_computes(size: int) -> None:
    case = Case("conv2d", (1, 1, size, size), 1, 3, stride=2, padding="same")
    results = [result for result in run(case, ["torch"]).results if result.spelling != "exact"]
    assert [result.relation for result in results] == (["identical"] if size % 2 else [None, "window"])


def test_keras_has_no_groups_in_transposed_layers() -> None:
    case = Case("conv_transpose2d", (1, 4, 4, 4), 4, 3, groups=2)
    assert why_not("keras", case) == "Keras's transposed layers have no groups, and this case has 2"


def test_keras_has_groups_in_convolutions() -> None:
    assert result_of(Case("conv2d", (2, 4, 5, 5), 6, 3, groups=2, bias=True), "keras").exact


@pytest.mark.parametrize("op", ["conv2d", "conv_transpose2d"])
def test_keras_takes_no_stride_together_with_a_dilation(op: str) -> None:
    result = result_of(Case(op, (1, 1, 9, 9), 1, 3, stride=2, dilation=2, padding="valid"), "keras")
    assert (result.status, result.predicted, result.explained) == ("rejected", "rejected", True)
    assert (result.error or "").startswith("ValueError: ")


def test_keras_takes_no_output_padding_that_is_not_below_the_stride() -> None:
    case = Case("conv_transpose1d", (1, 1, 4), 1, 3, dilation=2, padding="valid", output_padding=1)
    result = result_of(case, "keras")
    assert (result.status, result.predicted, result.explained) == ("rejected", "rejected", True)


@pytest.mark.parametrize("kernel", [2, 4])
def test_tensorflow_refuses_same_with_an_even_kernel_and_no_output_padding(kernel: int) -> None:
    case = Case("conv_transpose2d", (1, 2, 4, 4), 2, kernel, stride=2, padding="same", output_padding=0)
    result = result_of(case, "keras")
    assert (result.status, result.predicted, result.explained) == ("rejected", "rejected", True)
    assert (result.error or "").partition(":")[0] in {"AbortedError", "InvalidArgumentError"}
    assert result.divergence == "tensorflow-same-transpose-of-another-size"


@pytest.mark.parametrize(("backend", "predicted"), [("tensorflow", "rejected"), ("jax", "identical")])
def test_another_backend_is_not_said_to_refuse_what_tensorflow_refuses(
    backend: str, predicted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", backend)
    case = Case("conv_transpose2d", (1, 2, 4, 4), 2, 4, stride=2, padding="same", output_padding=0)
    assert predict(spellings("keras", case)["native"], case) == predicted


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("output_padding", [None, 0])
def test_tensorflow_refuses_a_dilation_of_a_transposed_convolution_in_float64(
    rank: int, output_padding: int | None
) -> None:
    case = Case(
        f"conv_transpose{rank}d",
        (1, 2, *[3] * rank),
        2,
        3,
        dilation=2,
        padding="valid",
        output_padding=output_padding,
        dtype="float64",
    )
    result = result_of(case, "keras")
    assert result.predicted == "rejected"
    assert result.explained
    expected = "identical" if HAS_ONEDNN else "rejected"
    assert result_of(changed(case, dtype="float32"), "keras").predicted == expected


def test_keras_same_stands_beside_valid_as_what_people_take_for_it() -> None:
    case = Case("conv_transpose2d", (5, 3, 2, 2), 1, 3, stride=2, output_padding=1)
    found = spellings("keras", case)
    assert (found["native"].meaning.padding, found["lookalike"].meaning.padding) == ("valid", "same")


def test_keras_pads_a_one_dimensional_convolution_causally() -> None:
    case = Case("conv1d", (1, 1, 9), 1, 3, dilation=2, padding=((4, 0),))
    assert "padding='causal'" in str(spellings("keras", case)["native"].layer)


# What is installed


@pytest.mark.parametrize("name", ["tensorflow", "", "Torch"])
def test_an_unknown_framework_is_an_error_that_names_the_known_ones(name: str) -> None:
    with pytest.raises(FrameworkError, match=f"framework '{name}': .*allowed are numpy, torch, keras"):
        find_framework(name)


def nothing_installed(*_: str) -> None:
    return None


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [("torch", torch_adapter, "torch"), ("keras", keras_installation, "tensorflow")],
)
def test_a_missing_framework_is_an_error_that_names_what_to_install(
    monkeypatch: pytest.MonkeyPatch, name: str, module: object, extra: str
) -> None:
    monkeypatch.setattr(module, "installed_version", nothing_installed)
    with pytest.raises(
        FrameworkError, match=rf"'{name}' needs {name}, .*pip install 'convparity\[{extra}\]'"
    ):
        run(K3_SAME, [name])
    assert name not in installed()


def test_keras_without_its_backend_is_missing_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setattr(
        keras_installation, "installed_version", lambda *names: "3.15" if names == ("keras",) else None
    )
    with pytest.raises(FrameworkError, match="'keras' needs tensorflow, which is not installed"):
        find_framework("keras")


def test_an_unknown_keras_backend_is_an_error_that_names_the_known_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "abacus")
    monkeypatch.setattr(keras_installation, "installed_version", lambda *_: "3.15")
    with pytest.raises(FrameworkError) as raised:
        find_framework("keras")
    assert "KERAS_BACKEND='abacus'" in str(raised.value)
    assert "allowed are tensorflow, torch, jax, openvino" in str(raised.value)
    assert "pip install" not in str(raised.value)
    assert "keras" not in installed()


def test_numpy_is_always_installed() -> None:
    assert "numpy" in installed()


def test_a_distribution_that_is_installed_has_its_version_from_its_metadata() -> None:
    assert distributions.installed_version("numpy") == np.__version__
    assert distributions.installed_version("no-such-thing-is-installed", "numpy") == np.__version__
    assert distributions.installed_version("no-such-thing-is-installed") is None


@pytest.mark.parametrize("framework", ["torch", "keras"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_a_framework_computes_in_each_dtype_of_a_case(framework: str, dtype: str) -> None:
    result = result_of(Case("conv_transpose2d", (1, 3, 4, 4), 2, 3, bias=True, dtype=dtype), framework)
    assert (result.status, result.exact) == ("ok", True) or result.divergence


@pytest.mark.parametrize("each", load_suite("article").cases, ids=lambda each: each.name)
def test_every_native_layer_of_the_article_has_the_shape_that_the_article_gives(each: SuiteCase) -> None:
    shapes = {r.shape for r in run(each.case).results if r.spelling == "native" and r.shape}
    assert shapes == {each.case.output_shape}
