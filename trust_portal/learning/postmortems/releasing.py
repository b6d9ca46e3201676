"""Giving customers their copy: an act of its own, on record, told to them; and showing more of it later.

    release (the vendor's log) ──▶ copy (the customer's log, export, notification)
    disclosure                 ──▶ the same copy, with fields shown

The vendor's act commits first; the copy follows in the customer's own transaction, by a job that may be
repeated. Until it has, the customer has nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.action import Action
from trust_portal.access.approvals.model import person_behind
from trust_portal.access.gate import Gate
from trust_portal.access.people.repository import names_but_of
from trust_portal.access.policy import Decision, Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import tenant_ids, tenants_by_id
from trust_portal.errors import Conflict, InvalidInput, NotFound
from trust_portal.evidence.act import Act, Input
from trust_portal.evidence.disclosure import Disclosure
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.receipt_rows import receipt_digests
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.evidence.strict import parse_json
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import canonical, sha256_hex
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.learning.postmortems.concerned import customers_concerned, not_affected, require_there
from trust_portal.learning.postmortems.lint import Warned, lint
from trust_portal.learning.postmortems.model import (
    COPY_FILE,
    NOUN,
    Acknowledgement,
    Disclose,
    Person,
    Postmortem,
    Release,
    Version,
)
from trust_portal.learning.postmortems.profiles import Profile, profile_of
from trust_portal.learning.postmortems.redaction import Redacted, copy_body, redact, shown_texts
from trust_portal.learning.postmortems.releases_model import StoredRelease
from trust_portal.learning.postmortems.releases_repository import (
    add_release,
    find_release,
    newest_release,
    releases_of,
)
from trust_portal.learning.postmortems.repository import find_postmortem
from trust_portal.learning.postmortems.versions_repository import find_document
from trust_portal.storage.outbox import Job
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage, WriteSession

_VENDOR = TenantScope(VENDOR_ID)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a customer would get, what is withheld from it (by place), and what to look at again."""

    version: Version
    customer: Mapping[str, str]
    profile: Profile
    copy: Mapping[str, Any]
    withheld: tuple[str, ...]
    warnings: tuple[Warned, ...]


