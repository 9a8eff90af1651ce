from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from parity import Case
from parity.cases.suites import BUILT_IN, DEFAULT, Suite, SuiteError, load_suite

LAYER = """
name = "layer"
op = "conv_transpose1d"
input = [1, 1, 4]
filters = 1
kernel = 3
"""


def suite_of(folder: Path, text: str, name: str = "mine.toml") -> Suite:
    """The suite that a file with this text is."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return load_suite(str(path))


def cases_of(folder: Path, text: str) -> list[Case]:
    return [each.case for each in suite_of(folder, 'description = "mine"\n' + text).cases]


# The built-in suites


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_suite_is_loaded_by_its_name(name: str) -> None:
    suite = load_suite(name)
    assert suite.name == name
    assert suite.description
    assert suite.cases


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_names_in_a_suite_are_unique(name: str) -> None:
    names = [each.name for each in load_suite(name).cases]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_suite_file_is_built_in_and_has_only_what_a_suite_has(name: str) -> None:
    stored = {path.name for path in files("parity.cases.suites").iterdir() if path.name.endswith(".toml")}
    assert stored == {f"{each}.toml" for each in BUILT_IN}
    data = tomllib.loads(files("parity.cases.suites").joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    assert set(data) <= {"description", "case", "product"}


def test_what_runs_by_default_is_built_in() -> None:
    assert DEFAULT
    assert set(DEFAULT) <= set(BUILT_IN)


@pytest.mark.parametrize("name", ["article", "zoo"])
def test_every_named_layer_says_where_it_is_from(name: str) -> None:
    assert [each.name for each in load_suite(name).cases if not each.source] == []


@pytest.mark.parametrize(
    "case",
    [
        Case("conv2d", (4, 3, 5, 5), 2, 3),
        Case("conv2d", (4, 3, 5, 5), 2, 3, padding=1),
        Case("conv_transpose2d", (5, 3, 2, 2), 1, 3, stride=2, output_padding=1),
        Case("conv_transpose2d", (5, 3, 2, 2), 1, 3, stride=2, padding="valid", output_padding=1),
        Case("conv_transpose2d", (5, 3, 2, 2), 1, 3, stride=2, padding="same"),
        Case("conv_transpose2d", (1, 1, 2, 2), 1, 3, stride=2, output_padding=1, values="arange"),
    ],
    ids=lambda case: case.command,
)
def test_the_article_suite_has_what_the_article_computes(case: Case) -> None:
    assert case in {each.case for each in load_suite("article").cases}


def test_the_zoo_has_at_least_forty_layers_of_published_models() -> None:
    suite = load_suite("zoo")
    assert len({each.case for each in suite.cases}) >= 40
    assert {each.case.op for each in suite.cases} >= {"conv1d", "conv2d", "conv3d", "conv_transpose2d"}


@pytest.mark.parametrize(
    ("op", "kernel", "arguments"),
    [
        ("conv_transpose2d", 4, {"stride": (2, 2), "padding": ((1, 1), (1, 1))}),  # DCGAN, pix2pix
        ("conv_transpose2d", 3, {"stride": (2, 2), "padding": "same"}),  # what Keras users write
        ("conv_transpose2d", 2, {"stride": (2, 2)}),  # U-Net
        ("conv2d", 3, {"stride": (2, 2), "padding": "same"}),  # MobileNet in TensorFlow
        ("conv2d", 7, {"stride": (2, 2), "padding": ((3, 3), (3, 3))}),  # ResNet's stem
        ("conv2d", 3, {"dilation": (2, 2)}),  # DeepLab
    ],
    ids=str,
)
def test_the_zoo_has_the_layers_that_everybody_ports(
    op: str, kernel: int, arguments: dict[str, object]
) -> None:
    found = [
        each
        for each in load_suite("zoo").cases
        if (each.case.op, each.case.kernel) == (op, (kernel, kernel))
        and all(getattr(each.case, name) == value for name, value in arguments.items())
    ]
    assert found


def test_the_zoo_has_depthwise_and_grouped_layers() -> None:
    groups = {(each.case.groups, each.case.input[1]) for each in load_suite("zoo").cases}
    assert any(1 < count == channels for count, channels in groups)
    assert any(1 < count < channels for count, channels in groups)


def test_the_grid_has_thousands_of_different_cases() -> None:
    cases = [each.case for each in load_suite("grid").cases]
    assert len(set(cases)) >= 2000
    assert {case.op for case in cases} == {
        *(f"conv{rank}d" for rank in (1, 2, 3)),
        *(f"conv_transpose{rank}d" for rank in (1, 2, 3)),
    }


# A user's own


def test_a_suite_is_loaded_by_its_path(tmp_path: Path) -> None:
    about = 'source = "here"\nnote = "reduced"\noutput = [1, 1, 9]\n'
    text = f'description = "of mine"\n[[case]]{LAYER}stride = 2\n{about}'
    suite = suite_of(tmp_path, text)
    assert (suite.name, suite.description) == ("mine", "of mine")
    (each,) = suite.cases
    assert (each.name, each.source, each.note) == ("layer", "here", "reduced")
    assert each.case == Case("conv_transpose1d", (1, 1, 4), 1, 3, stride=2)


def test_a_case_may_leave_out_its_source(tmp_path: Path) -> None:
    (each,) = suite_of(tmp_path, f'description = ""\n[[case]]{LAYER}').cases
    assert (each.source, each.note) == (None, None)


def test_a_suite_and_a_case_may_say_what_they_are_or_not(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, f"[[case]]{LAYER}")
    assert (suite.description, suite.cases[0].description) == ("", None)
    suite = suite_of(tmp_path, f'description = "of mine"\n[[case]]{LAYER}description = "the first"')
    assert (suite.description, suite.cases[0].description) == ("of mine", "the first")


def test_every_case_of_a_product_is_to_have_the_verdict_that_it_expects(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, f'{PRODUCT}kernel = [1, 2]\nexpected = "explained"\nsource = "here"')
    assert [(each.expected, each.source) for each in suite.cases] == [("explained", "here")] * 2


PRODUCT = """
[[product]]
name = "all"
op = ["conv1d"]
input = [[1, 2, 5]]
filters = [2]
"""


def test_a_product_is_every_combination_of_its_alternatives(tmp_path: Path) -> None:
    found = cases_of(tmp_path, f"{PRODUCT}kernel = [1, 2]\nstride = [1, 2]\nbias = [false, true]\n")
    expected = [
        Case("conv1d", (1, 2, 5), 2, kernel, stride=stride, bias=bias)
        for kernel in (1, 2)
        for stride in (1, 2)
        for bias in (False, True)
    ]
    assert found == expected


def test_an_alternating_bias_is_in_every_other_combination_along_each_alternative(tmp_path: Path) -> None:
    found = cases_of(
        tmp_path, f'{PRODUCT}kernel = [1, 2]\nbias = "alternating"\nstride = [1, 2, 3]\ndtype = ["float32"]\n'
    )
    assert [case.bias for case in found] == [False, True, False, True, False, True]
    with pytest.raises(SuiteError, match=r"bias.*the word 'alternating'"):
        cases_of(tmp_path, f'{PRODUCT}kernel = [1]\nbias = "never"\n')


def test_the_grid_has_a_bias_in_half_of_the_cases_of_every_kind() -> None:
    cases = [each.case for each in load_suite("grid").cases]
    for name in ("op", "padding", "output_padding", "kernel", "stride", "groups"):
        for value in {getattr(case, name) for case in cases}:
            biases = [case.bias for case in cases if getattr(case, name) == value]
            assert 0.4 < sum(biases) / len(biases) < 0.6, (name, value)


def test_the_last_key_that_a_product_writes_changes_first(tmp_path: Path) -> None:
    found = cases_of(tmp_path, f"{PRODUCT}stride = [1, 2]\nkernel = [1, 2]\n")
    assert [(case.stride, case.kernel) for case in found] == [((s,), (k,)) for s in (1, 2) for k in (1, 2)]


def test_a_product_leaves_out_what_is_no_convolution(tmp_path: Path) -> None:
    found = cases_of(tmp_path, f"{PRODUCT}kernel = [5, 6]\n")
    assert found == [Case("conv1d", (1, 2, 5), 2, 5)]


def test_a_product_leaves_out_groups_that_divide_no_channels(tmp_path: Path) -> None:
    found = cases_of(tmp_path, f"{PRODUCT}kernel = [1]\ngroups = [1, 2, 3]\n")
    assert [case.groups for case in found] == [1, 2]


def test_a_product_has_each_case_once(tmp_path: Path) -> None:
    found = cases_of(tmp_path, f"{PRODUCT}kernel = [1]\npadding = [0, [[0, 0]], [[1, 0]]]\n")
    assert [case.padding for case in found] == [((0, 0),), ((1, 0),)]


def test_a_product_writes_none_for_no_output_padding(tmp_path: Path) -> None:
    text = PRODUCT.replace("conv1d", "conv_transpose1d")
    found = cases_of(tmp_path, f'{text}kernel = [1]\nstride = [2]\noutput_padding = ["none", 0, 1]\n')
    assert [case.output_padding for case in found] == [None, (0,), (1,)]


def test_the_cases_of_a_product_are_numbered(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, f'description = ""\n{PRODUCT}kernel = [1, 9, 2]\n')
    assert [each.name for each in suite.cases] == ["all-1", "all-2"]


def test_cases_come_before_products(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, f'description = ""\n{PRODUCT}kernel = [1]\n[[case]]{LAYER}')
    assert [each.name for each in suite.cases] == ["layer", "all-1"]


HEAD = 'description = ""\n'

INVALID = {
    "no TOML": ("name = = 1", ["no valid TOML", "line 1"]),
    "a description that is no text": ("description = 1\n[[case]]" + LAYER, ["'description'"]),
    "nothing in it": (HEAD, ["[[case]]", "[[product]]"]),
    "an unknown table": (HEAD + "[[cases]]" + LAYER, ["'cases' is unknown", "case, product"]),
    "a case that is no array of tables": (HEAD + "[case]" + LAYER, ["'case'", "[[case]]"]),
    "a product that is no table": (HEAD + "product = [1]", ["'product'", "[[product]]"]),
    "an unknown key": (HEAD + f"[[case]]{LAYER}strides = 2", ["[[case]] 1 (layer)", "'strides'", "stride"]),
    "no name": (
        HEAD + "[[case]]" + LAYER.replace('name = "layer"', ""),
        ["[[case]] 1 (no name)", "'name' is missing"],
    ),
    "no kernel": (
        HEAD + "[[case]]" + LAYER.replace("kernel = 3", ""),
        ["[[case]] 1 (layer)", "'kernel' is missing"],
    ),
    "a name that is no text": (HEAD + "[[case]]" + LAYER.replace('"layer"', "1"), ["'name'=1", "a text"]),
    "a source that is no text": (HEAD + f"[[case]]{LAYER}source = 1", ["(layer)", "'source'=1", "a text"]),
    "an output that is no list": (HEAD + f"[[case]]{LAYER}output = 6", ["(layer)", "'output'=6", "list"]),
    "an expected verdict that there is not": (
        HEAD + f'[[case]]{LAYER}expected = "agrees"',
        ["(layer)", "'expected'='agrees': allowed is one of agree, explained, unexplained"],
    ),
    "an expected verdict that is no text": (
        HEAD + f"[[case]]{LAYER}expected = true",
        ["(layer)", "'expected'=True: allowed is one of agree, explained, unexplained"],
    ),
    "a product of an expected verdict that there is not": (
        HEAD + f'{PRODUCT}kernel = [1]\nexpected = "ok"',
        ["[[product]] 1 (all)", "'expected'='ok': allowed is one of agree, explained, unexplained"],
    ),
    "a product of another output": (
        HEAD + PRODUCT + "kernel = [1, 2]\noutput = [1, 2, 5]",
        ["[[product]] 1 (all)", "'output' is [1, 2, 5], and the case gives [1, 2, 4]"],
    ),
    "another output": (HEAD + f"[[case]]{LAYER}output = [1, 1, 7]", ["(layer)", "'output'", "[1, 1, 6]"]),
    "a wrong value": (HEAD + f"[[case]]{LAYER}stride = 0", ["[[case]] 1 (layer)", "stride=0", "at least 1"]),
    "a wrong op": (HEAD + "[[case]]" + LAYER.replace("1d", "4d"), ["(layer)", "op='conv_transpose4d'"]),
    "a ragged input": (
        HEAD + "[[case]]" + LAYER.replace("[1, 1, 4]", "[[1, 1], [4]]"),
        ["[[case]] 1 (layer)", "'input'=[[1, 1], [4]]", "a list of ints"],
    ),
    "a table for a number": (HEAD + f"[[case]]{LAYER}groups = {{}}", ["(layer)", "'groups'={}", "an int"]),
    "a second table's value": (
        HEAD + f"[[case]]{LAYER}[[case]]{LAYER.replace('layer', 'other')}seed = -1",
        ["[[case]] 2 (other)", "seed=-1"],
    ),
    "a name twice": (HEAD + f"[[case]]{LAYER}" * 2, ["'layer'", "twice"]),
    "a product without lists": (
        HEAD + PRODUCT + "kernel = 3",
        ["[[product]] 1 (all)", "'kernel'=3", "list of alternatives"],
    ),
    "a product of an empty list": (HEAD + PRODUCT + "kernel = []", ["[[product]] 1 (all)", "'kernel'=[]"]),
    "a product without a convolution": (
        HEAD + PRODUCT + "kernel = [9]",
        ["[[product]] 1 (all)", "no combination"],
    ),
    "a product of an unknown dtype": (
        HEAD + PRODUCT + 'kernel = [1]\ndtype = ["float32", "float8"]',
        ["[[product]] 1 (all)", "dtype='float8'"],
    ),
    "a product of a word": (
        HEAD + PRODUCT + 'kernel = [1, "two"]',
        ["[[product]] 1 (all)", "'kernel'", "'two'", "ints"],
    ),
    "a product of a padding that is none": (
        HEAD + PRODUCT + 'kernel = [1]\npadding = [0, "full"]',
        ["[[product]] 1 (all)", "'padding'", "'full'", "'valid' or 'same'"],
    ),
    "a product with an unknown key": (HEAD + PRODUCT + "kernel = [1]\nsize = [1]", ["(all)", "'size'"]),
    "a product whose output padding an op lacks": (
        HEAD + PRODUCT + "kernel = [1]\noutput_padding = [0]",
        ["[[product]] 1 (all)", "output_padding=0"],
    ),
}


@pytest.mark.parametrize("fault", INVALID)
def test_an_error_names_the_file_and_the_table_and_the_key(tmp_path: Path, fault: str) -> None:
    text, parts = INVALID[fault]
    with pytest.raises(SuiteError) as raised:
        suite_of(tmp_path, text)
    message = str(raised.value)
    assert [part for part in (str(tmp_path / "mine.toml"), *parts) if part not in message] == [], message


def test_an_unknown_suite_is_an_error_that_names_the_built_in_ones() -> None:
    with pytest.raises(SuiteError, match=f"suite 'zo': allowed are {', '.join(BUILT_IN)}"):
        load_suite("zo")


def test_a_folder_is_no_suite(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="allowed are article"):
        load_suite(str(tmp_path))


def test_a_file_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SuiteError, match=r"binary\.toml: cannot be read"):
        load_suite(str(path))
