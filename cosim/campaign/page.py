"""The summary of a campaign as one HTML file that needs no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["render"]

_TEMPLATE = Path(__file__).resolve().parent / "summary.html.j2"


def render(document: dict[str, Any]) -> str:
    """Return the page of a campaign, from what ``report.to_json`` made."""
    # Late, since it takes a while.
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["short"] = lambda value: f"{value:g}"
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(document)
