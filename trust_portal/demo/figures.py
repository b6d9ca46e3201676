"""A report's figures in a few lines of plain text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any


def figures(document: Mapping[str, Any]) -> Iterator[str]:
    """Per objective what was measured against what was promised, then the credit."""
    yield f"{document['tenant']['name']}, {document['period']['label']} in {document['period']['time_zone']}"
    for each in document["objectives"]:
        raw, adjusted = each["raw"], each["adjusted"]
        word = "met" if each["met"] else "missed"
        yield f"{each['objective']}: promised {each['target']} %, attained {adjusted['percent']} %, {word}"
        yield (
            f"{raw['down_minutes']} minutes down; "
            f"{Decimal(raw['down_minutes']) - Decimal(adjusted['down_minutes'])} of them fell into announced"
            f" maintenance and are left out; {adjusted['down_minutes']} count"
        )
    credit = document["credit"]
    yield f"service credit {credit['amount']} {credit['currency']} ({credit['percent']} % of the fee)"
