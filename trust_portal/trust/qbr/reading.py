"""QBRs as they are read: by the customer what was issued, by staff the drafts, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import NotFound
from trust_portal.evidence.export import Export
from trust_portal.evidence.export_rows import find_export_of
from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.page import Page, PageRequest, page_of
from trust_portal.storage.unit_of_work import ReadSession, Storage
from trust_portal.trust.qbr.ageing import is_daily
from trust_portal.trust.qbr.beyond import look_beyond
from trust_portal.trust.qbr.document import sections_in
from trust_portal.trust.qbr.model import DRAFT, KIND, NOUN, Commitment, Draft, Qbr
from trust_portal.trust.qbr.repository import (
    commitments_of,
    entries_of,
    find_document,
    find_qbr,
    qbrs_of,
)
from trust_portal.trust.qbr.standing import standing_of

_PURPOSE = "business review"
#: More snapshots than any tenant has: counted down from here, the newest comes first.
_LAST = 9_999_999_999


@dataclass(frozen=True, slots=True)
class OpenedQbr:
    """An issued QBR with its bundle on the way or ready; ``later`` is the revision that took its place."""

    qbr: Qbr
    document: Mapping[str, Any]
    export: Export | None
    later: Qbr | None


@dataclass(frozen=True, slots=True)
class Standing:
    """An issued one of a list; ``later`` is the period's last revision, where that is another."""

    qbr: Qbr
    later: Qbr | None


