"""The JSON Schema (2020-12) of every event type, as kept in ``schemas/`` and served at ``/schemas/``.

``python -m trust_portal.facts.published`` writes the files anew from the types in ``events``.
"""

from __future__ import annotations

import inspect
import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec

from trust_portal.facts.events import EVENT_TYPES

_FOLDER: Final = files("trust_portal.facts") / "schemas"


def generate() -> dict[str, dict[str, Any]]:
    """File name → schema, one per event type. ``$id`` is relative to where it is served."""
    return {f"{name}.json": _schema(name) for name in EVENT_TYPES}


@cache
def event_schemas() -> dict[str, str]:
    """File name → text of the schemas kept with the code, by name."""
    return {
        entry.name: entry.read_text("utf-8")
        for entry in sorted(_FOLDER.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".json")
    }


def as_text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _schema(name: str) -> dict[str, Any]:
    kind = EVENT_TYPES[name]
    (_,), components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    envelope = components.pop(kind.__name__)
    # The types say which fields there are; the name of the type is the one thing they leave open.
    envelope["properties"]["type"] = {"const": name}
    envelope.pop("title", None)
    envelope["description"] = inspect.cleandoc(envelope["description"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"/schemas/{name}.json",
        "title": name,
        **_without_nulls(envelope),
        "$defs": {key: _without_nulls(value) for key, value in components.items()},
    }


def _without_nulls(component: dict[str, Any]) -> dict[str, Any]:
    """``default: null`` tells a reader nothing that "not required" does not."""
    for field in component.get("properties", {}).values():
        if field.get("default", 0) is None:
            del field["default"]
    return component


def main() -> None:
    folder = Path(str(_FOLDER))
    wanted = generate()
    for stale in folder.glob("*.json"):
        if stale.name not in wanted:
            stale.unlink()
    for name, schema in wanted.items():
        (folder / name).write_text(as_text(schema), "utf-8")


if __name__ == "__main__":
    main()
