"""One more state of a credit, with its receipt, in the transaction at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from trust_portal.access.approvals.model import person_behind
from trust_portal.evidence.act import Input
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.ids import new_id
from trust_portal.reliability.credits.model import CreditState
from trust_portal.reliability.credits.receipts import inputs_of, state_act
from trust_portal.reliability.credits.record import Passage, StoredCredit
from trust_portal.reliability.credits.repository import add_passage
from trust_portal.storage.unit_of_work import WriteSession


async def reach(
    ledger: Ledger,
    session: WriteSession,
    credit: StoredCredit,
    state: CreditState,
    actor: Actor,
    *,
    policies: tuple[str, ...],
    policy_version: str | None,
    reason: str,
    inputs: tuple[Input, ...] = (),
    further: Mapping[str, Json] | None = None,
    memo_sha256: str | None = None,
) -> StoredCredit:
    """The credit as it stands then. Raises ``Conflict`` (CREDIT_CHANGED) where somebody was faster.

    Its receipt rests on that of the state before and on ``inputs``.
    """
    before = credit.last
    passage = Passage(
        ordinal=before.ordinal + 1,
        state=state,
        at=session.clock.now(),
        by_id=person_behind(actor),
        by=actor.name,
        reason=reason,
        receipt_id=new_id(),
    )
    act = state_act(
        credit,
        state,
        actor,
        at=passage.at,
        policies=policies,
        policy_version=policy_version,
        inputs=(*inputs_of(await receipt_digests(session, credit.tenant_id, before.receipt_id)), *inputs),
        reason=reason,
        further=further or {},
        memo_sha256=memo_sha256,
    )
    await ledger.record(session, act, receipt_id=passage.receipt_id)
    await add_passage(session, credit, before, passage)
    return replace(credit, history=(*credit.history, passage))
