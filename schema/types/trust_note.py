"""What the vendor adds to Trust Reports in its own words: sub-processors, and notes."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from schema.ids import encode
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.trust.notes import model

strawberry.enum(model.NoteKind, name="TrustNoteKind", description="What the vendor's word is about.")


@strawberry.type(description="The vendor's last word on a subject, as Trust Reports print it.")
class TrustNote:
    tenant_id: strawberry.ID = strawberry.field(
        description="Whom it is said to: a customer, or the vendor for all."
    )
    for_everybody: bool
    kind: model.NoteKind
    subject: str
    revision: int = strawberry.field(description="Counted among the words on the subject, from 1.")
    text: str | None = strawberry.field(description="Null once it is withdrawn.")
    valid_from: date
    valid_to: date | None = strawberry.field(
        description="The last day; a note that has outlived it makes its section stale."
    )
    written_at: datetime
    written_by: str
    receipt_id: strawberry.ID = strawberry.field(description="In the log of the tenant it is said to.")


def trust_note(row: model.StoredNote) -> TrustNote:
    return TrustNote(
        tenant_id=encode("Tenant", row.tenant_id, row.tenant_id),
        for_everybody=row.tenant_id == VENDOR_ID,
        kind=row.kind,
        subject=row.subject,
        revision=row.revision,
        text=row.text,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        written_at=row.written_at,
        written_by=row.written_by,
        receipt_id=encode("Receipt", row.tenant_id, row.receipt_id),
    )
