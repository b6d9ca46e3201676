"""Receipts: what was signed, and where it stands in the log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from schema.context import Info
from schema.ids import encode
from trust_portal.evidence.ledger import Receipt as Row
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.kernel.canonical import canonical

strawberry.enum(ReceiptKind, name="ReceiptKind", description="What kind of act a receipt is of.")

KindArgument = Annotated[ReceiptKind | None, strawberry.argument(description="Only receipts of this kind.")]


@strawberry.type(description="What a statement is about: a name and the SHA-256 of its bytes.")
class Subject:
    name: str
    sha256: str


@strawberry.type(description="A signed act in the tenant's log.")
class Receipt:
    id: strawberry.ID
    kind: ReceiptKind
    at: datetime
    actor_name: str
    subjects: list[Subject]
    sha256: str = strawberry.field(description="Of the envelope: how others refer to this receipt.")
    envelope: str = strawberry.field(description="The DSSE envelope, JSON as signed.")
    tenant_uuid: strawberry.Private[UUID]
    uuid: strawberry.Private[UUID]

    @strawberry.field(description="The in-toto statement in the envelope, as RFC 8785 JSON.")
    async def statement(self, info: Info) -> str:
        filed = await info.context.house.archive.receipt(info.context.actor, self.tenant_uuid, self.uuid)
        return canonical(filed.statement).decode()

    @strawberry.field(description="C2SP tlog-proof under the newest checkpoint; null until integrated.")
    async def proof(self, info: Info) -> str | None:
        filed = await info.context.house.archive.receipt(info.context.actor, self.tenant_uuid, self.uuid)
        return None if filed.proof is None else str(filed.proof)


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
