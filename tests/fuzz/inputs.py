"""Texts for each reader: some of its grammar with wrong values in it, and right "
"ones with a part exchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files

import hypothesis.strategies as st

from parity.cases.case import DTYPES, PADDING_MODES, VALUES
from parity.cases.condition import _COUNTS, _FLAGS, _OF_AN_AXIS
from parity.cases.op import OPS
from parity.frameworks.keras.chain import LINKS as KERAS_LINKS
from parity.frameworks.torch.chain import LINKS as TORCH_LINKS

NUMBERS = st.one_of(
    st.integers(-2, 9),
    st.sampled_from([10**5, 10**9, 2**31, 2**63 - 1, 2**63, 2**64, 10**30, 10**400, -(10**30)]),
)

DIGITS = st.one_of(
    NUMBERS.map(str),
    st.sampled_from("1e400 1_0 ٣ +2 nan inf".split()),
    st.sampled_from([" 1", "9" * 5000, "-" + "9" * 5000, "0x" + "f" * 5000]),
)

ODD = st.one_of(
    st.sampled_from(
        [
            "",
            "\x00",
            "\x1b[31m",
            "\x1b]0;title\x07",
            "\u202e",
            "\x9b",
            "same",
            "none",
            "x" * 20_000,
            "[" * 600,
            "(" * 600,
            "-" * 7000,
            "a." * 4000,
            "{" * 300,
            "[/bold]",
            "{'a': 1}",
            "\n",
            "=",
            "'",
            '"""',
            "\\ud800",
            "1979-05-27",
            "9**9**9",
            "2**" * 300,
            "1//0",
            "f'{",
            "lambda: ",
            " = ",
            ": ",
            "; ",
            "# ",
            ">>> ",
            "return ",
            "(x := ",
            "\ud800",
        ]
    ),
    st.text(max_size=8),
    DIGITS,
)
"""Parts of texts that readers stumble over."""


@st.composite
def mutated(draw: st.DrawFn, seeds: Sequence[str]) -> bytes:
    """Draw a right text with some of its parts exchanged for odd ones, left out or doubled."""
    text = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(text)))
        end = min(begin + draw(st.sampled_from([0, 1, 2, 5, 20])), len(text))
        kept = text[begin:end]
        part = draw(st.one_of(ODD, st.sampled_from(["", kept * 2, kept * 40])))
        text = text[:begin] + part + text[end:]
    data = text.encode(errors="surrogatepass")
    return data + draw(st.sampled_from([b""] * 8 + [b"\xff", b"\xed\xa0\x80", b"\x00"]))


