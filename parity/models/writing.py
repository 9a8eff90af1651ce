"""The files of a port: the layers with their conversions, and the test of them."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from parity.frameworks.code.format import comment, formatted
from parity.frameworks.code.layer import Layer
from parity.frameworks.code.script import join
from parity.frameworks.interface import Framework
from parity.frameworks.model import Use
from parity.translation.translator import Draft


@dataclass(frozen=True)
class Piece:
    """The code of one layer.

    Attributes:
        name: of the layer in the source's model.
        layer: the target's layer, as an expression, or as statements that leave ``layer``.
        is_expression: which of the two.
        imports: the modules that it needs.
        convert: the function ``convert(weights)``, from the source layer's arrays to the target's.
        state: where the source's arrays stand, as code that reads ``state``; empty if they stand in none.
        source: the source's layer, as an expression.
        reader: the name of the framework that reads and calls it, which may be another than the model's: a
            model of LiteRT has functions of TensorFlow.
        source_imports: the modules that it needs.
        shapes: of the source layer's arrays.
        sizes: shapes of the inputs, (N, C, *spatial).
        dtype: of the arrays.
        terms: products that an output element adds up, at most.
        traps: what there is to know of it, in sentences.
    """

    name: str
    layer: str
    is_expression: bool
    imports: tuple[str, ...]
    convert: str
    state: tuple[str, ...]
    source: str
    reader: str
    source_imports: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    sizes: tuple[tuple[int, ...], ...]
    dtype: str
    terms: int
    traps: tuple[str, ...]

    @classmethod
    def of(
        cls, name: str, use: Use, written: Draft, sizes: Sequence[tuple[int, ...]], traps: Sequence[str]
    ) -> Piece:
        """Make the code of a layer that is translated."""
        chosen, reading = written.ours[0], written.reading
        before = written.source.to_convmm if reading.to_convmm is None else reading.to_convmm
        weights = [use.kernel, *([] if use.bias is None else [use.bias])]
        theirs = written.theirs[0]
        return cls(
            name,
            str(chosen.layer) if isinstance(chosen.layer, Layer) else chosen.layer.statements,
            isinstance(chosen.layer, Layer),
            chosen.layer.imports,
            chosen.convert.text(before),
            use.state,
            str(theirs.layer),
            written.source.name,
            theirs.layer.imports,
            tuple(tuple(each.shape) for each in theirs.convert(weights)),
            tuple(sizes),
            use.case.dtype,
            use.case.input[1] // use.case.groups * math.prod(use.case.kernel),
            tuple(traps),
        )


def layers_file(head: str, pieces: Sequence[Piece], state_is: str) -> str:
    """Write the file of the layers.

    Args:
        head: what it begins with, comments.
        pieces: the layers.
        state_is: what ``convert`` takes.
    """
    makers = _numbered(each.layer for each in pieces if not each.is_expression)
    conversions = _numbered(each.convert for each in pieces)
    blocks = [_function(f"_make_{n}()", f"{text}\nreturn layer") for text, n in makers.items()]
    blocks += [text.replace("def convert(", f"def _convert_{n}(") for text, n in conversions.items()]
    rows = ["layers = {}", '"""The layers, by the source\'s names of them."""', ""]
    for each in pieces:
        rows += [comment(trap) for trap in each.traps]
        made = each.layer if each.is_expression else f"_make_{makers[each.layer]}()"
        rows.append(f"layers[{each.name!r}] = {made}")
    blocks.append("\n".join(rows))
    rows = [f"    {each.name!r}: _convert_{conversions[each.convert]}," for each in pieces]
    blocks.append("\n".join(["converters = {", *rows, "}", _CONVERTERS]))
    blocks.append(_convert(pieces, state_is))
    imports = [module for each in pieces for module in each.imports]
    return formatted(f"{head}\n{join([*imports, 'numpy as np'], *blocks)}")


_CONVERTERS = '"""From the arrays of each source\'s layer to those of its like here, as lists."""'


def _convert(pieces: Iterable[Piece], state_is: str) -> str:
    """Write the conversion of a whole state."""
    rows = ["def convert(state):"]
    rows.append('    """Return the arrays of each layer, of the state of the source\'s model:')
    rows.append(f"    {state_is}.")
    rows.append('    """')
    rows.append("    arrays = {")
    for each in pieces:
        if each.state:
            rows.append(f"        {each.name!r}: [{', '.join(each.state)}],")
        else:
            rows.append(f"        # {' '.join(each.name.split())}: it stands in no state")
    rows.append("    }")
    rows.append("    return {")
    rows.append("        name: converters[name]([np.asarray(each) for each in weights])")
    rows.append("        for name, weights in arrays.items()")
    rows.append("    }")
    return "\n".join(rows)


def test_file(title: str, source: Framework, target: Framework, pieces: Sequence[Piece]) -> str:
    """Write the file of the test.

    Args:
        title: what its docstring says.
        source: whose the source's layers are.
        target: whose the layers are.
        pieces: the layers.
    """
    dtypes = list(dict.fromkeys(each.dtype for each in pieces))
    imports = ["numpy as np", "pytest"]
    blocks = ["from layers import converters, layers"]
    rows = ["CASES = ["]
    for each in pieces:
        imports += each.source_imports
        rows += [
            f"    ({each.name!r}, lambda: {each.source}, {list(each.shapes)!r}, {size!r}, {each.dtype!r}, "
            f"{each.terms}),"
            for size in each.sizes
        ]
    what = "Name, the source's layer, the shapes of its arrays and of an input, dtype, terms of a sum."
    rows += ["]", f'"""{what}"""']
    blocks.append("\n".join(rows))
    for which, found in (("source", source), ("target", target)):
        for dtype in dtypes:
            script = found.calling(dtype)
            imports += script.imports
            body = f"{script.statements}\nreturn y"
            blocks.append(_function(f"call_{which}_{dtype}(layer, converted, x)", body))
    callers = ", ".join(f"{dtype!r}: (call_source_{dtype}, call_target_{dtype})" for dtype in dtypes)
    blocks.append(f"CALLS = {{{callers}}}")
    blocks.append(_TEST)
    docstring = re.sub(r'["\\\\]', "", title)
    return formatted(f'"""{docstring}"""\n\n{join(imports, *blocks)}')


_TEST = """\
@pytest.mark.parametrize(("name", "make", "shapes", "size", "dtype", "terms"), CASES)
def test_the_layer_computes_what_its_source_does(name, make, shapes, size, dtype, terms):
    random = np.random.default_rng(0)
    kernel, *bias = (random.integers(-2, 3, shape).astype("float64") for shape in shapes)
    largest = {"float16": 2048, "bfloat16": 256}.get(dtype, 2**24)  # up to which all integers are exact
    kernel *= random.random(kernel.shape) < largest / 16 / terms
    weights = [kernel, *bias]
    x = random.integers(-2, 3, size).astype("float64")
    call_source, call_target = CALLS[dtype]
    due = call_source(make(), weights, x)
    found = call_target(layers[name], converters[name](weights), x)
    assert found.shape == due.shape
    assert due.any()
    assert np.array_equal(found, due)  # every sum of small integers is exact"""


def _function(signature: str, body: str) -> str:
    return f"def {signature}:\n{_indented(body)}"


def _indented(text: str) -> str:
    return textwrap.indent(text, "    ")


def _numbered(texts: Iterable[str]) -> dict[str, int]:
    """Give each text a number, equal ones the same."""
    return {text: number for number, text in enumerate(dict.fromkeys(texts), 1)}
