"""A draft as its vendor's people take it along: everything, with every comment. Pure; never part of a bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trust_portal.documents.pdf import render_pdf
from trust_portal.documents.slides.drawing import render_pptx
from trust_portal.kernel.canonical import Json, canonical
from trust_portal.kernel.clock import rfc3339
from trust_portal.trust.qbr.deck import deck_of_draft
from trust_portal.trust.qbr.model import FORMAT, Audience, Draft, EntryKind, last_of
from trust_portal.trust.qbr.presentation import environment
from trust_portal.trust.qbr.recompute import table_of
from trust_portal.trust.sections.document import section_json


@dataclass(frozen=True, slots=True)
class Internal:
    """A draft, whose it is, and who made it."""

    draft: Draft
    tenant: str
    vendor: str

    def comments(self) -> Mapping[str, Sequence[Mapping[str, str]]]:
        """By section what holds for the customer, and behind it what holds for the vendor's people alone."""
        return {each.id: comments_on(self.draft, each.id) for each in self.draft.sections}


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
    """RFC 8785: the locked sections as an issued review has them, and what holds of what was said."""
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
            "prepared": {"by": qbr.prepared_by, "receipt": str(qbr.receipt_id), "sha256": qbr.sha256},
            "commentary": commentary,
            "sections": [section_json(each) for each in internal.draft.sections],
        }
    )


def internal_csv(internal: Internal) -> bytes:
    """Every value with its address, as the table of an issued review has it."""
    return table_of(internal.draft.sections)


def internal_pptx(internal: Internal) -> bytes:
    """As slides: the same draft gives the same bytes."""
    qbr = internal.draft.qbr
    deck = deck_of_draft(
        internal.draft.sections,
        internal.comments(),
        tenant=internal.tenant,
        vendor=internal.vendor,
        period=qbr.period,
        as_of=qbr.as_of,
        sha256=qbr.sha256,
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
            sha256=qbr.sha256,
            sections=internal.draft.sections,
            comments=internal.comments(),
        )
    )
    return render_pdf(html, title=f"{title}, {internal.tenant}", lang="en", identifier=qbr.sha256)
