"""Bundles asked for by hand: one that failed, and one of an old version that says by what it was superseded.

Every signature and every copy asks for its bundle by itself. The bundle that came with its signature stays as it is, and verifies: nothing that was handed out changes. The
one made anew is an export of its own, whose subject is the signature of the version that counts now.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.errors import Conflict, NotFound
from trust_portal.evidence.export import Export
from trust_portal.evidence.exports import Exports
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.postmortems.model import COPY_KIND, COPY_NOUN, KIND, NOUN
from trust_portal.learning.postmortems.releases_repository import find_copy
from trust_portal.learning.postmortems.repository import find_postmortem
from trust_portal.learning.postmortems.versions_repository import signed_by
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

_VENDOR: Final = TenantScope(VENDOR_ID)


class PostmortemBundles:
    def __init__(self, storage: Storage, gate: Gate, exports: Exports) -> None:
        self._storage = storage
        self._gate = gate
        self._exports = exports

    async def of_version(self, actor: Actor, receipt_id: UUID) -> Export:
        """Of the version whose signature that is: the one there is, or a new beginning where it failed.

        ``NotFound`` where nothing was signed by it.
        """
        async with self._storage.write(_VENDOR) as session:
            found = await signed_by(session, receipt_id)
            await self._may_ask(actor, Resource.of_house(NOUN, None if found is None else found[0]))
            if found is None:
                raise NotFound("signed version")
            return await self._exports.request(
                session,
                kind=KIND,
                tenant_id=VENDOR_ID,
                subject_id=found[0],
                revision=found[1],
                actor=actor,
            )

    async def of_copy(self, actor: Actor, tenant_id: UUID, copy_id: UUID) -> Export:
        """Of a customer's copy, as ``of_version``; ``NotFound`` where the customer has none like that."""
        await self._may_ask(actor, Resource(COPY_NOUN, tenant_id, copy_id))
        async with self._storage.write(TenantScope(tenant_id)) as session:
            copy = await find_copy(session, tenant_id, copy_id)
            return await self._exports.request(
                session,
                kind=COPY_KIND,
                tenant_id=tenant_id,
                subject_id=copy.id,
                revision=copy.revision,
                actor=actor,
            )

    async def renew(self, actor: Actor, postmortem_id: UUID, number: int) -> Export:
        """Ask for it; there is one for each version that came to count since. Its manifest is its receipt.

        Raises ``NotFound`` for a version that nobody signed, ``Conflict`` (NOT_SUPERSEDED) for the one that counts.
        """
        await self._gate.require(actor, Action.POSTMORTEM_WRITE, Resource.of_house(NOUN, postmortem_id))
        async with self._storage.write(_VENDOR) as session:
            postmortem = await find_postmortem(session, postmortem_id)
            version = next((each for each in postmortem.versions if each.number == number), None)
            if version is None:
                raise NotFound("signed version")
            if version.superseded_by is None:
                raise Conflict(
                    "this version counts: its bundle came with the signature", code="NOT_SUPERSEDED"
                )
            return await self._exports.request(
                session,
                kind=KIND,
                tenant_id=VENDOR_ID,
                subject_id=postmortem.versions[-1].receipt_id,
                revision=number,
                actor=actor,
            )

    async def _may_ask(self, actor: Actor, resource: Resource) -> None:
        await self._gate.require(actor, Action.EXPORT_REQUEST, resource)
