"""The JSON files that the commands have left in the build folder, checked against ``schema.json``."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

__all__ = ["COMMANDS", "SCHEMA", "check", "file_of", "read_inputs"]

SCHEMA = Path(__file__).resolve().parent / "schema.json"

COMMANDS = {
    "sim": "make sim",
    "bench": "make bench",
    "resources": "make resources",
    "quant": "make quant",
    "ladder": "make ladder",
    "profile": "make profile",
    "quality": "make quality",
    "prove": "make prove",
    "campaign": "make campaign",
    "upsets": "make upsets",
    "bitstream": "make bitstream",
}
"""Name of a document -> the command that writes it, to the file of that name in the build folder."""

_FOLDERS = {"bitstream": "bitstream/*/*/report.json"}
"""Name of a document -> where its parts are, if it is a list of several files."""


def read_inputs(folder: Path) -> dict[str, Any]:
    """Return name -> document of those files that are there.

    Raises ValueError, naming the file and the command that writes it again, if one is not as the schema says.
    """
    found = {}
    for name in COMMANDS:
        paths = sorted(folder.glob(_FOLDERS.get(name, f"{name}.json")))
        documents = [_read(path, name) for path in paths]
        if documents:
            found[name] = documents if name in _FOLDERS else documents[0]
    return found


def file_of(name: str) -> str:
    """Return where the build folder holds a document, as a person reads it."""
    return _FOLDERS.get(name, f"{name}.json")


def _read(path: Path, name: str) -> Any:
    try:
        return check(name, json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(f"{path} is not usable: {error}; write it again: {COMMANDS[name]}") from None


def check(name: str, document: Any) -> Any:
    """Return a document of a command; ValueError, with the place and what is wrong there, if it breaks the schema."""
    # Late, since it takes a third of a second.
    from jschon import JSON, JSONSchema, create_catalog

    whole = json.loads(SCHEMA.read_text(encoding="utf-8"))
    with warnings.catch_warnings():
        # jschon 0.11.1 calls a method that rfc3986 2.0 means to remove.
        warnings.simplefilter("ignore", DeprecationWarning)
        create_catalog("2020-12")
        schema = JSONSchema({"$schema": whole["$schema"], "$defs": whole["$defs"], "$ref": f"#/$defs/{name}"})
        result = schema.evaluate(JSON(document))
    if not result.valid:
        basic: Any = result.output("basic")
        errors = list(basic["errors"])
        # The deepest one says what is wrong; those around it only that something is.
        worst = max(errors, key=lambda error: len(error["instanceLocation"]))
        raise ValueError(f"{worst['instanceLocation'] or 'the document'}: {worst['error']}")
    return document
