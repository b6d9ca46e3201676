"""A bundle of an old version made anew, so that it says by what it was superseded.

The bundle that came with its signature stays as it is, and verifies: nothing that was handed out changes. The
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
from trust_portal.learning.postmortems.model import KIND, NOUN
from trust_portal.learning.postmortems.repository import find_postmortem
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage

_VENDOR: Final = TenantScope(VENDOR_ID)


class PostmortemBundles:
    def __init__(self, storage: Storage, gate: Gate, exports: Exports) -> None:
        self._storage = storage
        self._gate = gate
        self._exports = exports

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
