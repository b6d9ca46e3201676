"""A customer's copy in the customer's own house: log, bundle, notification; and reading it there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.errors import Conflict
from trust_portal.evidence.act import Act, Input
from trust_portal.evidence.disclosure import reveal
from trust_portal.evidence.export import Export
from trust_portal.evidence.export_rows import exports_of
from trust_portal.evidence.exports import Exports
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.actor import SYSTEM, Actor
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.learning.postmortems.copy_renewing import record_superseded, renewed_bundles
from trust_portal.learning.postmortems.model import COPY_FILE, COPY_KIND, COPY_NOUN, NOUN
from trust_portal.learning.postmortems.releases_model import SignedAs, StoredCopy, StoredRelease
from trust_portal.learning.postmortems.releases_repository import (
    add_copy,
    copies_of,
    copy_before,
    find_copy,
    find_release,
    has_copy,
)
from trust_portal.learning.postmortems.repository import find_postmortem
from trust_portal.learning.postmortems.versions_repository import versions_that_count
from trust_portal.notify.announcing import announce
from trust_portal.notify.model import Announcement, Audience
from trust_portal.notify.topics import RULES, Topic
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage, WriteSession


@dataclass(frozen=True, slots=True)
class OpenedCopy:
    """A copy as its customer sees it: ``document`` with what was disclosed put back in its place.

    ``renewed`` is the bundle that says by what the copy was superseded, where somebody asked for it.
    ``newer`` is the copy of a later version, where there is one. ``superseded_by`` is the version that counts,
    where the copy is of another: also one that was not released to the customer.
    """

    copy: StoredCopy
    body: Mapping[str, Any]
    document: Mapping[str, Any]
    concealed: int
    export: Export | None
    renewed: Export | None
    newer: StoredCopy | None
    superseded_by: SignedAs | None


class PostmortemCopies:
    """Copies reach their customers here, and are read here."""

    def __init__(
        self, storage: Storage, gate: Gate, ledger: Ledger, exports: Exports, access_log: AccessLog
    ) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._exports = exports
        self._access_log = access_log

    async def issue(self, release_id: UUID, work: UUID | None = None) -> bool:
        """Put a release into its customer's house. False where it is there already.

        ``work`` is the outbox row that asked; it goes with the effect.
        """
        async with self._storage.read(TenantScope(VENDOR_ID)) as reading:
            release = await find_release(reading, release_id)
            postmortem = await find_postmortem(reading, release.postmortem_id)
            (sha256,) = (await receipt_digests(reading, VENDOR_ID, release.receipt_id)).values()
        tenant_id = release.customer_id
        async with self._storage.write(TenantScope(tenant_id)) as session:
            if not await session.complete(work) or await has_copy(session, tenant_id, release.id):
                return False
            copy = StoredCopy(
                id=release.id,
                tenant_id=tenant_id,
                postmortem_id=release.postmortem_id,
                incident_id=postmortem.incident_id,
                version=release.version,
                revision=release.revision,
                profile_text=release.profile_text,
                document=release.document,
                sha256=release.sha256,
                original_sha256=postmortem.versions[release.version - 1].sha256,
                disclosures=release.disclosures,
                at=session.clock.now(),
                receipt_id=new_id(),
            )
            await self._record(session, copy, release, sha256)
            await self._exports.request(
                session,
                kind=COPY_KIND,
                tenant_id=tenant_id,
                subject_id=copy.id,
                revision=copy.revision,
                actor=SYSTEM,
            )
            await _tell(session, copy)
        return True

    async def list(self, actor: Actor, tenant_id: UUID) -> tuple[OpenedCopy, ...]:
        """What was released to the tenant, the latest first."""
        await self._gate.require(actor, Action.POSTMORTEM_READ, Resource(NOUN, tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await copies_of(session, tenant_id)
            exports = await copy_bundles(session, tenant_id, [each.id for each in found])
        await self._access_log.looked(actor, tenant_id, "postmortems", purpose="incidents")
        counts = await self._that_count({each.postmortem_id for each in found})
        renewed = await self._renewed(actor, tenant_id, found, counts)
        return tuple(
            _opened(
                each,
                exports.get(each.id),
                renewed.get(each.id),
                _newer(each, found),
                counts[each.postmortem_id],
            )
            for each in found
        )

    async def find(self, actor: Actor, tenant_id: UUID, copy_id: UUID) -> OpenedCopy:
        await self._gate.require(actor, Action.POSTMORTEM_READ, Resource(NOUN, tenant_id, copy_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            copy = await find_copy(session, tenant_id, copy_id)
            known = await copies_of(session, tenant_id, copy.postmortem_id)
            export = (await copy_bundles(session, tenant_id, [copy.id])).get(copy.id)
        await self._access_log.looked(actor, tenant_id, COPY_NOUN, str(copy_id), "incidents")
        counts = await self._that_count([copy.postmortem_id])
        renewed = await self._renewed(actor, tenant_id, [copy], counts)
        return _opened(copy, export, renewed.get(copy.id), _newer(copy, known), counts[copy.postmortem_id])

    async def renew(self, actor: Actor, tenant_id: UUID, copy_id: UUID) -> Export:
        """Ask for a copy's bundle that says by what it was superseded; one for each version that came to count since.

        Raises ``NotFound`` for a copy that the customer has not, ``Conflict`` (NOT_SUPERSEDED) for one of the
        version that counts.
        """
        decision = await self._gate.require(
            actor, Action.EXPORT_REQUEST, Resource(COPY_NOUN, tenant_id, copy_id)
        )
        async with self._storage.read(scope_of(actor, tenant_id)) as reading:
            copy = await find_copy(reading, tenant_id, copy_id)
        async with self._storage.read(TenantScope(VENDOR_ID)) as reading:
            later = (await find_postmortem(reading, copy.postmortem_id)).versions[-1]
            (sha256,) = (await receipt_digests(reading, VENDOR_ID, later.receipt_id)).values()
        if later.number <= copy.version:
            raise Conflict(
                "this copy is of the version that counts: its bundle came with it", code="NOT_SUPERSEDED"
            )
        async with self._storage.write(TenantScope(tenant_id)) as session:
            return await self._exports.request(
                session,
                kind=COPY_KIND,
                tenant_id=tenant_id,
                subject_id=await record_superseded(
                    self._ledger, session, copy, later, sha256, actor, decision
                ),
                revision=copy.revision,
                actor=actor,
            )

    async def _renewed(
        self,
        actor: Actor,
        tenant_id: UUID,
        copies: Collection[StoredCopy],
        counts: Mapping[UUID, SignedAs],
    ) -> Mapping[UUID, Export]:
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            return await renewed_bundles(session, tenant_id, copies, counts)

    async def _that_count(self, postmortem_ids: Collection[UUID]) -> Mapping[UUID, SignedAs]:
        """The vendor's own rows, asked for by what the customer has copies of."""
        async with self._storage.read(TenantScope(VENDOR_ID)) as session:
            return await versions_that_count(session, postmortem_ids)

    async def _record(
        self, session: WriteSession, copy: StoredCopy, release: StoredRelease, released_sha256: str
    ) -> None:
        body = parse_json(copy.document)
        before = await copy_before(session, copy)
        behind = {} if before is None else await receipt_digests(session, copy.tenant_id, before)
        result: dict[str, Any] = {
            "postmortem": str(copy.postmortem_id),
            "version": str(copy.version),
            "revision": str(copy.revision),
            "copy": copy.sha256,
            "original": copy.original_sha256,
            "profile": body["profile"],
            "disclosed": str(len(copy.disclosures)),
            "released": {"receipt": str(release.receipt_id), "sha256": released_sha256},
        }
        act = Act(
            kind=ReceiptKind.POSTMORTEM_COPY_ISSUED,
            tenant_id=copy.tenant_id,
            actor=SYSTEM,
            at=copy.at,
            subjects=(Subject(COPY_FILE, copy.sha256),),
            predicate=result,
            inputs=(
                *(Input(f"receipt/{id_}", sha256) for id_, sha256 in behind.items()),
                Input(f"vendor-receipt/{release.receipt_id}", released_sha256),
            ),
            rationale=release.reason,
        )
        await self._ledger.record(session, act, receipt_id=copy.receipt_id)
        await add_copy(session, copy)


