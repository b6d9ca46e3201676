"""What was planned in the postmortem of an incident that goes on in another: taken back, with a line that says why.

Its postmortem will not be signed, so the clocks of these actions would never begin: nobody would be reminded of
them, and they would stand as open for ever. What is still wanted is planned in the other's postmortem.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from trust_portal.evidence.ledger import Ledger
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions.model import PreventionAction, StepAct
from trust_portal.learning.actions.recording import take_step
from trust_portal.learning.actions.repository import actions_by_id
from trust_portal.learning.actions.tables import prevention_action_steps, prevention_actions
from trust_portal.learning.incidents.model import Incident
from trust_portal.learning.incidents.repository import incidents_by_id
from trust_portal.learning.postmortems.repository import postmortems_of
from trust_portal.storage.unit_of_work import ReadSession, WriteSession


async def withdraw_what_goes_on_elsewhere(
    session: WriteSession, ledger: Ledger, incidents: Collection[Incident]
) -> tuple[PreventionAction, ...]:
    """Of ``incidents`` as they stand now. In the caller's transaction; again it changes nothing.

    The caller holds the register (``incidents.repository.lock_register``), as does who plans and who signs: else a
    postmortem could be signed for what is withdrawn here, or something planned that nobody withdraws.
    """
    merged = {each.id: each for each in incidents if each.ends_in is not None}
    if not merged:
        return ()
    planned = await _not_begun(session, merged)
    elsewhere = await covered_elsewhere(session, [merged[each.incident_id] for each in planned])
    ends = await incidents_by_id(session, {each.ends_in for each in elsewhere.values() if each.ends_in})
    return tuple(
        [
            await take_step(
                session,
                ledger,
                action,
                StepAct.WITHDRAW,
                SYSTEM,
                None,
                note=f"Its incident was merged into {ends[target].key}: plan it in the postmortem of that.",
            )
            for action in planned
            if action.incident_id in elsewhere
            and (target := elsewhere[action.incident_id].ends_in) is not None
        ]
    )


async def covered_elsewhere(session: ReadSession, incidents: Collection[Incident]) -> dict[UUID, Incident]:
    """Those that owe no postmortem of their own, by id: none is signed, and what they end in covers or will cover them.

    By the one rule (``incidents.model.is_told_of``), for a few.
    """
    merged = {each.id: each for each in incidents if each.ends_in is not None}
    known = await postmortems_of(session, {*merged, *(each.covering_id for each in merged.values())})
    signed = {id_: each.signed for id_, each in known.items()}
    return {
        id_: each
        for id_, each in merged.items()
        if signed.get(id_) is None
        and each.is_told_of(None if (target := signed.get(each.covering_id)) is None else target.snapshot_at)
    }


async def _not_begun(session: ReadSession, incident_ids: Collection[UUID]) -> tuple[PreventionAction, ...]:
    columns, steps = prevention_actions.c, prevention_action_steps.c
    stepped = select(steps.action_id).where(steps.tenant_id == VENDOR_ID, steps.action_id == columns.id)
    rows = await session.execute(
        select(columns.id).where(
            columns.tenant_id == VENDOR_ID, columns.incident_id.in_(incident_ids), ~stepped.exists()
        )
    )
    found = await actions_by_id(session, rows.scalars().all())
    return tuple(sorted(found.values(), key=lambda each: (each.created_at, each.id)))
