"""Reading postmortems: live while they are written, frozen while in review, and each version as it was signed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.errors import NotFound
from trust_portal.evidence.export import Export
from trust_portal.evidence.export_rows import exports_of
from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.learning.incidents.model import Incident
from trust_portal.learning.incidents.repository import incidents_by_id
from trust_portal.learning.postmortems.asking import Asked, asked_to_sign
from trust_portal.learning.postmortems.assembling import assemble
from trust_portal.learning.postmortems.filters import ALL, PostmortemFilter
from trust_portal.learning.postmortems.known_since import KnownSince, known_since
from trust_portal.learning.postmortems.model import (
    KIND,
    NOUN,
    Draft,
    Person,
    Postmortem,
    PostmortemState,
    Submission,
    Version,
)
from trust_portal.learning.postmortems.repository import (
    count_postmortems,
    find_postmortem,
    postmortem_of,
    postmortems_page,
)
from trust_portal.learning.postmortems.versions_repository import find_document, find_submission, signed_by
from trust_portal.storage.tenancy import StaffScope
from trust_portal.storage.unit_of_work import ReadSession, Storage


@dataclass(frozen=True, slots=True)
class VersionBundles:
    """By number of the version: the bundle that came with its signature, and the newest one that says by what it
    was superseded.
    """

    signed: Mapping[int, Export]
    renewed: Mapping[int, Export]


@dataclass(frozen=True, slots=True)
class Listed:
    """A postmortem in a list, with the bundles of its versions."""

    postmortem: Postmortem
    incident: Incident
    bundles: VersionBundles


@dataclass(frozen=True, slots=True)
class Opened:
    """One postmortem as it stands. ``document`` is live while a draft, else the frozen or signed one.

    ``frozen`` is its canonical text where it is frozen. ``asked`` is who signs it.
    ``since`` are the facts that are known now and were not when it was frozen, as ``live`` tells them.
    """

    postmortem: Postmortem
    incident: Incident
    document: Mapping[str, Any]
    live: Mapping[str, Any]
    draft: Draft | None
    authors: tuple[Person, ...]
    asked: Asked
    submission: Submission | None
    frozen: str | None
    since: tuple[KnownSince, ...]
    bundles: VersionBundles


@dataclass(frozen=True, slots=True)
class SignedVersion:
    """A version as it was signed, with its bundle on the way or ready; ``renewed`` says by what it was superseded."""

    postmortem: Postmortem
    version: Version
    document: Mapping[str, Any]
    export: Export | None
    renewed: Export | None


class PostmortemReader:
    """What staff reads of postmortems."""

    def __init__(self, storage: Storage, gate: Gate, access_log: AccessLog, *, vendor_name: str) -> None:
        self._storage = storage
        self._gate = gate
        self._access_log = access_log
        self._vendor = vendor_name

    async def page(self, actor: Actor, request: PageRequest, wanted: PostmortemFilter = ALL) -> Page[Listed]:
        """Newest first."""
        await self._may_read(actor)
        async with self._storage.read(StaffScope()) as session:
            found = await postmortems_page(session, request, wanted)
            known = await incidents_by_id(session, [each.incident_id for each in found.items])
            bundles = await _bundles(session, found.items)
        listed = tuple(Listed(each, known[each.incident_id], bundles[each.id]) for each in found.items)
        return Page(listed, found.cursors, found.has_next, found.has_previous)

    async def count(self, actor: Actor, wanted: PostmortemFilter) -> int:
        """How many ``page`` goes through."""
        await self._may_read(actor)
        async with self._storage.read(StaffScope()) as session:
            return await count_postmortems(session, wanted)

    async def of_incident(self, actor: Actor, incident_id: UUID) -> Postmortem | None:
        await self._may_read(actor)
        async with self._storage.read(StaffScope()) as session:
            return await postmortem_of(session, incident_id)

    async def find(self, actor: Actor, postmortem_id: UUID) -> Opened:
        """``NotFound`` where there is none."""
        await self._may_read(actor, postmortem_id)
        now = self._storage.clock.now()
        async with self._storage.read(StaffScope(), snapshot=True) as session:
            postmortem = await find_postmortem(session, postmortem_id)
            assembled = await assemble(session, postmortem, now, vendor=self._vendor)
            asked = await asked_to_sign(session, self._gate, assembled.incident, postmortem, now)
            submission = None
            live = assembled.body
            document, frozen = live, None
            if postmortem.state is PostmortemState.IN_REVIEW:
                submission = await find_submission(session, postmortem)
                document, frozen = parse_json(submission.document), submission.document.decode()
            elif postmortem.state is PostmortemState.SIGNED and postmortem.signed is not None:
                content = await find_document(session, postmortem_id, postmortem.signed.number)
                document, frozen = parse_json(content), content.decode()
            bundles = await _bundles(session, [postmortem])
        await self._trace(actor, postmortem_id, document)
        return Opened(
            postmortem,
            assembled.incident,
            document,
            live,
            assembled.draft,
            assembled.authors,
            asked,
            submission,
            frozen,
            () if document is live else known_since(live, document),
            bundles[postmortem_id],
        )

    async def version(self, actor: Actor, postmortem_id: UUID, number: int) -> SignedVersion:
        """``NotFound`` for one that nobody signed."""
        await self._may_read(actor, postmortem_id)
        async with self._storage.read(StaffScope()) as session:
            postmortem = await find_postmortem(session, postmortem_id)
            version = next((each for each in postmortem.versions if each.number == number), None)
            if version is None:
                raise NotFound("signed version")
            document = parse_json(await find_document(session, postmortem_id, number))
            bundles = (await _bundles(session, [postmortem]))[postmortem_id]
        await self._trace(actor, postmortem_id, document)
        return SignedVersion(
            postmortem, version, document, bundles.signed.get(number), bundles.renewed.get(number)
        )

    async def signed_with(self, actor: Actor, receipt_id: UUID) -> SignedVersion:
        """The version whose signature that receipt is; ``NotFound`` where it is none."""
        await self._may_read(actor)
        async with self._storage.read(StaffScope()) as session:
            found = await signed_by(session, receipt_id)
        if found is None:
            raise NotFound("signed version")
        return await self.version(actor, *found)

    async def _trace(self, actor: Actor, postmortem_id: UUID, document: Mapping[str, Any]) -> None:
        """Each customer that the document speaks of sees who read it."""
        await self._access_log.trace(
            actor, _named(document), Access(Verb.READ, NOUN, str(postmortem_id), "postmortem")
        )

    async def _may_read(self, actor: Actor, postmortem_id: UUID | None = None) -> None:
        resource = Resource.of_house(NOUN, postmortem_id)
        await self._gate.require(actor, Action.ALL_POSTMORTEMS_READ, resource)


async def customers_named(session: ReadSession, export: Export) -> Collection[UUID]:
    """Of whom the signed version in a bundle speaks."""
    later = await signed_by(session, export.subject_id)
    postmortem_id = export.subject_id if later is None else later[0]
    return _named(parse_json(await find_document(session, postmortem_id, export.revision)))


async def _bundles(session: ReadSession, found: Sequence[Postmortem]) -> dict[UUID, VersionBundles]:
    """By postmortem. One made anew has the newest signature for its subject (``renewing``)."""
    newest = {each.versions[-1].receipt_id: each.id for each in found if each.versions}
    signed: dict[UUID, dict[int, Export]] = {each.id: {} for each in found}
    renewed: dict[UUID, dict[int, Export]] = {each.id: {} for each in found}
    for export in await exports_of(session, VENDOR_ID, KIND, [*signed, *newest]):
        if export.subject_id in signed:
            signed[export.subject_id][export.revision] = export
        else:
            renewed[newest[export.subject_id]][export.revision] = export
    return {id_: VersionBundles(signed[id_], renewed[id_]) for id_ in signed}


def _named(document: Mapping[str, Any]) -> list[UUID]:
    return [UUID(each["id"]) for each in document["customers"].values()]
