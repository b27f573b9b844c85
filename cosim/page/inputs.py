"""The JSON files that the commands have left in the build folder, checked against ``schema.json``."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

__all__ = ["COMMANDS", "SCHEMA", "check", "read_inputs"]

SCHEMA = Path(__file__).resolve().parent / "schema.json"

COMMANDS = {
    "sim": "make sim",
    "bench": "make bench",
    "resources": "make resources",
    "quant": "make quant",
    "ladder": "make ladder",
    "profile": "make profile",
    "quality": "python -m talos_ref quality --json --out build/quality.json",
}
"""File, less its ``.json`` -> the command that writes it."""


def read_inputs(folder: Path) -> dict[str, Any]:
    """Return name -> document of those files that are there.

    Raises ValueError, naming the file and the command that writes it again, if one is not as the schema says.
    """
    found = {}
    for name in COMMANDS:
        path = folder / f"{name}.json"
        if path.is_file():
            try:
                found[name] = check(name, _documents(path.read_text(encoding="utf-8")))
            except ValueError as error:
                raise ValueError(f"{path} is not usable: {error}; write it again: {COMMANDS[name]}") from None
    return found


def _documents(text: str) -> Any:
    """Return the one document of a file, or the list of those that stand a line each."""
    try:
        return json.loads(text)
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]


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