class QbrReader:
    def __init__(self, storage: Storage, gate: Gate, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._access_log = access_log

    async def issued(self, actor: Actor, tenant_id: UUID) -> tuple[Qbr, ...]:
        """What went out, the newest first."""
        await self._gate.require(actor, Action.QBR_READ, Resource(NOUN, tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await qbrs_of(session, tenant_id)
        await self._access_log.looked(actor, tenant_id, NOUN, purpose=_PURPOSE)
        return tuple(each for each in found if each.issue is not None)

    async def page(self, actor: Actor, tenant_id: UUID, asked: PageRequest) -> Page[Standing]:
        """A page of ``issued``, each with what took its place."""
        found = await self.issued(actor, tenant_id)
        rows = [Standing(each, _later(each, found)) for each in found]
        return page_of(rows, lambda each: (f"{_LAST - each.qbr.number:010d}",), asked)

    async def drafts(self, actor: Actor, tenant_id: UUID) -> tuple[Qbr, ...]:
        """The latest snapshot of each period that was not issued since, the newest first; for staff."""
        await self._gate.require(actor, Action.QBR_DRAFT_READ, Resource(NOUN, tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await qbrs_of(session, tenant_id)
        await self._access_log.looked(actor, tenant_id, DRAFT, purpose=_PURPOSE)
        latest: dict[str, Qbr] = {}
        for each in found:
            latest.setdefault(each.period, each)
        return tuple(each for each in latest.values() if each.issue is None)

    async def latest(self, actor: Actor, tenant_id: UUID, period: str) -> Qbr:
        """The newest snapshot of a period, issued or not; for staff. ``NotFound`` where none was taken."""
        await self._gate.require(actor, Action.QBR_DRAFT_READ, Resource(NOUN, tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await qbrs_of(session, tenant_id, period)
        await self._access_log.looked(actor, tenant_id, DRAFT, purpose=_PURPOSE)
        if not found:
            raise NotFound(NOUN)
        return found[0]

    async def draft(self, actor: Actor, tenant_id: UUID, qbr_id: UUID) -> Draft:
        """A snapshot with everything in it and all that was said; for staff. ``NotFound``."""
        draft = await self._draft(actor, tenant_id, qbr_id)
        await self._access_log.looked(actor, tenant_id, DRAFT, str(qbr_id), _PURPOSE)
        return draft

    async def taken(self, actor: Actor, tenant_id: UUID, qbr_id: UUID, file: str) -> Draft:
        """A draft of which somebody takes ``file`` along (``internal.pdf``); for staff. Always leaves its line."""
        draft = await self._draft(actor, tenant_id, qbr_id)
        access = Access(Verb.DOWNLOADED, f"{DRAFT}, {file}", str(qbr_id), _PURPOSE)
        await self._access_log.trace(actor, [tenant_id], access)
        return draft

    async def _draft(self, actor: Actor, tenant_id: UUID, qbr_id: UUID) -> Draft:
        await self._gate.require(actor, Action.QBR_DRAFT_READ, Resource(NOUN, tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            tenant = await find_tenant(session, tenant_id)
            if tenant is None:
                raise NotFound("tenant")
            qbr, snapshot = await find_qbr(session, tenant_id, qbr_id)
            entries, sections = await entries_of(session, tenant_id, qbr.period), sections_in(snapshot)
            latest = (await qbrs_of(session, tenant_id, qbr.period))[0]
            now = self._storage.clock.now()
            beyond = await look_beyond(session, tenant, qbr.period, now)
            stands = await standing_of(session, tenant, qbr, snapshot, entries, now, beyond)
        daily = is_daily(latest, spoken=bool(entries))
        return Draft(
            qbr, sections, entries, stands.sections, stands.told, stands.newer, now, latest, daily
        )  # fmt: skip

    async def get(self, actor: Actor, tenant_id: UUID, qbr_id: UUID) -> OpenedQbr:
        """An issued one; ``NotFound`` while it is a draft."""
        await self._gate.require(actor, Action.QBR_READ, Resource(NOUN, tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            opened = await _opened(session, tenant_id, qbr_id)
        await self._access_log.looked(actor, tenant_id, NOUN, str(qbr_id), _PURPOSE)
        return opened

    async def find(self, actor: Actor, tenant_id: UUID, qbr_id: UUID) -> Qbr:
        """What is known of one, without its document; to who reads no drafts, a draft is ``NotFound``."""
        await self._gate.require(actor, Action.QBR_READ, Resource(NOUN, tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found, _ = await find_qbr(session, tenant_id, qbr_id)
        if found.issue is None and not self._gate.allows(
            actor, Action.QBR_DRAFT_READ, Resource(NOUN, tenant_id)
        ):
            raise NotFound(NOUN)
        noun = DRAFT if found.issue is None else NOUN
        await self._access_log.looked(actor, tenant_id, noun, str(qbr_id), _PURPOSE)
        return found

    async def commitments(self, actor: Actor, tenant_id: UUID) -> tuple[Commitment, ...]:
        """All of them, as they stand; for staff."""
        await self._gate.require(actor, Action.QBR_DRAFT_READ, Resource(NOUN, tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await commitments_of(session, tenant_id)
        await self._access_log.looked(actor, tenant_id, "commitments", purpose=_PURPOSE)
        return found

    async def tenant(self, actor: Actor, tenant_id: UUID) -> Tenant:
        """Whose it is. ``NotFound``."""
        await self._gate.require(actor, Action.QBR_READ, Resource(NOUN, tenant_id))
        async with self._storage.read(scope_of(actor, tenant_id)) as session:
            found = await find_tenant(session, tenant_id)
        if found is None:
            raise NotFound("tenant")
        return found


def _later(qbr: Qbr, issued: Sequence[Qbr]) -> Qbr | None:
    """``issued``: the newest first."""
    last = next(each for each in issued if each.period == qbr.period)
    return None if last.id == qbr.id else last


async def _opened(session: ReadSession, tenant_id: UUID, qbr_id: UUID) -> OpenedQbr:
    qbr, _ = await find_qbr(session, tenant_id, qbr_id)
    issue = qbr.issue
    if issue is None:
        raise NotFound(NOUN)
    document = parse_json(await find_document(session, tenant_id, qbr_id))
    export = await find_export_of(session, tenant_id, KIND, qbr_id, issue.revision)
    own = await qbrs_of(session, tenant_id, qbr.period)
    later = next(
        (each for each in own if each.issue is not None and each.issue.revision > issue.revision), None
    )
    return OpenedQbr(qbr, document, export, later)
