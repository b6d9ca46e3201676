"""The QBR as canonical JSON, and its renderings. Pure: the same snapshot and entries give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from trust_portal.documents import formats
from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.canonical import Json, canonical, digest, sha256_hex
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.period import Period
from trust_portal.trust.qbr.ids import COMMITMENTS, INPUTS, RECOMMENDATIONS, USAGE
from trust_portal.trust.qbr.model import (
    ENGINE,
    FORMAT,
    KIND,
    Audience,
    Entry,
    EntryKind,
    Qbr,
    last_of,
)
from trust_portal.trust.qbr.reviewing import reviewed
from trust_portal.trust.qbr.sources import sources_of
from trust_portal.trust.report.model import Acknowledged
from trust_portal.trust.sections.document import document_named, section_json, sections_of
from trust_portal.trust.sections.model import Section

#: What a review begins with cannot be left out, and neither can what it rests on.
NEVER_OMITTED: Final = frozenset({COMMITMENTS, INPUTS})


@dataclass(frozen=True, slots=True)
class Edition:
    """What a QBR says of itself. ``supersedes``, ``previous`` and ``trust_report`` as (period, revision,
    SHA-256): the period's revision before, the review before, the Trust Report that was the latest.
    """

    vendor: str
    tenant_key: str
    tenant_name: str
    period: Period
    revision: int
    supersedes: tuple[str, int, str] | None
    previous: tuple[str, int, str] | None
    trust_report: tuple[str, int, str] | None
    reason: str | None
    issued_at: datetime


def snapshot_bytes(sections: Sequence[Section]) -> tuple[bytes, str]:
    """What is locked: RFC 8785 over all sections, and its hex SHA-256."""
    content = canonical({"format": FORMAT, "sections": [section_json(each) for each in sections]})
    return content, sha256_hex(content)


def sections_in(snapshot: bytes) -> tuple[Section, ...]:
    return sections_of(parse_json(snapshot))


def format_in(snapshot: bytes) -> str:
    """The format that it was gathered for."""
    return str(parse_json(snapshot)["format"])


def section_digests(sections: Iterable[Section]) -> dict[str, Json]:
    """Hex SHA-256 by section: by these a document shows that its data are those that were locked."""
    return {each.id: digest(section_json(each)) for each in sections}


def qbr_document(
    edition: Edition,
    qbr: Qbr,
    sections: Sequence[Section],
    told: Sequence[Section],
    entries: Sequence[Entry],
    acknowledged: Sequence[Acknowledged],
) -> dict[str, Json]:
    """The customer's: ``told`` is what of ``sections`` goes out, as it stands when it is issued."""
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
        "as_of": rfc3339(qbr.as_of),
        "issued_at": rfc3339(edition.issued_at),
        "prepared": {"by": qbr.prepared_by, "receipt": str(qbr.receipt_id), "sha256": qbr.sha256},
        "supersedes": document_named(edition.supersedes),
        "previous": document_named(edition.previous),
        "trust_report": document_named(edition.trust_report),
        "reason": edition.reason,
        "acknowledgements": [
            each.json() for each in acknowledged if each.section in {one.id for one in told}
        ],
        "omissions": list(omissions_json(sections, entries)),
        "commentary": [
            {"section": section.id, **_said(entry)}
            for section in told
            if (entry := last_of(tuple(entries), EntryKind.COMMENT, section.id)) is not None
        ],
        "sections": [section_json(each) for each in told],
    }
    body["inputs"] = [each.json() for each in sources_of(body)]
    return body


def customer_sections(sections: Sequence[Section], entries: Sequence[Entry]) -> tuple[Section, ...]:
    """What goes out: accepted recommendations alone, and nothing of what was omitted.

    A recommendation shows the figures of usage that it rests on: where usage is left out, none goes out.
    """
    accepted = entries if omission_of(entries, USAGE) is None else ()
    return tuple(
        reviewed(each, accepted) if each.id == RECOMMENDATIONS else each
        for each in sections
        if omission_of(entries, each.id) is None
    )


def omissions_json(sections: Sequence[Section], entries: Sequence[Entry]) -> list[dict[str, str]]:
    """What of ``sections`` is left out: section, title, text, by, at, receipt."""
    return [
        {"section": section.id, "title": section.title, **_said(entry)}
        for section in sections
        if (entry := omission_of(entries, section.id)) is not None
    ]


def omission_of(entries: Sequence[Entry], section: str) -> Entry | None:
    return last_of(tuple(entries), EntryKind.OMISSION, section)


def commentary_of(body: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    """By section."""
    return {each["section"]: each for each in body["commentary"]}


def title_of(body: Mapping[str, Any]) -> str:
    """``Business review, Q2 2026``."""
    return f"Business review, {formats.period(body['period']['label'])}"


def receipts_said(sections: Sequence[Section], entries: Sequence[Entry]) -> tuple[str, ...]:
    """The receipts of comments and omissions that the document tells of."""
    return tuple(
        str(entry.receipt_id)
        for section in sections
        for kind in (EntryKind.COMMENT, EntryKind.OMISSION)
        if (entry := last_of(tuple(entries), kind, section.id, Audience.CUSTOMER)) is not None
    )


def _said(entry: Entry) -> dict[str, str]:
    return {
        "text": entry.text,
        "by": entry.by_name,
        "at": rfc3339(entry.at),
        "receipt": str(entry.receipt_id),
    }
