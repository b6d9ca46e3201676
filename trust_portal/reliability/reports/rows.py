"""The report as one table: every figure on its own line, for spreadsheets and scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

HEADER = ("objective", "section", "item", "field", "value")
_OF_EXCLUSION = (
    "start",
    "end",
    "announced_at",
    "recorded_at",
    "announcement",
    "counted",
    "code",
    "minutes",
)


def csv_rows(body: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Header and lines of text made from the report's body alone; absent figures are empty."""
    yield HEADER
    yield from _fields(
        "", "report", "", {"state": body["state"], "revision": body["revision"], **body["period"]}
    )
    for objective in body["objectives"]:
        name = objective["objective"]
        yield from _fields(name, "target", "", {"percent": objective["target"], "met": objective["met"]})
        for figure in ("raw", "adjusted"):
            yield from _fields(name, "attained", figure, objective[figure] or {"percent": None})
        yield from _fields(
            name, "credit", "", {"tier": objective["tier"], "percent": objective["credit_percent"]}
        )
        for day in objective["days"]:
            yield from _fields(name, "day", day["date"], {k: v for k, v in day.items() if k != "date"})
        for number, incident in enumerate(objective["incidents"], 1):
            worst = incident["worst"] or {}
            fields = {key: value for key, value in incident.items() if key != "worst"}
            yield from _fields(
                name, "incident", str(number), fields | {"worst_percent": worst.get("percent")}
            )
        for exclusion in objective["exclusions"]:
            fields = {key: exclusion[key] for key in _OF_EXCLUSION}
            yield from _fields(name, "exclusion", exclusion["window"], fields)
    for check in body.get("cross_check", {}).get("objectives", ()):
        yield from _fields(check["objective"], "cross_check", "", {"state": check["state"]})
        for figure in check["figures"]:
            fields = {key: figure[key] for key in ("ours", "theirs", "agrees")}
            yield from _fields(check["objective"], "cross_check", figure["counter"], fields)
    if body["credit"] is not None:
        yield from _fields("", "credit", "", {k: v for k, v in body["credit"].items() if k != "rules"})
    for finding in body["findings"]:
        yield from _fields(finding["where"], "finding", finding["code"], {"message": finding["message"]})


def _fields(objective: str, section: str, item: str, fields: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for field, value in fields.items():
        yield (objective, section, item, field, _text(value))


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
