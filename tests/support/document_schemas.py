"""What published schemas have against a document of the chapter trust."""

from __future__ import annotations

import json
from importlib.resources import files

from jsonschema import Draft202012Validator


def faults(kind: str, body: object) -> list[str]:
    """The places in ``body`` that do not fit the schema of ``kind``."""
    schema = json.loads((files("trust_portal.trust") / "schemas" / f"{kind}.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return ["/".join(map(str, each.absolute_path)) for each in Draft202012Validator(schema).iter_errors(body)]
