"""What is no approval, tried by people and programs at the same doors: each is refused, by a name of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import httpx

from trust_portal.access.tenants.model import Tenant
from trust_portal.demo import cast
from trust_portal.demo.approving import Approvers, Asked, Signed, request_path
from trust_portal.demo.place import Place
from trust_portal.demo.proof import Visitor, ask
from trust_portal.errors import Unavailable
from trust_portal.evidence.assertion import challenge_of
from trust_portal.kernel.actor import SYSTEM, Role
from trust_portal.kernel.canonical import Json, canonical
from trust_portal.kernel.page import PageRequest

_REQUESTS: Final = """
query ($key: String!) {
  tenant(key: $key) { approvalRequests(first: 20, kind: CREDIT) { edges { node { id intentSha256 } } } }
}
"""
_APPROVE: Final = """
mutation ($input: ApproveRequestInput!) { approveRequest(input: $input) { userErrors { code } } }
"""


_THEIRS: Final = ("approval.", "credit.")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A credit that waits for approval, and its request."""

    tenant: Tenant
    credit_id: UUID
    request_id: UUID


@dataclass(frozen=True, slots=True)
class Attempt:
    """``who`` tries ``what`` and is told ``code``."""

    who: str
    what: str
    code: str


class Refusals:
    """``attempts`` are those that were refused so far, in order. One that is not raises ``Unavailable``."""

    def __init__(self, place: Place, approvers: Approvers) -> None:
        self._at = place
        self._approvers = approvers
        self.attempts: list[Attempt] = []

    async def edited_amount(self, wanted: Wanted, role: Role, amount: str) -> None:
        """Another amount than was asked for: digest and signature are of that other amount."""
        async with self._signed_in(role) as visitor:
            asked = await self._asked(visitor, wanted)
            edited = Asked(asked.request, asked.nonce, asked.expires_at, _with_amount(asked.intent, amount))
            signed = await self._sign(visitor, edited, role, 1, role, "It may as well be more")
            await self._refused(visitor, wanted, signed, role, f"approves {amount} instead")

    async def twice(self, wanted: Wanted, role: Role, also_as: Role) -> None:
        """Somebody who has approved already fills the other place as well."""
        async with self._signed_in(role) as visitor:
            asked = await self._asked(visitor, wanted)
            signed = await self._sign(visitor, asked, role, 2, also_as, "And for the other place")
            await self._refused(visitor, wanted, signed, role, "approves a second time")

    async def replayed(self, wanted: Wanted, role: Role, signed: Signed) -> None:
        """A signature that was given for another request."""
        async with self._signed_in(role) as visitor:
            asked = await self._asked(visitor, wanted)
            again = Signed(signed.slot, asked.digest, signed.reason, signed.assertion)
            await self._refused(visitor, wanted, again, role, "sends the approval of the other credit again")

    async def own_request(self, wanted: Wanted, role: Role, given: Role) -> None:
        """Whoever asked approves, with the role for it; and then a token of theirs does."""
        person = await self._at.person(role)
        async with self._holding(person.id, given), self._signed_in(role) as visitor:
            asked = await self._asked(visitor, wanted)
            signed = await self._sign(visitor, asked, role, 2, given, "It was me who asked")
            await self._refused(
                visitor, wanted, signed, role, f"approves what he asked for, as {_word(given)}"
            )
            token = await cast.operating_token(self._at.house, role)
            await self._refused(visitor, wanted, signed, role, "has a token approve it", token=token)

    async def hold_back(self, wanted: Wanted, role: Role) -> Signed:
        """Somebody signs an approval, and does not send it yet."""
        async with self._signed_in(role) as visitor:
            asked = await self._asked(visitor, wanted)
            return await self._sign(visitor, asked, role, 2, role, "The report says so")

    async def too_late(self, wanted: Wanted, role: Role, signed: Signed) -> None:
        """What was signed in time and is sent when the request is over."""
        async with self._signed_in(role) as visitor:
            await self._refused(visitor, wanted, signed, role, "sends only now what was signed in time")

    async def _refused(
        self,
        visitor: Visitor,
        wanted: Wanted,
        signed: Signed,
        role: Role,
        what: str,
        token: str | None = None,
    ) -> None:
        await self._at.time.quiet()
        before = await self._standing(wanted)
        code = await self._send(visitor, wanted, signed, token)
        await self._at.time.quiet()
        if await self._standing(wanted) != before:
            raise Unavailable(f"refused as {code}, and yet something changed", code="SOMETHING_CHANGED")
        person = await self._at.person(role)
        self.attempts.append(Attempt(person.name, what, code))

    async def _send(self, visitor: Visitor, wanted: Wanted, signed: Signed, token: str | None) -> str:
        """How it is refused. A token comes with no cookie."""
        key, client = wanted.tenant.key, visitor.client
        asked = await self._asked(visitor, wanted)
        listed = (await ask(client, _REQUESTS, key=key))["tenant"]["approvalRequests"]["edges"]
        request = next(each["node"]["id"] for each in listed if each["node"]["intentSha256"] == asked.digest)
        command = {
            "approvalRequestId": request,
            "intentSha256": signed.digest,
            "reason": signed.reason,
            "slot": signed.slot,
            "assertion": dict(signed.assertion),
        }
        answer = await client.post(
            "/graphql",
            json={"query": _APPROVE, "variables": {"input": command}},
            headers={} if token is None else {"authorization": f"Bearer {token}"},
        )
        code = _code(answer.json())
        if code is None:
            raise Unavailable(f"an approval that must not count was taken: {answer.text}", code="TAKEN")
        return code

    async def _standing(self, wanted: Wanted) -> tuple[str, int]:
        """The credit's state, and how many receipts its customer has of approvals and credits: the clockwork goes
        on meanwhile, and what it writes down is none of theirs.
        """
        house, tenant = self._at.house, wanted.tenant
        credit = await house.credits.get(SYSTEM, tenant.id, wanted.credit_id)
        reader, count, cursor = await self._at.person(Role.SRE_OPERATOR), 0, None
        while True:
            page = await house.archive.receipts(reader, tenant.id, PageRequest(100, cursor))
            count += sum(each.kind.startswith(_THEIRS) for each in page.items)
            if not page.has_next:
                return credit.state.value, count
            cursor = page.cursors[-1]

    async def _asked(self, visitor: Visitor, wanted: Wanted) -> Asked:
        page = await visitor.fetch(request_path(wanted.tenant.key, wanted.request_id))
        return Asked.on(page.decode())

    async def _sign(
        self, visitor: Visitor, asked: Asked, role: Role, slot: int, as_role: Role, reason: str
    ) -> Signed:
        device = await self._approvers.device(visitor, role)
        person = await self._at.person(role)
        statement = asked.statement(slot, as_role.value, (str(person.id), person.name), reason)
        return Signed(slot, asked.digest, reason, device.sign(challenge_of(canonical(statement))).json())

    @asynccontextmanager
    async def _signed_in(self, role: Role) -> AsyncIterator[Visitor]:
        async with httpx.AsyncClient(base_url=self._at.url, timeout=60, trust_env=False) as client:
            yield await Visitor.sign_in(client, role)

    @asynccontextmanager
    async def _holding(self, person_id: UUID, role: Role) -> AsyncIterator[None]:
        """The vendor's administrator gives somebody a role, and takes it back."""
        async with self._signed_in(Role.VENDOR_ADMIN) as admin:
            path = f"/t/vendor/people/{person_id}/roles"
            await admin.submit(path, role=role.value)
            yield
            await admin.submit(path, role=role.value, revoke="1")


def _with_amount(intent: Mapping[str, Json], amount: str) -> Mapping[str, Json]:
    lines: Any = intent["act"]
    return {
        **intent,
        "act": [{**each, "value": amount} if each["label"] == "Amount" else each for each in lines],
    }


def _code(answer: Mapping[str, Any]) -> str | None:
    """By which name GraphQL refuses: a request among the user's errors, a caller by an error."""
    for error in answer.get("errors", ()):
        return str(error["extensions"]["code"])
    refused: Sequence[Mapping[str, str]] = answer["data"]["approveRequest"]["userErrors"]
    return refused[0]["code"] if refused else None


def _word(role: Role) -> str:
    return role.value.removeprefix("approver_")
