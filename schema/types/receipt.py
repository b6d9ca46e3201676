"""Receipts: what was signed, and where it stands in the log."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from schema.context import Info
from schema.ids import Node, encode
from schema.work import GATHERED
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.ledger import Receipt as Row
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.canonical import canonical

strawberry.enum(ReceiptKind, name="ReceiptKind", description="What kind of act a receipt is of.")

__all__ = ["KindArgument", "Receipt", "ReceiptKind", "Subject", "receipt", "receipt_of"]

KindArgument = Annotated[ReceiptKind | None, strawberry.argument(description="Only receipts of this kind.")]


@strawberry.type(description="What a statement is about: a name and the SHA-256 of its bytes.")
class Subject:
    name: str
    sha256: str


@strawberry.type(description="A signed act in the tenant's log.")
class Receipt(Node):
    kind: ReceiptKind
    at: datetime
    actor_name: str
    subjects: list[Subject]
    sha256: str = strawberry.field(description="Of the envelope: how others refer to this receipt.")
    envelope: str = strawberry.field(description="The DSSE envelope, JSON as signed.")
    tenant_uuid: strawberry.Private[UUID]
    uuid: strawberry.Private[UUID]

    @strawberry.field(description="The in-toto statement in the envelope, as RFC 8785 JSON.")
    def statement(self) -> str:
        return canonical(json.loads(Envelope.parse(self.envelope.encode()).payload)).decode()

    @strawberry.field(
        description="C2SP tlog-proof under the newest checkpoint; null until integrated.", metadata=GATHERED
    )
    async def proof(self, info: Info) -> str | None:
        found = await info.context.loaders.proofs.load((self.tenant_uuid, self.uuid))
        return None if found is None else str(found)


def receipt(row: Row) -> Receipt:
    return Receipt(
        id=encode("Receipt", row.tenant_id, row.id),
        kind=row.kind,
        at=row.at,
        actor_name=row.actor_name,
        subjects=[Subject(name=each.name, sha256=each.sha256) for each in row.subjects],
        sha256=row.sha256,
        envelope=row.envelope.decode(),
        tenant_uuid=row.tenant_id,
        uuid=row.id,
    )


async def receipt_of(info: Info, tenant_id: UUID, receipt_id: UUID) -> Receipt:
    """The receipt something else names; for fields whose metadata say ``GATHERED``."""
    return receipt(await info.context.loaders.receipts.load((tenant_id, receipt_id)))
