"""What an approver does: sign in, read what is asked for, and approve it as the page shows it.

Where the page wants a signature, the approver enrols a device on the account's page and signs what the
page says, as a browser would.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from trust_portal.access.approvals.statement import TYPE
from trust_portal.demo.authenticator import Authenticator
from trust_portal.demo.proof import Visitor
from trust_portal.errors import Unavailable
from trust_portal.evidence.assertion import challenge_of
from trust_portal.kernel.actor import Role
from trust_portal.kernel.canonical import Json, canonical

_SAID = re.compile(r'<span data-said="([a-z_.]+)">([^<]*)</span>')
_NEEDS_ONE = "You need a passkey to approve this"


@dataclass
class Approvers:
    """The personas who decide, each with a device of their own once they need one. ``url`` is the portal's."""

    url: str
    devices: dict[Role, Authenticator] = field(default_factory=dict)

    async def approve(self, tenant_key: str, request_id: UUID, role: Role, reason: str) -> None:
        """As the persona with ``role``. Raises ``Unavailable`` where the page offers no decision, or refuses one."""
        path = request_path(tenant_key, request_id)
        async with httpx.AsyncClient(base_url=self.url, timeout=60, trust_env=False) as client:
            visitor = await Visitor.sign_in(client, role)
            page = (await visitor.fetch(path)).decode()
            if _NEEDS_ONE in page:
                self.devices[role] = await self._enrol(visitor)
                page = (await visitor.fetch(path)).decode()
            digest = re.search(r'name="digest" value="([0-9a-f]{64})"', page)
            if digest is None:
                raise Unavailable(f"{path} offers no decision to {role.value}", code="NO_DECISION")
            form = {"digest": digest[1], "reason": reason}
            if 'data-passkey="sign"' in page:
                form |= self._signed(page, role, reason)
            await visitor.submit(f"{path}/approve", **form)

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

    def _signed(self, page: str, role: Role, reason: str) -> dict[str, str]:
        said = {name: unescape(text) for name, text in _SAID.findall(page)}
        intent = re.search(r'aria-label="The text that is digested"><code>([^<]*)</code>', page)
        slot = re.search(r'name="slot" value="([1-9])"', page)
        device = self.devices.get(role)
        if intent is None or slot is None or device is None:
            raise Unavailable(f"the page has nothing for {role.value} to sign", code="NO_DECISION")
        statement: dict[str, Json] = {
            "type": TYPE,
            "request": said["request"],
            "nonce": said["nonce"],
            "expires_at": said["expires_at"],
            "intent": json.loads(unescape(intent[1])),
            "decision": "approve",
            "slot": slot[1],
            "role": _attribute(page, "data-roles").split()[int(slot[1]) - 1],
            "person": {"id": said["person.id"], "name": said["person.name"]},
            "reason": reason,
        }
        assertion = device.sign(challenge_of(canonical(statement)))
        return {"slot": slot[1], "assertion": json.dumps(dict(assertion.json()))}


def request_path(tenant_key: str, request_id: UUID) -> str:
    return f"/t/{tenant_key}/approvals/{request_id}"


def _attribute(page: str, name: str) -> str:
    found = re.search(rf'{name}="([^"]*)"', page)
    if found is None:
        raise Unavailable(f"the page has no {name}", code="NO_DECISION")
    return unescape(found[1])