class PostmortemReleases:
    """For those who may release: previews, releases, disclosures, and what became of them."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log

    async def preview(self, actor: Actor, postmortem_id: UUID, customer_id: UUID, profile_id: str) -> Preview:
        """Of the signed version that counts. Raises ``InvalidInput`` (NOT_AFFECTED), ``Conflict`` (UNSIGNED)."""
        await self._may_release(actor, postmortem_id)
        async with self._storage.read(StaffScope()) as session:
            postmortem = await find_postmortem(session, postmortem_id)
            preview, _ = await self._prepare(session, postmortem, customer_id, profile_id)
        await self._access_log.trace(
            actor, [customer_id], Access(Verb.READ, NOUN, str(postmortem_id), "postmortem")
        )
        return preview

    async def concerned(self, actor: Actor, incident_id: UUID) -> tuple[Tenant, ...]:
        """Who may be given a copy of its postmortem, named in it or not, where the incident touched everybody."""
        await self._gate.require(actor, Action.POSTMORTEM_RELEASE, Resource.of_house(NOUN))
        async with self._storage.read(StaffScope()) as session:
            return await customers_concerned(session, incident_id)

    async def of_postmortem(self, actor: Actor, postmortem_id: UUID) -> tuple[StoredRelease, ...]:
        """Every release and disclosure, the newest first."""
        await self._gate.require(actor, Action.ALL_POSTMORTEMS_READ, Resource.of_house(NOUN, postmortem_id))
        async with self._storage.read(_VENDOR) as session:
            return await releases_of(session, postmortem_id)

    async def find(self, actor: Actor, release_id: UUID) -> StoredRelease:
        """One of them, as it was; ``NotFound`` where there is none."""
        await self._gate.require(actor, Action.ALL_POSTMORTEMS_READ, Resource.of_house(NOUN))
        async with self._storage.read(_VENDOR) as session:
            return await find_release(session, release_id)

    async def concealed(
        self, actor: Actor, releases: Collection[StoredRelease]
    ) -> Mapping[UUID, Mapping[str, tuple[Warned, ...]]]:
        """By id, the places that each of them withholds and its customer can be shown (nothing that names another
        customer), and what to look at again in each before it is shown.
        """
        await self._gate.require(actor, Action.ALL_POSTMORTEMS_READ, Resource.of_house(NOUN))
        async with self._storage.read(StaffScope()) as session:
            known = {
                each: (await names_but_of(session, each), await _others(session, each))
                for each in {one.customer_id for one in releases}
            }
        return {each.id: _concealed(each, *known[each.customer_id]) for each in releases}

    async def release(self, command: Release, actor: Actor) -> StoredRelease:
        """Raises ``InvalidInput`` (WARNINGS) naming what is not acknowledged, ``Conflict`` (ALREADY_RELEASED,
        SUPERSEDED), and what ``preview`` raises. One that nobody warned of needs no acknowledgement.
        """
        decision = await self._may_release(actor, command.postmortem_id)
        async with self._storage.read(StaffScope(), snapshot=True) as session:
            seen = await find_postmortem(session, command.postmortem_id)
            if seen.signed is not None and seen.signed.number != command.version:
                raise Conflict("another version counts now: look again", code="SUPERSEDED", field="version")
            preview, redacted = await self._prepare(session, seen, command.customer_id, command.profile)
        _require_acknowledged(preview.warnings, command.acknowledged)
        document = canonical(dict(preview.copy))
        release = StoredRelease(
            id=new_id(),
            postmortem_id=seen.id,
            version=preview.version.number,
            customer_id=command.customer_id,
            revision=1,
            profile=preview.profile.id,
            profile_text=preview.profile.text,
            document=document,
            sha256=sha256_hex(document),
            withheld={each.place: each.disclosure.encoded for each in redacted.withheld},
            disclosed=(),
            acknowledged={each.warning: each.reason for each in command.acknowledged},
            by=Person(person_behind(actor), actor.name),
            reason=command.reason,
            at=self._storage.clock.now(),
            receipt_id=new_id(),
        )
        async with self._storage.write(_VENDOR) as session:
            postmortem = await find_postmortem(session, command.postmortem_id)
            if postmortem.signed != preview.version:
                raise Conflict("another version counts now: look again", code="SUPERSEDED", field="version")
            known = await newest_release(session, seen.id, release.version, release.customer_id)
            if known is not None:
                raise Conflict("this customer has its copy of this version already", code="ALREADY_RELEASED")
            await self._record(
                session,
                release,
                preview.version,
                ReceiptKind.POSTMORTEM_RELEASED,
                actor,
                decision,
                preview.version.receipt_id,
            )
        return release

    async def disclose(self, command: Disclose, actor: Actor) -> StoredRelease:
        """Show a customer what its copy withholds. Raises ``InvalidInput`` (NOT_WITHHELD) for a place that is not
        withheld from it, that is another customer's, or whose value names another; (WARNINGS) naming what is not
        acknowledged of what would be shown, as ``release`` does.
        """
        async with self._storage.read(_VENDOR) as session:
            asked = await find_release(session, command.release_id)
        decision = await self._may_release(actor, asked.postmortem_id)
        async with self._storage.read(StaffScope()) as reading:
            others = await _others(reading, asked.customer_id)
            people = await names_but_of(reading, asked.customer_id)
        async with self._storage.write(_VENDOR) as session:
            before = await newest_release(session, asked.postmortem_id, asked.version, asked.customer_id)
            if before is None:
                raise NotFound("release")
            offered = _concealed(before, people, others)
            if unknown := sorted(set(command.fields) - offered.keys()):
                raise InvalidInput(
                    f"{unknown[0]!r} is nothing that this customer can be shown",
                    field="fields",
                    code="NOT_WITHHELD",
                )
            _require_acknowledged(
                [warned for place in dict.fromkeys(command.fields) for warned in offered[place]],
                command.acknowledged,
            )
            postmortem = await find_postmortem(session, asked.postmortem_id)
            version = postmortem.versions[asked.version - 1]
            release = before.disclosing(
                command.fields,
                {each.warning: each.reason for each in command.acknowledged},
                id=new_id(),
                by=Person(person_behind(actor), actor.name),
                reason=command.reason,
                at=session.clock.now(),
                receipt_id=new_id(),
            )
            await self._record(
                session,
                release,
                version,
                ReceiptKind.POSTMORTEM_DISCLOSED,
                actor,
                decision,
                before.receipt_id,
            )
        return release

    async def _prepare(
        self, session: ReadSession, postmortem: Postmortem, customer_id: UUID, profile_id: str
    ) -> tuple[Preview, Redacted]:
        version = postmortem.signed
        if version is None:
            raise Conflict("only a signed postmortem is released", code="UNSIGNED")
        content = await find_document(session, postmortem.id, version.number)
        document = parse_json(content)
        concerned = await customers_concerned(session, postmortem.incident_id)
        if document["incident"]["everybody"]:  # signed while it went on, it may name who came later
            await require_there(session, postmortem.incident_id, customer_id)
        key, name = _named(document, customer_id, concerned)
        profile = profile_of(profile_id)
        redacted = redact(document, profile.withhold, key)
        customer = {"id": str(customer_id), "key": key, "name": name}
        copy = copy_body(
            redacted,
            original_sha256=version.sha256,
            customer=customer,
            profile={"id": profile.id, "sha256": profile.sha256},
        )
        others = await _others(session, customer_id)
        people = await names_but_of(session, customer_id)
        warnings = lint(shown_texts(redacted.document), people, others)
        withheld = tuple(each.place for each in redacted.withheld)
        return Preview(version, customer, profile, copy, withheld, warnings), redacted

    async def _record(
        self,
        session: WriteSession,
        release: StoredRelease,
        version: Version,
        kind: ReceiptKind,
        actor: Actor,
        decision: Decision,
        rests_on: UUID,
    ) -> None:
        behind = await receipt_digests(session, VENDOR_ID, rests_on)
        result: dict[str, Any] = {
            "release": str(release.id),
            "postmortem": str(release.postmortem_id),
            "version": str(release.version),
            "customer": str(release.customer_id),
            "revision": str(release.revision),
            "original": version.sha256,
            "copy": release.sha256,
            "profile": {"id": release.profile, "sha256": sha256_hex(release.profile_text.encode())},
            "withheld": str(len(release.withheld) - len(release.disclosed)),
            "disclosed": list(release.disclosed),
            "acknowledged": dict(release.acknowledged),
        }
        await self._ledger.record(
            session,
            Act(
                kind=kind,
                tenant_id=VENDOR_ID,
                actor=actor,
                at=release.at,
                subjects=(Subject(COPY_FILE, release.sha256),),
                predicate=result,
                inputs=tuple(Input(f"receipt/{id_}", sha256) for id_, sha256 in behind.items()),
                policies=decision.policies,
                policy_version=decision.version,
                rationale=release.reason,
            ),
            receipt_id=release.receipt_id,
        )
        await add_release(session, release)
        await session.enqueue(
            Job.ISSUE_POSTMORTEM_COPY,
            {"release": str(release.id)},
            dedupe_key=f"{Job.ISSUE_POSTMORTEM_COPY}/{release.id}",
        )

    async def _may_release(self, actor: Actor, postmortem_id: UUID) -> Decision:
        return await self._gate.require(
            actor, Action.POSTMORTEM_RELEASE, Resource.of_house(NOUN, postmortem_id)
        )


def _concealed(
    release: StoredRelease, people: Collection[str], others: Collection[str]
) -> dict[str, tuple[Warned, ...]]:
    values = {place: Disclosure.parse(release.withheld[place]).value for place in release.concealed(others)}
    return {place: lint(shown_texts(value, place), people, others) for place, value in values.items()}


async def _others(session: ReadSession, customer_id: UUID) -> frozenset[str]:
    """Keys and names of every customer but this one, also of those that have left. In the staff scope."""
    wanted = set(await tenant_ids(session)) - {customer_id, VENDOR_ID}
    known = (await tenants_by_id(session, wanted)).values()
    return frozenset(word for each in known for word in (each.key, each.name))


def _named(document: Mapping[str, Any], customer_id: UUID, concerned: Collection[Tenant]) -> tuple[str, str]:
    """Key and name of a customer that the incident touched.

    One that may have touched everybody did so also where it was not looked at what it cost them: the document
    names whoever was hurt, or whom nobody can clear, and says so; the copy of any other has what concerns all of them.
    """
    for key, each in document["customers"].items():
        if each["id"] == str(customer_id):
            return key, each["name"]
    for tenant in concerned:
        if document["incident"]["everybody"] and tenant.id == customer_id:
            return tenant.key, tenant.name
    raise not_affected()


def _require_acknowledged(warnings: Sequence[Warned], acknowledged: Collection[Acknowledgement]) -> None:
    known = {each.warning for each in acknowledged}
    if standing := [each for each in warnings if each.id not in known]:
        first = standing[0]
        raise InvalidInput(
            f"{len(standing)} warnings are neither mended nor acknowledged; the first, at {first.place}: "
            f"{first.words!r} {first.message}",
            field="acknowledged",
            code="WARNINGS",
        )
