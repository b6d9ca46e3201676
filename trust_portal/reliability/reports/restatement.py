"""What a new revision changed against the one it replaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trust_portal.kernel.canonical import Json
from trust_portal.reliability.reports.model import Restatement

_FIGURES = ("raw", "adjusted", "met", "tier", "credit_percent", "excluded_minutes")


def restatement_json(body: Mapping[str, Any], restatement: Restatement | None) -> Json:
    """The replaced revision, its digest, the reason, and each figure that differs; ``None`` for a first one."""
    if restatement is None:
        return None
    return {
        "supersedes": {"revision": restatement.previous.revision, "sha256": restatement.previous.sha256},
        "reason": restatement.reason,
        "delta": delta(restatement.previous.body, body),
    }


def delta(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Json]:
    """Figures that differ, as strings, in the order of the newer document; empty for equal figures."""
    old, new = figures(before), figures(after)
    return [
        {"field": field, "before": old.get(field), "after": new.get(field)}
        for field in [*new, *(field for field in old if field not in new)]
        if old.get(field) != new.get(field)
    ]


def figures(body: Mapping[str, Any]) -> dict[str, str | None]:
    """What of a report a restatement speaks of, by the names that ``delta`` has for it.

    Of less than a report (what its receipt says) it is as many figures as are in there.
    """
    found: dict[str, str | None] = {"state": str(body["state"])}
    for objective in body["objectives"]:
        for name in _FIGURES:
            _flatten(f"{objective['objective']}.{name}", objective.get(name), found)
    credit = body.get("credit") or {}
    _flatten("credit", {key: value for key, value in credit.items() if key != "rules"}, found)
    return found


def _flatten(path: str, value: object, into: dict[str, str | None]) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            _flatten(f"{path}.{key}", item, into)
    elif value is not None:
        into[path] = str(value).lower() if isinstance(value, bool) else str(value)
