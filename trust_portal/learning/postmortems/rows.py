"""The evidence manifest of a postmortem: every fact with its source, time and digest, one a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

HEADER = ("customer", "kind", "at", "source", "sha256", "id")
_WITHHELD = "(withheld)"


def evidence_rows(document: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Header and lines of text made from the document alone, also from a redacted one."""
    yield HEADER
    yield from (_row("", each) for each in document.get("evidence", ()))
    customers = document.get("customers", {})
    for key in sorted(customers):
        if key != "_sd":
            yield from (_row(key, each) for each in customers[key].get("evidence", ()))


def _row(customer: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    return (customer, *(str(entry.get(name, _WITHHELD)) for name in HEADER[1:]))
