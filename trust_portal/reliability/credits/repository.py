"""Credits with their states and issues in and out of their tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, exists, insert, select

from trust_portal.access.approvals.model import Approval
from trust_portal.errors import Conflict, NotFound
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.money import Money
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.reliability.credits.claims_repository import add_claim
from trust_portal.reliability.credits.model import LIVE, CreditKind, CreditState, Origin, Outcome
from trust_portal.reliability.credits.record import (
    Issue,
    Passage,
    StoredCalculation,
    StoredClaim,
    StoredCredit,
)
from trust_portal.reliability.credits.tables import (
    credit_calculations,
    credit_issue_approvals,
    credit_issues,
    credit_states,
    credits_,
)
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.keyset import keyset_page
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

_FIRST = credit_states.alias("first")


async def add_credit(
    session: WriteSession, credit: StoredCredit, replaces: StoredCredit | None, claim: StoredClaim | None
) -> None:
    """A new credit with its first state. ``replaces`` is the attempt before, which ended.

    Raises ``Conflict`` (CREDIT_LIVE) where the revision has a live one.
    """
    taken = Conflict(
        f"a credit for revision {credit.revision} of {credit.period} is on its way already",
        code="CREDIT_LIVE",
    )
    if claim is not None:
        await add_claim(session, claim)
    with duplicates_are(taken, credits_.name):
        await session.execute(
            insert(credits_).values(
                tenant_id=credit.tenant_id,
                id=credit.id,
                calculation_id=credit.calculation.id,
                period=credit.period,
                revision=credit.revision,
                attempt=credit.attempt,
                replaces=None if replaces is None else replaces.id,
                replaced_attempt=None if replaces is None else replaces.attempt,
                replaced_state=None if replaces is None else replaces.state.value,
                kind=credit.kind.value,
                amount_minor=credit.amount.minor,
                currency=credit.amount.currency,
                supplements=credit.supplements,
                origin=credit.origin.value,
                claim_id=credit.claim_id,
                reason=credit.reason,
                proposer_id=credit.proposer_id,
                proposer_name=credit.proposer,
                request_id=credit.request_id,
                proposed_at=credit.proposed_at,
            )
        )
    await add_passage(session, credit, None, credit.history[0])


async def add_passage(
    session: WriteSession, credit: StoredCredit, before: Passage | None, passage: Passage
) -> None:
    """The next state. Raises ``Conflict`` (CREDIT_CHANGED) where another took its place meanwhile."""
    meanwhile = Conflict("somebody was faster; look at what became of this credit", code="CREDIT_CHANGED")
    with duplicates_are(meanwhile, credit_states.name):
        await session.execute(
            insert(credit_states).values(
                tenant_id=credit.tenant_id,
                credit_id=credit.id,
                ordinal=passage.ordinal,
                state=passage.state.value,
                previous=None if before is None else before.ordinal,
                previous_state=None if before is None else before.state.value,
                issue_id=credit.id if passage.state is CreditState.ISSUED else None,
                request_id=credit.request_id if passage.state is CreditState.APPROVED else None,
                at=passage.at,
                by_id=passage.by_id,
                by_name=passage.by,
                reason=passage.reason,
                receipt_id=passage.receipt_id,
            )
        )


async def add_issue(
    session: WriteSession,
    credit: StoredCredit,
    issue: Issue,
    *,
    document: bytes,
    allowed_by: str | None,
    used: Approval,
) -> None:
    """What was issued, with its memo and the approval that was ``used`` for it. Raises ``Conflict`` (REFERENCE_TAKEN, PERIOD_PAID, CREDIT_CHANGED)."""
    changed = Conflict("this credit was issued already", code="CREDIT_CHANGED")
    taken = await session.execute(
        select(credit_issues.c.credit_id).where(
            credit_issues.c.tenant_id == credit.tenant_id, credit_issues.c.reference == issue.reference
        )
    )
    if taken.first() is not None:
        raise Conflict(
            f"{issue.reference} stands behind another credit already",
            code="REFERENCE_TAKEN",
            field="reference",
        )
    spent = used.steps[-1]
    with duplicates_are(changed, credit_issues.name, credit_issue_approvals.name):
        for step in used.approvals:
            await session.execute(
                insert(credit_issue_approvals).values(
                    tenant_id=credit.tenant_id,
                    credit_id=credit.id,
                    ordinal=step.ordinal,
                    previous=step.ordinal - 1 or None,
                    request_id=credit.request_id,
                    act=step.act.value,
                    person_id=step.person_id,
                    issuer_id=issue.by_id,
                    own_allowed=allowed_by is not None,
                )
            )
        await session.execute(
            insert(credit_issues).values(
                tenant_id=credit.tenant_id,
                credit_id=credit.id,
                period=credit.period,
                kind=credit.kind.value,
                amount_minor=credit.amount.minor,
                currency=credit.amount.currency,
                proposer_id=credit.proposer_id,
                request_id=credit.request_id,
                reference=issue.reference,
                issuer_id=issue.by_id,
                issuer_name=issue.by,
                allowed_by=allowed_by,
                use_ordinal=spent.ordinal,
                use_act=spent.act.value,
                used_at=spent.at,
                document=document,
                sha256=issue.sha256,
                issued_at=issue.at,
            )
        )


async def find_memo(session: ReadSession, tenant_id: UUID, credit_id: UUID) -> bytes:
    """The memo's RFC 8785 bytes; ``NotFound`` for a credit that was not issued."""
    found = (
        await session.execute(
            select(credit_issues.c.document).where(
                credit_issues.c.tenant_id == tenant_id, credit_issues.c.credit_id == credit_id
            )
        )
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("credit memo")
    return bytes(found)


async def find_credit(session: ReadSession, tenant_id: UUID, credit_id: UUID) -> StoredCredit:
    """``NotFound`` if the tenant has no such credit."""
    found = await _credits(session, _query(tenant_id).where(credits_.c.id == credit_id))
    if not found:
        raise NotFound("credit")
    return found[0]


async def find_credit_of_request(
    session: ReadSession, tenant_id: UUID, request_id: UUID
) -> StoredCredit | None:
    """The credit that an approval was asked for."""
    found = await _credits(session, _query(tenant_id).where(credits_.c.request_id == request_id))
    return found[0] if found else None


async def credits_of_period(session: ReadSession, tenant_id: UUID, period: str) -> tuple[StoredCredit, ...]:
    """Every credit of a period, oldest first."""
    query = _query(tenant_id).where(credits_.c.period == period)
    return await _credits(session, query.order_by(credits_.c.proposed_at, credits_.c.id))


async def credits_of(session: ReadSession, tenant_id: UUID) -> tuple[StoredCredit, ...]:
    """Every credit of a tenant, oldest first."""
    return await _credits(session, _query(tenant_id).order_by(credits_.c.proposed_at, credits_.c.id))


async def credit_ids(session: ReadSession, tenant_id: UUID) -> tuple[UUID, ...]:
    """Of every credit of a tenant, oldest first."""
    query = select(credits_.c.id).where(credits_.c.tenant_id == tenant_id).order_by(credits_.c.id)
    return tuple((await session.execute(query)).scalars())


async def credits_page(
    session: ReadSession,
    tenant_id: UUID | None,
    request: PageRequest,
    *,
    period: str | None = None,
    state: CreditState | None = None,
) -> Page[StoredCredit]:
    """Credits, newest first: a tenant's, or for the staff scope (``None``) everybody's."""
    query = _query(tenant_id)
    if period is not None:
        query = query.where(credits_.c.period == period)
    if state is not None:
        query = query.where(_is_in(state))
    page = await keyset_page(
        session,
        query,
        request,
        order=(credits_.c.proposed_at, credits_.c.id),
        parse=(datetime.fromisoformat, UUID),
        read=lambda row: row,
        key=lambda row: (rfc3339(row.proposed_at), str(row.id)),
        descending=True,
    )
    items = await _with_history(session, page.items)
    return Page(items, page.cursors, page.has_next, page.has_previous)


def live_one(credits: Sequence[StoredCredit], revision: int) -> StoredCredit | None:
    """The live credit of a revision among a period's."""
    return next((each for each in credits if each.revision == revision and each.state in LIVE), None)


def _is_in(state: CreditState) -> ColumnElement[bool]:
    """Whether a credit's last state is ``state``."""
    later = credit_states.alias("later")
    return exists().where(
        credit_states.c.tenant_id == credits_.c.tenant_id,
        credit_states.c.credit_id == credits_.c.id,
        credit_states.c.state == state.value,
        ~exists().where(
            later.c.tenant_id == credit_states.c.tenant_id,
            later.c.credit_id == credit_states.c.credit_id,
            later.c.ordinal > credit_states.c.ordinal,
        ),
    )


def _query(tenant_id: UUID | None) -> Select[Any]:
    """Credits with their calculation and, where there is one, their issue."""
    made, issued = credit_calculations, credit_issues
    query = (
        select(
            credits_,
            made.c.report_id,
            made.c.outcome,
            made.c.total_minor,
            made.c.sha256.label("calculation_sha256"),
            made.c.receipt_id.label("calculation_receipt_id"),
            made.c.calculated_at,
            issued.c.reference,
            issued.c.issuer_id,
            issued.c.issuer_name,
            issued.c.sha256.label("memo_sha256"),
            issued.c.issued_at,
        )
        .join(made, and_(made.c.tenant_id == credits_.c.tenant_id, made.c.id == credits_.c.calculation_id))
        .outerjoin(
            issued, and_(issued.c.tenant_id == credits_.c.tenant_id, issued.c.credit_id == credits_.c.id)
        )
        # A row that nobody proposed is no credit; the audit names it.
        .where(
            exists().where(_FIRST.c.tenant_id == credits_.c.tenant_id, _FIRST.c.credit_id == credits_.c.id)
        )
    )
    return query if tenant_id is None else query.where(credits_.c.tenant_id == tenant_id)


async def _credits(session: ReadSession, query: Select[Any]) -> tuple[StoredCredit, ...]:
    return await _with_history(session, (await session.execute(query)).all())


async def _with_history(session: ReadSession, rows: Sequence[Row[Any]]) -> tuple[StoredCredit, ...]:
    if not rows:
        return ()
    passages = await session.execute(
        select(credit_states)
        .where(
            credit_states.c.tenant_id.in_({row.tenant_id for row in rows}),
            credit_states.c.credit_id.in_([row.id for row in rows]),
        )
        .order_by(credit_states.c.ordinal)
    )
    history: dict[UUID, list[Passage]] = defaultdict(list)
    for row in passages:
        history[row.credit_id].append(
            Passage(
                row.ordinal,
                CreditState(row.state),
                row.at,
                row.by_id,
                row.by_name,
                row.reason,
                row.receipt_id,
            )
        )
    return tuple(_credit(row, tuple(history[row.id])) for row in rows)


def _credit(row: Row[Any], history: tuple[Passage, ...]) -> StoredCredit:
    return StoredCredit(
        id=row.id,
        tenant_id=row.tenant_id,
        calculation=StoredCalculation(
            id=row.calculation_id,
            tenant_id=row.tenant_id,
            period=row.period,
            revision=row.revision,
            report_id=row.report_id,
            outcome=Outcome(row.outcome),
            kind=CreditKind(row.kind),
            amount=Money(row.amount_minor, row.currency),
            total=Money(row.total_minor, row.currency),
            sha256=row.calculation_sha256,
            receipt_id=row.calculation_receipt_id,
            calculated_at=row.calculated_at,
        ),
        attempt=row.attempt,
        origin=Origin(row.origin),
        reason=row.reason,
        proposer_id=row.proposer_id,
        proposer=row.proposer_name,
        request_id=row.request_id,
        claim_id=row.claim_id,
        supplements=row.supplements,
        proposed_at=row.proposed_at,
        history=history,
        issue=None
        if row.reference is None
        else Issue(row.reference, row.issued_at, row.issuer_id, row.issuer_name, row.memo_sha256),
    )
