"""What a missed promise earns: proposed from the signed report, signed by two, issued by a third, proved.

What is no approval is tried in between; the last attempt needs a week to pass, and is told then.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import httpx

from trust_portal.access.sign_in.personas import persona_with
from trust_portal.access.tenants.model import Tenant
from trust_portal.demo import proof
from trust_portal.demo.approving import Approvers, Signed, request_path
from trust_portal.demo.patience import patience
from trust_portal.demo.place import Place
from trust_portal.demo.refusals import Refusals, Wanted
from trust_portal.demo.scene import BRIGHTWATER, HOSHINO
from trust_portal.errors import Unavailable
from trust_portal.kernel.actor import SYSTEM, Role
from trust_portal.reliability.credits.model import OPEN, CreditState
from trust_portal.reliability.credits.record import StoredCredit
from trust_portal.reliability.credits.words import role_of

_PATIENCE: Final = 120.0
_FINANCE, _RELIABILITY, _OPERATOR, _ISSUER = (
    Role.APPROVER_FINANCE,
    Role.APPROVER_RELIABILITY,
    Role.SRE_OPERATOR,
    Role.FINOPS_OPERATOR,
)
_REASONS: Final = {
    _FINANCE: "480.00 is a tenth of the fee, as the contract says",
    _RELIABILITY: "70 minutes count; the rollback is in the timeline",
}
MEMO_QUERY: Final = """
query ($key: String!, $period: String!) {
  tenant(key: $key) {
    credits(first: 1, period: $period, state: ISSUED) {
      edges { node { amount currency reference export { state failure fileName sha256 downloadUrl } } }
    }
  }
}
"""


class CreditStory:
    """``play`` is the whole of it but the end, ``too_late`` and ``left_open``, for which the clock has to be moved."""

    def __init__(self, place: Place, approvers: Approvers, month: str, folder: Path) -> None:
        self._at = place
        self._tell = place.tell
        self._approvers = approvers
        self._refusals = Refusals(place, approvers)
        self._month = month
        self._folder = folder
        self._held_back: tuple[Wanted, Signed] | None = None

    async def play(self) -> None:
        """With data of an earlier run, what was decided then is told, and not decided again."""
        credit = await self._proposed()
        if credit.state in OPEN:
            await self._decided(credit)
        await self._memo()

    async def too_late(self) -> None:
        """More than a week has passed: the request is over, and with it what was signed for it."""
        if self._held_back is None:
            return
        wanted, signed = self._held_back
        await self._at.time.quiet()
        await self._refusals.too_late(wanted, _RELIABILITY, signed)
        credit = await self._at.house.credits.get(SYSTEM, wanted.tenant.id, wanted.credit_id)
        self._tell.step(
            "Too late",
            *self._told_of_refusals(since=-1),
            f"the credit of {wanted.tenant.key} is {credit.state.value}; it can be proposed again",
            url=f"{self._at.url}/t/{wanted.tenant.key}/credits/{wanted.credit_id}",
        )

    async def left_open(self) -> None:
        """The lapsed credit is asked for again, and waits for whoever looks around after the story."""
        wanted = await self._asked_for(self._at.tenants[HOSHINO.key])
        self._tell.step(
            "For you",
            f"the credit of {wanted.tenant.key} is asked for again, and waits for two people",
            f"sign in as {persona_with(_FINANCE).name} or {persona_with(_RELIABILITY).name}: it is what Approvals opens with",
            url=self._at.url + request_path(wanted.tenant.key, wanted.request_id),
        )

    async def _proposed(self) -> StoredCredit:
        """The contract has credits proposed as soon as the report is signed."""
        tenant = self._at.tenants[BRIGHTWATER.key]
        await self._at.time.quiet()
        (credit, *_) = await self._at.house.credits.of_period(SYSTEM, tenant.id, self._month)
        self._tell.step(
            "Credit",
            f"{credit.amount.decimal} {credit.amount.currency} for {self._month}, proposed by {credit.proposer}",
            credit.reason,
            "computed from the signed report and the contract it names; nobody can type an amount",
            url=self._url_of(tenant, credit),
        )
        return credit

    async def _decided(self, credit: StoredCredit) -> None:
        """Two people sign it, and whatever else is sent as an approval is refused."""
        tenant, other = self._at.tenants[BRIGHTWATER.key], self._at.tenants[HOSHINO.key]
        wanted = Wanted(tenant, credit.id, credit.request_id)
        second = await self._asked_for(other)
        refusals = self._refusals
        await refusals.edited_amount(wanted, _FINANCE, "4800.00")
        first = await self._approve(wanted, _FINANCE)
        await refusals.twice(wanted, _FINANCE, _RELIABILITY)
        await refusals.replayed(second, _FINANCE, first)
        await refusals.own_request(second, _OPERATOR, _RELIABILITY)
        await self._approve(wanted, _RELIABILITY)
        self._held_back = second, await refusals.hold_back(second, _RELIABILITY)
        credit = await self._settled(credit)
        self._tell.step(
            "Two people sign",
            *(
                f"{persona_with(role).name} approves {role_of(role.value)}, with a passkey: “{reason}”"
                for role, reason in _REASONS.items()
            ),
            url=self._at.url + request_path(tenant.key, credit.request_id),
        )
        self._tell.step(
            "Refused",
            *self._told_of_refusals(),
            "nothing changed by any of it: no state of a credit, no receipt",
            url=f"{self._at.url}/t/{second.tenant.key}/approvals/{second.request_id}",
        )
        await self._issued(credit)

    async def _asked_for(self, tenant: Tenant) -> Wanted:
        """A second credit, whose contract leaves it to people to propose it."""
        known = await self._at.house.credits.of_period(SYSTEM, tenant.id, self._month)
        if not any(each.state in OPEN for each in known):
            async with self._browser() as client:
                operator = await proof.Visitor.sign_in(client, _OPERATOR)
                reason = "Search was slow for three hours"
                await operator.submit(f"/t/{tenant.key}/credits", period=self._month, reason=reason)
        *_, credit = await self._at.house.credits.of_period(SYSTEM, tenant.id, self._month)
        return Wanted(tenant, credit.id, credit.request_id)

    async def _approve(self, wanted: Wanted, role: Role) -> Signed:
        reason = _REASONS[role]
        signed = await self._approvers.approve(wanted.tenant.key, wanted.request_id, role, reason)
        if signed is None:
            raise Unavailable("a credit was approved without a signature", code="NOT_SIGNED")
        return signed

    async def _issued(self, credit: StoredCredit) -> None:
        """Somebody who neither asked nor approved books it, and says under which reference."""
        tenant, reference = self._at.tenants[BRIGHTWATER.key], f"CN-{self._month}-0417"
        async with self._browser() as client:
            issuer = await proof.Visitor.sign_in(client, _ISSUER)
            await issuer.submit(
                f"/t/{tenant.key}/credits/{credit.id}/issue",
                reference=reference,
                amount=credit.amount.decimal,
            )
        self._tell.step(
            "Issued",
            f"{persona_with(_ISSUER).name}, who neither asked nor approved, books it as {reference}",
            url=self._url_of(tenant, credit),
        )

    async def _memo(self) -> None:
        """The customer fetches the memo, and checks it on their own."""
        tenant = self._at.tenants[BRIGHTWATER.key]
        self._tell.waiting("The memo is being made")
        async with self._browser() as client:
            viewer = await proof.Visitor.sign_in(client, Role.CUSTOMER_VIEWER)

            async def look() -> dict[str, Any]:
                asked = {"key": tenant.key, "period": self._month}
                (found,) = (await proof.ask(viewer.client, MEMO_QUERY, **asked))["tenant"]["credits"]["edges"]
                node: dict[str, Any] = found["node"]
                return node

            memo = await proof.finished_export(look)
        fetched = await proof.fetch_bundle(self._at.url, tenant.key, memo["export"], self._folder)
        verdict = await proof.verified(fetched)
        signed = [each for each in verdict.proved if "signed with passkeys" in each]
        if not signed:
            raise Unavailable("the memo proves no signature", code="NOT_VERIFIED")
        self._tell.step(
            "Memo",
            f"{fetched.archive.name}: verified, offline, as {memo['reference']}",
            *(f"✓ {each}" for each in signed),
            f"trust-portal verify {fetched.archive} --policy {fetched.policy} --recompute",
            url=memo["export"]["downloadUrl"],
        )

    async def _settled(self, credit: StoredCredit) -> StoredCredit:
        """Once the credit knows of its approvals."""
        async with patience(_PATIENCE, "the approval of the credit"):
            while True:
                await self._at.time.quiet()
                credit = await self._reload(credit)
                if credit.state is not CreditState.PROPOSED:
                    return credit

    def _told_of_refusals(self, since: int = 0) -> list[str]:
        return [f"{each.who} {each.what}: {each.code}" for each in self._refusals.attempts[since:]]

    async def _reload(self, credit: StoredCredit) -> StoredCredit:
        return await self._at.house.credits.get(SYSTEM, credit.tenant_id, credit.id)

    def _url_of(self, tenant: Tenant, credit: StoredCredit) -> str:
        return f"{self._at.url}/t/{tenant.key}/credits/{credit.id}"

    def _browser(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self._at.url, timeout=60, trust_env=False)