def _toml(value: object) -> str:
    """Write a value of TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return value if isinstance(value, str) else str(value)


def _values(words: Sequence[str], keys: Sequence[str]) -> st.SearchStrategy[object]:
    """Draw values of TOML: of any type, words and keys that mean something among them."""
    odd = ['""', '"\\u202e\\u001b[31m"', f'"{"y" * 9000}"']
    texts = st.sampled_from([*(f'"{word}"' for word in words), *odd])
    single = st.one_of(NUMBERS, st.booleans(), texts, DIGITS, st.sampled_from(["1.5", "nan", "1979-05-27"]))
    return st.recursive(
        single,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(list(keys)), inner, max_size=3)
        ),
        max_leaves=6,
    )


@st.composite
def tables(
    draw: st.DrawFn, kinds: Sequence[str], right: Mapping[str, str], words: Sequence[str], keys: Sequence[str]
) -> bytes:
    """Draw a file of tables, of which some keys have other values than the right ones, or are others."""
    lines = ['description = "d"'] if "divergence" not in kinds else []
    values = _values(words, keys)
    for _ in range(draw(st.integers(0, 3))):
        lines.append(f"[[{draw(st.sampled_from(kinds))}]]")
        written = dict(right)
        for key in draw(st.lists(st.sampled_from([*keys, "other", '"a.b"', "name"]), max_size=4)):
            written[key] = _toml(draw(values))
        lines += [f"{key} = {value}" for key, value in written.items()]
    return "\n".join(lines).encode()


_OF_A_CASE = (
    "name op input filters kernel stride padding output_padding dilation groups bias dtype values seed "
    "padding_mode"
).split()
_OF_AN_ENTRY = (
    "name framework version backend backend_version case machine spelling output seen certain undecided why "
    "reference found example".split()
)

_CASE = {"name": '"a"', "op": '"conv1d"', "input": "[1, 1, 4]", "filters": "1", "kernel": "2"}
_PRODUCT = {"name": '"a"', "op": '["conv1d"]', "input": "[[1, 1, 4]]", "filters": "[1, 2]", "kernel": "[2]"}
_ENTRY = {
    "name": '"mine"',
    "framework": '"torch"',
    "version": '">=2"',
    "case": '{op = "conv1d"}',
    "seen": '{status = "ok", relation = ["window"]}',
    "why": '"w"',
    "found": '"f"',
    "example": '"parity run conv1d --input 1,1,4 --filters 1 --kernel 2"',
}
_WORDS = [
    *OPS,
    *DTYPES,
    *VALUES,
    *PADDING_MODES,
    "valid",
    "same",
    "none",
    "native",
    "ok",
    "rejected",
    ">=2.18,<2.22",
    "https://a",
]

_ZOO = files("parity.cases.suites").joinpath("zoo.toml").read_text(encoding="utf-8")
_SUITES = [f'description = "d"\n[[case]]{text}' for text in _ZOO.split("[[case]]")[1:9]]
_REGISTRY = files("parity.frameworks.known").joinpath("divergences.toml").read_text(encoding="utf-8")
_ENTRIES = ["[[divergence]]" + text for text in _REGISTRY.split("[[divergence]]")[1:]]

SUITES = st.one_of(
    mutated(_SUITES),
    tables(["case"], _CASE, _WORDS, _OF_A_CASE),
    tables(["product"], _PRODUCT, _WORDS, _OF_A_CASE),
)

REGISTRIES = st.one_of(
    mutated(_ENTRIES),
    tables(
        ["divergence"],
        _ENTRY,
        [*_WORDS, "parity run conv1d --input 1,1,4 --filters 1 --kernel 2"],
        [*_OF_AN_ENTRY, *_OF_AN_AXIS, *_COUNTS, *_FLAGS, *"any_axis last_axes min max even status".split()],
    ),
)

_LITERALS = st.recursive(
    st.one_of(
        DIGITS,
        NUMBERS.map(str),
        st.sampled_from("None True 'same' 'valid' 'relu' torch.float64 ... b'x' 1j -1 (1) *a x()".split()),
        st.sampled_from("9//2 2**3 9**9**9 1%0 -(1) x+1 f'{x}' {'a':1} Policy('mixed_float16')".split()),
        st.sampled_from("zeros(2,2,3,3) np.ones((3,3,2,2)) Variable(Variable(1)) randn(shape=x)".split()),
    ),
    lambda inner: st.lists(inner, max_size=3).map(lambda parts: f"({', '.join(parts)},)" if parts else "()"),
    max_leaves=4,
)
_NAMES = (
    "in_channels out_channels kernel_size stride padding output_padding groups bias "
    "dilation padding_mode dtype device "
    "filters strides dilation_rate use_bias activation data_format input_shape name kernel_initializer x "
    "scale_factor mode size dim axis value negative_slope approximate alpha threshold cropping interpolation "
    "max_value output_size depth_multiplier shape layers "
    "batch_input_shape kernel_regularizer trainable lora_rank weight input inputs kernel dilations"
).split()
_CLASSES = (
    "nn.Conv1d nn.Conv2d nn.Conv3d nn.ConvTranspose2d torch.nn.ConvTranspose1d "
    "layers.Conv2D keras.layers.Conv1DTranspose Conv3DTranspose layers.Conv1D layers.SeparableConv2D "
    "nn.LazyConv2d F.conv2d torch.conv_transpose1d keras.ops.conv ops.conv_transpose "
    "tf.nn.conv2d tf.nn.conv1d_transpose tf.nn.depthwise_conv2d"
).split()
_STEPS = [*(f"nn.{name}" for name in sorted(TORCH_LINKS)), *(f"layers.{n}" for n in sorted(KERAS_LINKS))]
_LINES = ("{}", "self.a = {}", "a: b = {},", "return {}(x)", "model.add({})", ">>> {};", "x = y = {}  # z")


@st.composite
def expressions(draw: st.DrawFn) -> bytes:
    """Draw a call of a layer, with arguments of any kind."""
    classes = draw(st.sampled_from([_CLASSES, _STEPS]))
    arguments = draw(st.lists(_LITERALS, max_size=4))
    count = draw(st.integers(0, 4))
    arguments += [f"{draw(st.sampled_from(_NAMES))}={draw(_LITERALS)}" for _ in range(count)]
    call = f"{draw(st.sampled_from(classes))}({', '.join(arguments)})"
    return draw(st.sampled_from(_LINES)).format(call).encode(errors="surrogatepass")


def _chained(links: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    forms = st.sampled_from([b"nn.Sequential(%s)", b"keras.Sequential([%s])", b"Sequential(x=[%s])"])
    several = st.lists(links, max_size=4).map(b", ".join)
    return st.builds(bytes.__mod__, forms, several)


CHAINS = st.recursive(expressions(), _chained, max_leaves=6)
"""Such calls, and chains of them or of chains."""

EXPRESSIONS = st.one_of(
    CHAINS,
    mutated(
        [
            "nn.Sequential(nn.Conv2d(3, 8, 3), nn.PixelShuffle(2), nn.LeakyReLU(0.2), nn.Softmax(1))",
            "keras.Sequential([layers.Input((8, 8, 3)), layers.ZeroPadding2D(1), layers.Conv2D(4, 3)])",
            "nn.Sequential(OrderedDict([('a', nn.Upsample(scale_factor=2)), ('b', nn.Unfold(3))]))",
            "nn.Conv2d(3, 8, 3, stride=2, padding=1, dtype=torch.float64)",
            "layers.Conv2DTranspose(8, (3, 3), strides=2, padding='same', activation='relu')",
            "keras.layers.Conv1D(8, 3, dilation_rate=2, padding='causal', input_shape=(None, 3))",
            ">>> self.up = nn.LazyConvTranspose2d(9//2, (2**2, 4-1), 2)  # doubles",
            "x = F.conv_transpose2d(x, torch.randn(8, 3, 3, 3), b, 2, padding=(1,))",
            "return keras.ops.conv(x, np.zeros((3, 3, 3, 8)), strides=2, padding='same'),",
            "tf.nn.depthwise_conv2d(x, tf.ones([3, 3, 2, 2]), [1, 2, 2, 1], 'SAME')",
        ]
    ),
)

_OPTIONS = [f"--{name.replace('_', '-')}" for name in _OF_A_CASE[2:]]
_OPTION_VALUES = st.one_of(
    st.lists(DIGITS, min_size=1, max_size=5).map(",".join),
    st.lists(DIGITS, min_size=2, max_size=2).map(":".join),
    st.sampled_from([*DTYPES, *VALUES, "same", "valid", "1,1,4", "1,3,4,4", "1:2,0:1"]),
    st.sampled_from(["1x3x4x4", "(1, 3, 4, 4)", "[1,1,4]", "3,4,4", "((1,))", "1x", "(1x2]"]),
    ODD,
)


@st.composite
def command_lines(draw: st.DrawFn, commands: Sequence[str], options: Sequence[str], between: str) -> bytes:
    """Draw a command line with options of any values, its words written with ``between`` between them."""
    words = [draw(st.sampled_from(commands)), draw(st.sampled_from([*OPS, "conv9d"]))]
    if draw(st.integers(0, 3)):
        words += ["--input", "1,1,4", "--filters", "1", "--kernel", "2"]
    for _ in range(draw(st.integers(0, 4))):
        words += [draw(st.sampled_from(options)), draw(_OPTION_VALUES)]
    return between.join(words).encode(errors="surrogatepass")


COMMANDS = st.one_of(
    command_lines(["parity run"], _OPTIONS, " "),
    mutated(["parity run conv_transpose2d --input 5,3,2,2 --filters 1 --kernel 3 --padding 1:2 --seed 3"]),
)

ARGUMENTS = command_lines(
    ["run", "run", "explain", "sizes", "check", "fuzz", "sweep", "translate", "report", "diff", "nosuch"],
    [
        *_OPTIONS,
        *_OPTIONS,
        *(
            "--timeout --seconds --examples --jobs --repeat --limit --up-to --channels "
            "--max-size --min-kernel"
        ).split(),
        *"--frameworks --impl --x --w --divergences --output --to --paddings --ops --nosuch --help".split(),
    ],
    "\n",
)

INPUTS: Mapping[str, st.SearchStrategy[bytes]] = {
    "suite": SUITES,
    "registry": REGISTRIES,
    "expression": EXPRESSIONS,
    "command": COMMANDS,
    "numbers": _OPTION_VALUES.map(lambda text: text.encode(errors="surrogatepass")),
    "arguments": ARGUMENTS,
}
"""What is drawn for each reader."""