async def copy_bundles(
    session: ReadSession, tenant_id: UUID, copy_ids: Collection[UUID]
) -> dict[UUID, Export]:
    """The bundles of a customer's copies, by copy."""
    found = await exports_of(session, tenant_id, COPY_KIND, copy_ids)
    return {each.subject_id: each for each in found}


def _opened(
    copy: StoredCopy,
    export: Export | None,
    renewed: Export | None,
    newer: StoredCopy | None,
    counts: SignedAs,
) -> OpenedCopy:
    body = parse_json(copy.document)
    revealed = reveal(body, copy.disclosures)
    return OpenedCopy(
        copy,
        body,
        revealed.value["document"],
        revealed.concealed,
        export,
        renewed,
        newer,
        counts if counts.supersedes(copy.version) else None,
    )


def _newer(copy: StoredCopy, known: tuple[StoredCopy, ...]) -> StoredCopy | None:
    later = [
        each
        for each in known
        if each.postmortem_id == copy.postmortem_id
        and (each.version, each.revision) > (copy.version, copy.revision)
    ]
    return max(later, key=lambda each: (each.version, each.revision), default=None)


async def _tell(session: WriteSession, copy: StoredCopy) -> None:
    body = parse_json(copy.document)
    incident, own = body["document"]["incident"], body["customer"]
    more = copy.revision > 1
    await announce(
        session,
        Announcement(
            topic=Topic.POSTMORTEM_RELEASED,
            key=f"postmortem/{copy.id}",
            thread=f"postmortem/{copy.postmortem_id}",
            title=f"{'More of the postmortem' if more else 'Postmortem'}: {incident['title']}",
            text=(
                "The vendor shows you more of a postmortem that you have: what was withheld, and can be checked "
                "against the digests in your copy."
                if more
                else "The vendor has signed what went wrong, what it cost you, and what is done so that it does "
                "not happen again. The bundle can be checked offline."
            ),
            path=f"/t/{own['key']}/postmortems/{copy.id}",
            facts={
                "severity": incident["worst_severity"],
                "service": incident["service"],
                "version": str(copy.version),
                "sha256": copy.sha256,
            },
            audience=Audience(RULES[Topic.POSTMORTEM_RELEASED].roles),
        ),
    )
