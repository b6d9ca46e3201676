"""A draft as its vendor's people take it along: everything as it stands, with every comment, verdict and omission.

Pure; never part of a bundle, and never signed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from trust_portal.documents.pdf import render_pdf
from trust_portal.documents.slides.drawing import render_pptx
from trust_portal.kernel.canonical import Json, canonical
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.period import parse_period
from trust_portal.trust.qbr.closing import CLOSING
from trust_portal.trust.qbr.deck import deck_of_draft
from trust_portal.trust.qbr.document import omissions_json, section_digests
from trust_portal.trust.qbr.ids import RECOMMENDATIONS
from trust_portal.trust.qbr.model import FORMAT, Audience, Draft, EntryKind, last_of
from trust_portal.trust.qbr.presentation import environment
from trust_portal.trust.qbr.reviewing import judged
from trust_portal.trust.sections.document import section_json
from trust_portal.trust.sections.model import Cell, Column, Row, Section, State, Table, Unit
from trust_portal.trust.sections.table import sections_table
from trust_portal.trust.sections.words import still_runs

#: In the table of values: what is left out, by section.
OMISSIONS: Final = "omissions"


@dataclass(frozen=True, slots=True)
class Internal:
    """A draft, whose it is, who made it, and the IANA name of the tenant's time zone."""

    draft: Draft
    tenant: str
    vendor: str
    time_zone: str

    @property
    def sections(self) -> tuple[Section, ...]:
        return inside(self.draft)

    @property
    def runs(self) -> str | None:
        return running(self.draft, self.time_zone)

    @property
    def omissions(self) -> list[dict[str, str]]:
        """What the customer does not get: section, title, text, by, at, receipt."""
        return omissions_json(self.draft.standing, self.draft.entries)

    def comments(self) -> Mapping[str, Sequence[Mapping[str, str]]]:
        """By section what holds for the customer, and behind it what holds for the vendor's people alone."""
        return {each.id: comments_on(self.draft, each.id) for each in self.draft.sections}


def running(draft: Draft, time_zone: str) -> str | None:
    """What is said of a draft of a period that was not over when its data were locked; None of any other."""
    end = parse_period(draft.qbr.period, time_zone).end
    return still_runs(end, draft.qbr.as_of, time_zone)


def inside(draft: Draft) -> tuple[Section, ...]:
    """Every section as it stands, also where it is left out; every recommendation with its verdict."""
    return tuple(
        judged(each, draft.entries) if each.id == RECOMMENDATIONS else each for each in draft.standing
    )


def also_said_in(draft: Draft, section: str) -> tuple[str, ...]:
    """Titles of the sections that go out and state an amount of this one, by the same receipt: each of its own."""
    stated = {each for known in draft.standing if known.id == section for each in _amounts(known)}
    return tuple(
        each.title
        for each in draft.told
        if each.id != section and each.id not in CLOSING and stated & set(_amounts(each))
    )


def _amounts(section: Section) -> Iterator[tuple[str | None, str | None, str]]:
    for _, cell in section.cells():
        if cell.unit is Unit.MONEY and cell.receipt is not None:
            yield cell.value, cell.currency, cell.receipt


def comments_on(draft: Draft, section: str) -> list[dict[str, str]]:
    """What was said last to each audience: text, by, at, audience."""
    said = ((each, last_of(draft.entries, EntryKind.COMMENT, section, each)) for each in Audience)
    return [
        {
            "text": entry.text,
            "by": entry.by_name if each is Audience.CUSTOMER else f"{entry.by_name}, internal",
            "at": rfc3339(entry.at),
            "audience": each.value,
        }
        for each, entry in said
        if entry is not None
    ]


def internal_json(internal: Internal) -> bytes:
    """RFC 8785: the sections as they stand at ``at``, the digests of those that were locked, and what holds of
    what was said. ``superseded`` names what took the place of documents that it rests on.
    """
    qbr, said = internal.draft.qbr, internal.comments()
    commentary: list[Json] = [
        {"section": each.id, **comment} for each in internal.draft.sections for comment in said[each.id]
    ]
    return canonical(
        {
            "kind": "qbr-internal",
            "format": FORMAT,
            "vendor": internal.vendor,
            "tenant": internal.tenant,
            "period": qbr.period,
            "as_of": rfc3339(qbr.as_of),
            "at": rfc3339(internal.draft.at),
            "prepared": {"by": qbr.prepared_by, "receipt": str(qbr.receipt_id), "sha256": qbr.sha256},
            "locked": section_digests(internal.draft.sections),
            "superseded": list(internal.draft.newer),
            "omissions": list(internal.omissions),
            "commentary": commentary,
            "sections": [section_json(each) for each in internal.sections],
        }
    )


def internal_csv(internal: Internal) -> bytes:
    """Every value with its address, as the table of an issued review has it, and what is left out."""
    return sections_table((*internal.sections, _left_out(internal)))


def internal_pptx(internal: Internal) -> bytes:
    """As slides: the same draft gives the same bytes."""
    qbr = internal.draft.qbr
    deck = deck_of_draft(
        internal.sections,
        internal.comments(),
        internal.omissions,
        internal.draft.newer,
        tenant=internal.tenant,
        vendor=internal.vendor,
        period=qbr.period,
        as_of=qbr.as_of,
        sha256=qbr.sha256,
        runs=internal.runs,
    )
    return render_pptx(deck)


def internal_pdf(internal: Internal) -> bytes:
    """On paper: the same draft gives the same bytes. Blocking, as ``render_pdf`` is."""
    qbr = internal.draft.qbr
    title = f"Business review, {qbr.period}, internal draft"
    html = (
        environment()
        .get_template("documents/qbr_internal.html")
        .render(
            title=title,
            tenant=internal.tenant,
            vendor=internal.vendor,
            period=qbr.period,
            as_of=rfc3339(qbr.as_of.replace(microsecond=0)),
            at=rfc3339(internal.draft.at.replace(microsecond=0)),
            sha256=qbr.sha256,
            runs=internal.runs,
            sections=internal.sections,
            comments=internal.comments(),
            omissions=internal.omissions,
            newer=internal.draft.newer,
        )
    )
    return render_pdf(html, title=f"{title}, {internal.tenant}", lang="en", identifier=qbr.sha256)


def _left_out(internal: Internal) -> Section:
    """What is left out, as rows of the table: whose section, why, by whom and when."""
    rows = tuple(
        Row(
            each["section"],
            (
                Cell(each["title"]),
                Cell(each["text"], receipt=each["receipt"]),
                Cell(each["by"]),
                Cell(each["at"], Unit.INSTANT),
            ),
        )
        for each in internal.omissions
    )
    columns = (Column("title", "Section"), Column("why", "Why"), Column("by", "By"))
    table = Table(
        "sections", "Left out", (*columns, Column("at", "When", Unit.INSTANT)), rows, "Nothing is left out."
    )
    return Section(
        id=OMISSIONS,
        title="What is left out",
        state=State.FRESH,
        source="omissions recorded with a receipt",
        as_of=internal.draft.at,
        max_age=timedelta(0),
        tables=(table,),
    )
