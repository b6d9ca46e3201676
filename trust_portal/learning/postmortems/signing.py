"""The owner signs the document that was reviewed, by passkey; and a signed one gets its next version."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.approvals.model import person_behind
from trust_portal.access.gate import Gate
from trust_portal.access.passkeys.model import Signed
from trust_portal.access.passkeys.signing import IntroducedMeanwhile, Signatures
from trust_portal.access.policy import Decision, Resource
from trust_portal.errors import Broken, Conflict, Denied, InvalidInput
from trust_portal.evidence.act import Input
from trust_portal.evidence.exports import Exports
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.evidence.signing_statement import signing_statement
from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.actions.clocks import begin_clocks
from trust_portal.learning.actions.merging import withdraw_what_goes_on_elsewhere
from trust_portal.learning.actions.repository import lock_actions_of
from trust_portal.learning.incidents.repository import ended_in, find_incident, lock_register, timelines_of
from trust_portal.learning.incidents.waiting import something_waits
from trust_portal.learning.postmortems.asking import asked_to_sign
from trust_portal.learning.postmortems.model import (
    KIND,
    NOUN,
    Postmortem,
    Reopen,
    Sign,
    StepKind,
    Version,
)
from trust_portal.learning.postmortems.planned import planned_actions
from trust_portal.learning.postmortems.recording import require_step, take_step
from trust_portal.learning.postmortems.repository import find_postmortem
from trust_portal.learning.postmortems.versions_repository import add_version, find_submission
from trust_portal.learning.postmortems.writing import require_actions, require_taken_in
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage, WriteSession

_VENDOR = TenantScope(VENDOR_ID)
#: A passkey is introduced to a log once, so a second attempt meets nobody.
_ATTEMPTS = 3


class PostmortemSigning:
    """Nobody but an owner who can sign does, and only what somebody else has accepted, byte for byte."""

    def __init__(
        self,
        storage: Storage,
        gate: Gate,
        ledger: Ledger,
        exports: Exports,
        signatures: Signatures,
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._exports = exports
        self._signatures = signatures

    async def owner_of(self, session: ReadSession, postmortem: Postmortem) -> UUID | None:
        """Who signs: the incident's owner, where they can; None: whoever may sign postmortems."""
        incident = await find_incident(session, postmortem.incident_id)
        now = self._storage.clock.now()
        asked = await asked_to_sign(session, self._gate, incident, postmortem, now)
        return None if asked.owner is None else asked.owner.id

    async def sign(self, command: Sign, actor: Actor) -> Postmortem:
        """Raises ``Denied`` (NOT_THE_OWNER), ``InvalidInput`` (PASSKEY_REQUIRED, ACTIONS_REQUIRED, and what
        ``Signatures.check`` raises), ``Conflict`` (WRONG_STATE, DIGEST_CHANGED, ACTIONS_CHANGED, FACTS_WAITING, FACTS_LATE).
        """
        decision = await self._gate.require(
            actor, Action.POSTMORTEM_SIGN, Resource.of_house(NOUN, command.postmortem_id)
        )
        async with self._storage.read(_VENDOR) as session:
            seen = await find_postmortem(session, command.postmortem_id)
            await self._require_signable(session, seen, command, actor)
        if command.assertion is None:
            raise InvalidInput(
                "this is signed with a passkey: enrol one on your account's page, and sign",
                field="assertion",
                code="PASSKEY_REQUIRED",
            )
        statement = signing_statement(
            seen.id, seen.version, command.digest, command.rationale, person_behind(actor), actor.name
        )
        signed = await self._signatures.check(actor, statement, command.assertion)
        for _ in range(_ATTEMPTS):
            try:
                async with self._storage.write(_VENDOR) as session:
                    return await self._sign(session, seen, command, actor, decision, signed)
            except IntroducedMeanwhile:
                continue
        raise Broken("a passkey is introduced without end", code="PASSKEY_INTRODUCTION")

    async def reopen(self, command: Reopen, actor: Actor) -> Postmortem:
        """Begin the next version, on the draft of the last; the signed one counts until the next is signed."""
        decision = await self._gate.require(
            actor, Action.POSTMORTEM_WRITE, Resource.of_house(NOUN, command.postmortem_id)
        )
        async with self._storage.write(_VENDOR) as session:
            postmortem = await find_postmortem(session, command.postmortem_id)
            return await take_step(
                self._ledger,
                session,
                postmortem,
                StepKind.REOPENED,
                actor,
                decision,
                reason=command.reason,
                version=postmortem.version + 1,
            )

    async def _require_signable(
        self, session: ReadSession, postmortem: Postmortem, command: Sign, actor: Actor
    ) -> int:
        """How many actions it has."""
        owner = await self.owner_of(session, postmortem)
        if owner is not None and owner != person_behind(actor):
            raise Denied("the owner of the incident signs its postmortem, nobody else", code="NOT_THE_OWNER")
        require_step(postmortem, StepKind.SIGNED)
        submission = await find_submission(session, postmortem)
        if submission.sha256 != command.digest:
            raise Conflict(
                "this is not the document that was reviewed: look again",
                code="DIGEST_CHANGED",
                field="digest",
            )
        document = parse_json(submission.document)
        await _require_told(session, postmortem, submission.snapshot_at, document)
        actions = await planned_actions(session, postmortem.id)
        require_actions(len(actions))
        frozen = {each["id"] for each in document["actions"]}
        if frozen != {str(each.id) for each in actions}:
            raise Conflict(
                "the prevention actions are others than those that were reviewed: return it to the draft, "
                "and have it reviewed again",
                code="ACTIONS_CHANGED",
                field="actions",
            )
        return len(actions)

    async def _sign(
        self,
        session: WriteSession,
        seen: Postmortem,
        command: Sign,
        actor: Actor,
        decision: Decision,
        signed: Signed,
    ) -> Postmortem:
        # What is signed for stands until the commit: nobody merges its incident or withdraws it meanwhile.
        await lock_register(session)
        await lock_actions_of(session, command.postmortem_id)
        postmortem = await find_postmortem(session, command.postmortem_id)
        actions = await self._require_signable(session, postmortem, command, actor)
        accepted = postmortem.accepted
        if accepted is None or postmortem.version != seen.version:
            raise Conflict("this postmortem has moved on meanwhile: look again", code="WRONG_STATE")
        submission = await find_submission(session, postmortem)
        signature = await self._signatures.record(session, signed, actor)
        before = postmortem.signed
        inputs = signature.inputs
        if before is not None:
            known = await receipt_digests(session, VENDOR_ID, before.receipt_id)
            inputs += tuple(Input(f"receipt/{id_}", sha256) for id_, sha256 in known.items())
        taken = await take_step(
            self._ledger,
            session,
            postmortem,
            StepKind.SIGNED,
            actor,
            decision,
            reason=command.rationale,
            sha256=submission.sha256,
            inputs=inputs,
            further={
                "sha256": submission.sha256,
                "reviewer": accepted.by.json(),
                "authors": [each.json() for each in submission.authors],
                "actions": str(actions),
                "supersedes": None
                if before is None
                else {
                    "version": str(before.number),
                    "sha256": before.sha256,
                    "receipt": str(before.receipt_id),
                },
                "signature": signature.result,
            },
        )
        version = Version(
            number=postmortem.version,
            sha256=submission.sha256,
            snapshot_at=submission.snapshot_at,
            signed_at=taken.last.at,
            signer=taken.last.by,
            reviewer=accepted.by,
            authors=submission.authors,
            rationale=command.rationale,
            reason=None if before is None else _why_again(postmortem),
            signature_id=signature.id,
            action_count=actions,
            receipt_id=taken.last.receipt_id,
        )
        await add_version(session, taken, version, taken.last)
        incident = await find_incident(session, postmortem.incident_id)
        await begin_clocks(session, self._ledger, postmortem.id, version.signed_at, incident.resolved_at)
        # What was merged into it after the version before owed its own, and is covered by this one.
        await withdraw_what_goes_on_elsewhere(session, self._ledger, await ended_in(session, incident.id))
        await self._exports.request(
            session,
            kind=KIND,
            tenant_id=VENDOR_ID,
            subject_id=postmortem.id,
            revision=version.number,
            actor=actor,
        )
        return await find_postmortem(session, postmortem.id)


async def _require_told(
    session: ReadSession, postmortem: Postmortem, frozen_at: datetime, document: Mapping[str, Any]
) -> None:
    """Whether the document has what came in until it was frozen: from then on it counts as saying that.

    What was being stored just then was not to be seen, though it has an earlier time.
    """
    incident = await find_incident(session, postmortem.incident_id)
    require_taken_in(await something_waits(session, incident, frozen_at))
    merged = [each for each in await ended_in(session, incident.id) if each.is_told_of(frozen_at)]
    said = {each["sha256"] for each in document["evidence"]}
    told = [
        entry.origin
        for entries in (await timelines_of(session, [incident, *merged])).values()
        for entry in entries
        if entry.origin is not None
    ]
    if any(each.received_at <= frozen_at and each.digest.hex() not in said for each in told):
        raise Conflict(
            "something that was told before it was frozen came in only afterwards, and is not in it: return it to "
            "the draft, and have it reviewed again",
            code="FACTS_LATE",
            field="digest",
        )


def _why_again(postmortem: Postmortem) -> str:
    return next(each.reason for each in reversed(postmortem.steps) if each.kind is StepKind.REOPENED)
