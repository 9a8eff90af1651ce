"""The script of a chain's translation: its layers in turn, and the conversion of each one's weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from parity.frameworks.code.chain import Written
from parity.frameworks.code.expression import Call
from parity.frameworks.code.format import comment, formatted
from parity.frameworks.code.layer import Layer, Name
from parity.frameworks.code.reading import Reading
from parity.frameworks.code.script import Script, join
from parity.frameworks.interface import Framework
from parity.frameworks.spelling import Spelling
from parity.translation.walk import Parts

_BETWEEN = "\n\n\n"


def code(
    call: Call,
    source: Framework,
    target: Framework,
    parts: Parts,
    written: Sequence[Spelling | Written],
    more: Sequence[str] = (),
) -> str:
    """Write the script that leaves ``layer`` and ``convert``, and more functions of the weights."""
    collected = _Collected()
    for each in written:
        collected.add(each)
    layers = collected.layers
    statement = f"layer = {layers[0]!r}" if len(layers) == 1 else _one_a_line(target.sequence(layers))
    own = target.sequence([]).imports if len(layers) > 1 else ()
    functions = (_convert(source, parts, written), *more)
    script = join((*collected.imports, *own, "numpy as np"), *collected.blocks, statement, *functions)
    return formatted(f"{comment(call.text)}\n{script}")


def slices(parts: Parts) -> dict[int, str]:
    """Return where each convolution's arrays are among the source's ``weights``, as code, by its number."""
    found, start = {}, 0
    for number, part in enumerate(parts):
        if isinstance(part, Reading):
            end = start + 1 + part.arguments["bias"]
            found[number] = f"weights[{start}:{end}]"
            start = end
    return found


def to_convmm(source: Framework, reading: Reading) -> tuple[str, ...]:
    """Return the statements that bring the source's ``kernel`` into convmm's layout."""
    return source.to_convmm if reading.to_convmm is None else reading.to_convmm


@dataclass
class _Collected:
    """What has been written of the layers so far."""

    imports: set[str] = field(default_factory=set)
    blocks: list[str] = field(default_factory=list)
    layers: list[Layer | Name] = field(default_factory=list)

    def add(self, each: Spelling | Written) -> None:
        """Add a layer, and the statements that it needs, the same ones once."""
        if isinstance(each, Written):
            self.imports.update(each.imports)
            self._define(each.definitions)
            for layer in each.layers:
                self._layer(layer)
            return
        if isinstance(each.layer, Script):
            self.imports.update(each.layer.imports)
            *before, last = each.layer.statements.split(_BETWEEN)
            name = f"link_{len(self.layers) + 1}"
            self._define([*before, _renamed(last, name)])
            self.layers.append(Name(name, value=name))
            return
        self._layer(each.layer)

    def _define(self, blocks: Sequence[str]) -> None:
        self.blocks += [block for block in blocks if block not in self.blocks]

    def _layer(self, layer: Layer) -> None:
        """Add a layer; of several in turn each."""
        inner = layer.positional[0] if len(layer.positional) == 1 else layer.positional
        if layer.path.endswith(".Sequential") and isinstance(inner, list | tuple):
            for each in inner:
                self._layer(each)
            return
        if "." in layer.path:
            self.imports.update(layer.imports)
        self.layers.append(layer)


def _renamed(statements: str, name: str) -> str:
    """Return statements that leave ``layer`` as ones that leave another name."""
    before, _, last = f"\n{statements}".rpartition("\nlayer = ")
    return f"{before}\n{name} = {last}".strip()


def _one_a_line(layer: Layer) -> str:
    """Write a chain with a line for each of its layers."""
    (inner,) = layer.positional if isinstance(layer.positional[0], list) else (layer.positional,)
    opening, closing = ("([", "])") if inner is layer.positional[0] else ("(", ")")
    lines = "".join(f"    {each!r},\n" for each in inner)
    return f"layer = {layer.path}{opening}\n{lines}{closing}"


def _convert(source: Framework, parts: Parts, written: Sequence[Spelling | Written]) -> str:
    """Write the function from the source's arrays, in its order, to the target's."""
    bodies = {
        number: (*to_convmm(source, part), *each.convert.statements)
        for number, (part, each) in enumerate(zip(parts, written, strict=True))
        if isinstance(part, Reading) and isinstance(each, Spelling)
    }
    if not bodies:
        return "def convert(weights):\n    return list(weights)"
    if len(bodies) == 1:
        (body,) = bodies.values()
        lines = ["kernel, *bias = weights", *body, "return converted"]
    else:
        places = slices(parts)
        lines = ["arrays = []"]
        for number, body in bodies.items():
            lines += [f"kernel, *bias = {places[number]}", *body, "arrays += converted"]
        lines.append("return arrays")
    return "\n".join(["def convert(weights):", *(f"    {line}" for line in lines)])
