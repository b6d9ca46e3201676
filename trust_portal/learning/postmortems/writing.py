"""Writing and reviewing: drafts, judgments, freezing the document for review, and what the reviewer says."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.approvals.model import person_behind
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Decision, Resource
from trust_portal.errors import Conflict, Denied, InvalidInput
from trust_portal.evidence.ledger import Ledger
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import canonical, sha256_hex
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.incidents.repository import find_incident
from trust_portal.learning.incidents.waiting import something_waits
from trust_portal.learning.postmortems.assembling import assemble
from trust_portal.learning.postmortems.drafts_repository import add_draft, newest_draft, newest_judged
from trust_portal.learning.postmortems.model import (
    FEWEST_ACTIONS,
    MOST_ACTIONS,
    NOUN,
    PARTS,
    Accept,
    Draft,
    Judge,
    Judgment,
    Person,
    Postmortem,
    PostmortemState,
    Return,
    SaveDraft,
    StepKind,
    Submission,
    Submit,
    Written,
)
from trust_portal.learning.postmortems.planned import planned_actions
from trust_portal.learning.postmortems.recording import require_step, take_step
from trust_portal.learning.postmortems.repository import CHANGED, find_postmortem
from trust_portal.learning.postmortems.versions_repository import add_submission, find_submission
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession

_VENDOR = TenantScope(VENDOR_ID)


class PostmortemWriting:
    """Whatever is edited while a document is in review takes it back to the draft."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger, *, vendor_name: str) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._vendor = vendor_name

    async def save(self, command: SaveDraft, actor: Actor) -> Draft:
        """Raises ``Conflict``: POSTMORTEM_CHANGED where somebody saved after ``revision``, SIGNED."""
        decision = await self._may_write(actor, command.postmortem_id)
        async with self._storage.write(_VENDOR) as session:
            postmortem = await self._editable(
                session, command.postmortem_id, actor, decision, "The text was edited."
            )
            before, judges = await newest_judged(session, postmortem.id)
            if (0 if before is None else before.revision) != command.revision:
                raise Conflict(
                    "somebody else saved meanwhile: compare, and save again", code=CHANGED, field="revision"
                )
            judgments = {} if before is None else before.judgments
            return await self._add(session, postmortem, actor, command.written, judgments, judges, before)

    async def judge(self, command: Judge, actor: Actor) -> Draft:
        """Say of a change that it is suspect or cleared, over what the rule says."""
        decision = await self._may_write(actor, command.postmortem_id)
        async with self._storage.read(StaffScope(), snapshot=True) as reading:
            seen = await find_postmortem(reading, command.postmortem_id)
            now = self._storage.clock.now()
            assembled = await assemble(reading, seen, now, vendor=self._vendor)
        if command.fact not in {each["id"] for each in assembled.body["changes"]}:
            raise InvalidInput("no change near the incident has this id", field="fact")
        async with self._storage.write(_VENDOR) as session:
            postmortem = await self._editable(
                session, command.postmortem_id, actor, decision, "A change was judged."
            )
            before, judges = await newest_judged(session, postmortem.id)
            judgments = {**({} if before is None else before.judgments), command.fact: command.judgment}
            judges = {**judges, command.fact: Person(person_behind(actor), actor.name)}
            written = Written() if before is None else before.written
            return await self._add(session, postmortem, actor, written, judgments, judges, before)

    async def submit(self, command: Submit, actor: Actor) -> Postmortem:
        """Freeze the document. Raises ``InvalidInput`` (UNWRITTEN, ACTIONS_REQUIRED), ``Conflict`` (FACTS_WAITING,
        POSTMORTEM_CHANGED, WRONG_STATE).
        """
        decision = await self._may_write(actor, command.postmortem_id)
        now = self._storage.clock.now()
        async with self._storage.read(StaffScope(), snapshot=True) as reading:
            seen = await find_postmortem(reading, command.postmortem_id)
            require_step(seen, StepKind.SUBMITTED)
            # The document would count as saying what was told before it was frozen.
            require_taken_in(await something_waits(reading, await find_incident(reading, seen.incident_id)))
            # All customers are looked at only for what is not refused anyhow; the snapshot is the same.
            _require_written(await newest_draft(reading, seen.id), command.revision)
            require_actions(len(await planned_actions(reading, seen.id)))
            assembled = await assemble(reading, seen, now, vendor=self._vendor, whole=True)
        document = canonical(assembled.body)
        sha256 = sha256_hex(document)
        async with self._storage.write(_VENDOR) as session:
            postmortem = await find_postmortem(session, command.postmortem_id)
            draft = await newest_draft(session, command.postmortem_id)
            if draft is None or draft.revision != command.revision or postmortem != seen:
                raise Conflict("somebody changed it meanwhile: look again", code=CHANGED, field="revision")
            taken = await take_step(
                self._ledger,
                session,
                postmortem,
                StepKind.SUBMITTED,
                actor,
                decision,
                reason="Submitted for review.",
                sha256=sha256,
                further={
                    "draft": str(draft.revision),
                    "snapshot_at": assembled.body["snapshot_at"],
                    "authors": [each.json() for each in assembled.authors],
                    "actions": str(len(assembled.actions)),
                },
            )
            submission = Submission(taken.last.ordinal, document, sha256, now, assembled.authors)
            await add_submission(session, postmortem.id, submission)
        return taken

    async def return_(self, command: Return, actor: Actor) -> Postmortem:
        """Back to the draft, with the reason: by whoever may write it."""
        decision = await self._gate.require(
            actor, Action.POSTMORTEM_WRITE, Resource.of_house(NOUN, command.postmortem_id)
        )
        async with self._storage.write(_VENDOR) as session:
            postmortem = await find_postmortem(session, command.postmortem_id)
            return await take_step(
                self._ledger, session, postmortem, StepKind.RETURNED, actor, decision, reason=command.reason
            )

    async def accept(self, command: Accept, actor: Actor) -> Postmortem:
        """The document may be signed. Raises ``Denied`` (OWN_TEXT) to any of its authors, ``Conflict``."""
        decision = await self._gate.require(
            actor, Action.POSTMORTEM_REVIEW, Resource.of_house(NOUN, command.postmortem_id)
        )
        async with self._storage.write(_VENDOR) as session:
            postmortem = await find_postmortem(session, command.postmortem_id)
            require_step(postmortem, StepKind.ACCEPTED)
            submission = await find_submission(session, postmortem)
            if submission.sha256 != command.digest:
                raise Conflict(
                    "this is not the document in review: look again", code="DIGEST_CHANGED", field="digest"
                )
            if person_behind(actor) in {each.id for each in submission.authors}:
                raise Denied(
                    "nobody reviews what they wrote, or planned in it; somebody else does", code="OWN_TEXT"
                )
            return await take_step(
                self._ledger,
                session,
                postmortem,
                StepKind.ACCEPTED,
                actor,
                decision,
                reason=command.reason,
                sha256=submission.sha256,
            )

    async def _may_write(self, actor: Actor, postmortem_id: UUID) -> Decision:
        return await self._gate.require(
            actor, Action.POSTMORTEM_WRITE, Resource.of_house(NOUN, postmortem_id)
        )

    async def _editable(
        self, session: WriteSession, postmortem_id: UUID, actor: Actor, decision: Decision, why: str
    ) -> Postmortem:
        """As a draft: what is in review is returned by the edit."""
        postmortem = await find_postmortem(session, postmortem_id)
        if postmortem.state is PostmortemState.SIGNED:
            raise Conflict(
                "it is signed: begin a new version, and say why", code="SIGNED", field="postmortem_id"
            )
        if postmortem.state is PostmortemState.IN_REVIEW:
            return await take_step(
                self._ledger, session, postmortem, StepKind.RETURNED, actor, decision, reason=why
            )
        return postmortem

    async def _add(
        self,
        session: WriteSession,
        postmortem: Postmortem,
        actor: Actor,
        written: Written,
        judgments: Mapping[str, Judgment],
        judges: Mapping[str, Person],
        before: Draft | None,
    ) -> Draft:
        draft = Draft(
            revision=1 if before is None else before.revision + 1,
            version=postmortem.version,
            written=written,
            judgments=judgments,
            author=Person(person_behind(actor), actor.name),
            at=session.clock.now(),
        )
        await add_draft(session, postmortem.id, draft, judges)
        return draft


