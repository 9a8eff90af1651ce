"""Write the JSON Schema of a record's line: `python docs/reference/record_schema.py`."""

import inspect
import json
import re
from pathlib import Path
from typing import Any

import msgspec

from parity.records import header, result

SCHEMA = Path(__file__).with_name("record.schema.json")
ADDRESS = "https://convparity.github.io/convparity/reference/record.schema.json"
KINDS = (header.Header, result.Record)


def schema() -> dict[str, Any]:
    """Return the schema, of a header and of a case's record, from the types that they are read as."""
    _, parts = msgspec.json.schema_components(KINDS, ref_template="#/$defs/{name}")
    for name, part in parts.items():
        _describe(part, getattr(result, name, None) or getattr(header, name))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ADDRESS,
        "title": "A line of a record of convparity",
        "oneOf": [{"$ref": f"#/$defs/{kind.__name__}"} for kind in KINDS],
        "$defs": parts,
    }


def text() -> str:
    """Return the schema as the file has it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _describe(part: dict[str, Any], kind: type) -> None:
    """Put what the docstring says of each attribute beside it, and only the rest above all."""
    above, _, attributes = inspect.cleandoc(kind.__doc__ or "").partition("\n\nAttributes:\n")
    part["description"] = " ".join(above.split())
    for name, said in re.findall(r"^    (\w+): (.*(?:\n        .*)*)", attributes, flags=re.MULTILINE):
        part["properties"][name]["description"] = " ".join(said.split())
    if "kind" in part["properties"]:  # in a file it is always there, and tells the two apart
        part["required"] = ["kind", *(key for key in part["required"] if key != "kind")]


if __name__ == "__main__":
    SCHEMA.write_text(text(), encoding="utf-8")
