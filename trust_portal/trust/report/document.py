"""The Trust Report as canonical JSON. Pure: the same sections give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trust_portal.documents import formats
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.period import Period
from trust_portal.trust.report.model import ENGINE, FORMAT, KIND, Acknowledged
from trust_portal.trust.report.sources import inputs_of
from trust_portal.trust.sections.document import document_named, section_json
from trust_portal.trust.sections.model import Section


@dataclass(frozen=True, slots=True)
class Edition:
    """What a Trust Report says of itself. ``supersedes`` is the period's revision before, ``previous`` that
    one, or else the last of a period before; both as (period, revision, SHA-256), None where there is none.
    """

    vendor: str
    tenant_key: str
    tenant_name: str
    period: Period
    revision: int
    as_of: datetime
    supersedes: tuple[str, int, str] | None
    previous: tuple[str, int, str] | None
    reason: str | None


def trust_report(
    edition: Edition, sections: Sequence[Section], acknowledged: Sequence[Acknowledged]
) -> dict[str, Json]:
    """The document."""
    body: dict[str, Json] = {
        "kind": KIND,
        "format": FORMAT,
        "engine": dict(ENGINE),
        "vendor": edition.vendor,
        "tenant": {"key": edition.tenant_key, "name": edition.tenant_name},
        "period": {
            "label": edition.period.label,
            "time_zone": edition.period.time_zone,
            "start": rfc3339(edition.period.start),
            "end": rfc3339(edition.period.end),
        },
        "revision": str(edition.revision),
        "as_of": rfc3339(edition.as_of),
        "supersedes": document_named(edition.supersedes),
        "previous": document_named(edition.previous),
        "reason": edition.reason,
        "acknowledgements": [each.json() for each in acknowledged],
        "sections": [section_json(each) for each in sections],
    }
    body["inputs"] = [each.json() for each in inputs_of(body)]
    return body


def title_of(body: Mapping[str, Any]) -> str:
    """``Trust Report, Q2 2026``."""
    return f"Trust Report, {formats.period(body['period']['label'])}"