def _require_written(draft: Draft | None, revision: int) -> None:
    """Raises ``Conflict`` (POSTMORTEM_CHANGED), ``InvalidInput`` (UNWRITTEN)."""
    if draft is None or draft.revision != revision:
        raise Conflict("the draft is not the one you looked at: look again", code=CHANGED, field="revision")
    if lacking := draft.written.lacking:
        parts = ", ".join(repr(PARTS[each]) for each in lacking)
        raise InvalidInput(f"nothing is written yet under {parts}", field=lacking[0], code="UNWRITTEN")


def require_actions(count: int) -> None:
    """Raises ``InvalidInput`` (ACTIONS_REQUIRED)."""
    if not FEWEST_ACTIONS <= count <= MOST_ACTIONS:
        raise InvalidInput(
            f"a postmortem has {FEWEST_ACTIONS} to {MOST_ACTIONS} prevention actions, this one has {count}",
            field="actions",
            code="ACTIONS_REQUIRED",
        )


def require_taken_in(waits: bool) -> None:
    """Raises ``Conflict`` (FACTS_WAITING)."""
    if waits:
        raise Conflict(
            "something was told of the incident, or of what it is merged with, and is not in the register yet: "
            "try again once it is taken in",
            code="FACTS_WAITING",
            field="postmortem_id",
        )
