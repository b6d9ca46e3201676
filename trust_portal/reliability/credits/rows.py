"""The credit memo as one table: every figure on its own line, for spreadsheets and scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

HEADER = ("section", "item", "field", "value")


def csv_rows(memo: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Header and lines of text made from the memo alone; absent figures are empty."""
    yield HEADER
    yield from _fields("credit", "", memo["credit"])
    yield from _fields("issue", "", {k: v for k, v in memo["issue"].items() if k != "by"})
    yield from _fields("issue", "by", memo["issue"]["by"])
    yield from _fields("period", "", memo["period"])
    body = memo["calculation"]["body"]
    figures = (
        "fee",
        "currency",
        "combine",
        "uncapped_percent",
        "percent",
        "total",
        "issued_before",
        "amount",
    )
    yield from _fields("calculation", "", {name: body[name] for name in figures})
    yield from _fields("report", "", body["report"])
    yield from _fields("contract", "", body["contract"])
    for each in body["objectives"]:
        plain = ("target", "met", "tier", "credit_percent", "excluded_minutes")
        yield from _fields("promise", each["objective"], {name: each[name] for name in plain})
        for figure in ("raw", "attained"):
            named = {f"{figure}_{name}": value for name, value in each[figure].items()}
            yield from _fields("promise", each["objective"], named)
    for number, rule in enumerate(body["rules"], 1):
        yield from _fields("rule", str(number), rule)
    for number, each in enumerate(body["earlier"], 1):
        yield from _fields("earlier", str(number), each)
    yield from _fields("proposal", "", {k: v for k, v in memo["proposal"].items() if k != "by"})
    yield from _fields("proposal", "by", memo["proposal"]["by"])
    for number, each in enumerate(memo["approval"]["approvals"], 1):
        yield from _fields("approval", str(number), each)


def _fields(section: str, item: str, fields: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for field, value in fields.items():
        yield (section, item, field, _text(value))


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
