"""What an approver does: sign in, read what is asked for, and approve it as the page shows it.

Where the page wants a signature, the approver enrols a device on the account's page and signs what the
page says, as a browser would.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Self
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from trust_portal.access.approvals.statement import TYPE
from trust_portal.demo.authenticator import Authenticator
from trust_portal.demo.proof import Visitor
from trust_portal.errors import Unavailable
from trust_portal.evidence.assertion import challenge_of
from trust_portal.kernel.actor import Role
from trust_portal.kernel.canonical import Json, canonical, digest

_SAID = re.compile(r'<span data-said="([a-z_.]+)">([^<]*)</span>')
_INTENT = re.compile(r'aria-label="The text that is digested"><code>([^<]*)</code>')
_NEEDS_ONE = "You need a passkey to approve this"
_SIGNS = 'data-passkey="sign"'


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as its page shows it to whoever may read it."""

    request: str
    nonce: str
    expires_at: str
    intent: Mapping[str, Json]

    @classmethod
    def on(cls, page: str) -> Self:
        said = _said(page)
        intent = _INTENT.search(page)
        if intent is None:
            raise Unavailable("the page shows no request", code="NO_DECISION")
        return cls(said["request"], said["nonce"], said["expires_at"], json.loads(unescape(intent[1])))

    @property
    def digest(self) -> str:
        """That of the intent."""
        return digest(self.intent)

    def statement(self, slot: int, role: str, person: tuple[str, str], reason: str) -> dict[str, Json]:
        """What is signed by a ``person`` (id and name) who approves as ``role``."""
        return {
            "type": TYPE,
            "request": self.request,
            "nonce": self.nonce,
            "expires_at": self.expires_at,
            "intent": dict(self.intent),
            "decision": "approve",
            "slot": str(slot),
            "role": role,
            "person": {"id": person[0], "name": person[1]},
            "reason": reason,
        }


@dataclass(frozen=True, slots=True)
class Signed:
    """A decision as it is sent: which place, the digest it names, the reason, and the assertion."""

    slot: int
    digest: str
    reason: str
    assertion: Mapping[str, Json]


@dataclass
class Approvers:
    """The personas who decide, each with a device of their own once they need one. ``url`` is the portal's."""

    url: str
    devices: dict[Role, Authenticator] = field(default_factory=dict)

    async def approve(self, tenant_key: str, request_id: UUID, role: Role, reason: str) -> Signed | None:
        """As the persona with ``role``; what was signed, where the page wants that. Raises ``Unavailable``
        where the page offers no decision, or refuses one.
        """
        path = request_path(tenant_key, request_id)
        async with httpx.AsyncClient(base_url=self.url, timeout=60, trust_env=False) as client:
            visitor = await Visitor.sign_in(client, role)
            page = (await visitor.fetch(path)).decode()
            if _NEEDS_ONE in page or (_SIGNS in page and role not in self.devices):
                await self.device(visitor, role)
                page = (await visitor.fetch(path)).decode()
            shown = re.search(r'name="digest" value="([0-9a-f]{64})"', page)
            if shown is None:
                raise Unavailable(f"{path} offers no decision to {role.value}", code="NO_DECISION")
            form = {"digest": shown[1], "reason": reason}
            signed = self._signed(page, role, reason) if _SIGNS in page else None
            if signed is not None:
                form |= {"slot": str(signed.slot), "assertion": json.dumps(dict(signed.assertion))}
            await visitor.submit(f"{path}/approve", **form)
            return signed

    async def device(self, visitor: Visitor, role: Role) -> Authenticator:
        """The device of the persona with ``role``, who is the ``visitor``; enrolled if it is the first time."""
        if role not in self.devices:
            self.devices[role] = await self._enrol(visitor)
        return self.devices[role]

    async def _enrol(self, visitor: Visitor) -> Authenticator:
        page = await visitor.answer("/account/passkeys/begin", name="Device of the demo")
        options = json.loads(_attribute(page, "data-options"))
        parts = urlsplit(self.url)
        device = Authenticator(options["rp"]["id"], f"{parts.scheme}://{parts.netloc}")
        ceremony = re.search(r'name="ceremony" value="([0-9a-f-]{36})"', page)
        if ceremony is None:
            raise Unavailable("the page asks for no passkey", code="NO_ENROLMENT")
        await visitor.submit("/account/passkeys", ceremony=ceremony[1], credential=device.create(options))
        return device

    def _signed(self, page: str, role: Role, reason: str) -> Signed:
        said = _said(page)
        slot = re.search(r'name="slot" value="([1-9])"', page)
        if slot is None:
            raise Unavailable(f"the page has nothing for {role.value} to sign", code="NO_DECISION")
        place = int(slot[1])
        as_role = _attribute(page, "data-roles").split()[place - 1]
        person = said["person.id"], said["person.name"]
        asked = Asked.on(page)
        assertion = self.devices[role].sign(
            challenge_of(canonical(asked.statement(place, as_role, person, reason)))
        )
        return Signed(place, asked.digest, reason, assertion.json())


def request_path(tenant_key: str, request_id: UUID) -> str:
    return f"/t/{tenant_key}/approvals/{request_id}"


def _said(page: str) -> dict[str, str]:
    """What the page shows and marks as part of what is signed."""
    return {name: unescape(text) for name, text in _SAID.findall(page)}


def _attribute(page: str, name: str) -> str:
    found = re.search(rf'{name}="([^"]*)"', page)
    if found is None:
        raise Unavailable(f"the page has no {name}", code="NO_DECISION")
    return unescape(found[1])
