"""One more step of a postmortem, with its receipt, in the transaction at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from trust_portal.access.approvals.model import person_behind
from trust_portal.access.policy import Decision
from trust_portal.errors import Conflict
from trust_portal.evidence.act import Input
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.learning.postmortems.model import FOLLOWS, Person, Postmortem, Step, StepKind
from trust_portal.learning.postmortems.receipts import step_act
from trust_portal.learning.postmortems.repository import add_step
from trust_portal.storage.unit_of_work import WriteSession

#: What a step takes, in words.
_NEEDS: Mapping[StepKind, str] = {
    StepKind.SUBMITTED: "only a draft is submitted",
    StepKind.RETURNED: "only what is in review is returned",
    StepKind.ACCEPTED: "only what was submitted is accepted, and once",
    StepKind.SIGNED: "only what a reviewer has accepted is signed",
    StepKind.REOPENED: "only a signed postmortem gets another version; this one is being written",
}


async def take_step(
    ledger: Ledger,
    session: WriteSession,
    postmortem: Postmortem,
    kind: StepKind,
    actor: Actor,
    decision: Decision,
    *,
    reason: str,
    sha256: str | None = None,
    version: int | None = None,
    inputs: tuple[Input, ...] = (),
    further: Mapping[str, Json] | None = None,
) -> Postmortem:
    """The postmortem as it stands then; its receipt rests on that of the step before and on ``inputs``.

    Raises ``Conflict``: ``WRONG_STATE``, or ``POSTMORTEM_CHANGED`` where somebody was faster.
    """
    require_step(postmortem, kind)
    step = Step(
        ordinal=postmortem.last.ordinal + 1,
        kind=kind,
        version=version or postmortem.version,
        digest=sha256,
        by=Person(person_behind(actor), actor.name),
        reason=reason,
        at=session.clock.now(),
        receipt_id=new_id(),
    )
    before = await receipt_digests(session, VENDOR_ID, postmortem.last.receipt_id)
    act = step_act(
        postmortem,
        step,
        actor,
        decision,
        further=further or {},
        inputs=(*(Input(f"receipt/{id_}", digest) for id_, digest in before.items()), *inputs),
    )
    await ledger.record(session, act, receipt_id=step.receipt_id)
    await add_step(session, postmortem, step)
    return replace(postmortem, steps=(*postmortem.steps, step))


def require_step(postmortem: Postmortem, kind: StepKind) -> None:
    """Raises ``Conflict`` (``WRONG_STATE``) where ``kind`` cannot come next."""
    if kind not in FOLLOWS[postmortem.last.kind]:
        raise Conflict(
            f"{_NEEDS[kind]}; this one is {postmortem.state.value.replace('_', ' ')}", code="WRONG_STATE"
        )
