"""What an approver does: sign in, read what is asked for, and approve it as the page shows it."""

from __future__ import annotations

import re
from uuid import UUID

import httpx

from trust_portal.demo.proof import Visitor
from trust_portal.errors import Unavailable
from trust_portal.kernel.actor import Role


def request_path(tenant_key: str, request_id: UUID) -> str:
    return f"/t/{tenant_key}/approvals/{request_id}"


async def approve(url: str, tenant_key: str, request_id: UUID, role: Role, reason: str) -> None:
    """As the persona with ``role``. Raises ``Unavailable`` where the page offers no decision, or refuses one."""
    path = request_path(tenant_key, request_id)
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        visitor = await Visitor.sign_in(client, role)
        page = (await visitor.fetch(path)).decode()
        digest = re.search(r'name="digest" value="([0-9a-f]{64})"', page)
        if digest is None:
            raise Unavailable(f"{path} offers no decision to {role.value}", code="NO_DECISION")
        await visitor.submit(f"{path}/approve", digest=digest[1], reason=reason)
