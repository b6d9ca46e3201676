"""What people do about Trust Reports, through the services."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from support.passkeys import Devices

from trust_portal.access.actors import CONSOLE
from trust_portal.access.people.model import AddPerson, GrantRole
from trust_portal.evidence.export import Export, ExportState
from trust_portal.evidence.policy_file import Policy
from trust_portal.house import House
from trust_portal.kernel.actor import SYSTEM, Actor, ActorKind, Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.reliability.credits.model import IssueCredit, ProposeCredit
from trust_portal.reliability.credits.record import StoredCredit
from trust_portal.storage.tenancy import TenantScope
from trust_portal.trust.report.model import (
    KIND,
    Acknowledgement,
    PublishTrustReport,
    StoredTrustReport,
    blocked_as,
)

Q2 = "2026-Q2"
CORA = Actor(
    ActorKind.PERSON,
    UUID("00000000-0000-7000-8000-00000000c0ca"),
    "Cora",
    VENDOR_ID,
    frozenset({Role.CSM}),
    person_id=UUID("00000000-0000-7000-8000-00000000c0ca"),
)


async def acknowledged(house: House, tenant_id: UUID, period: str = Q2) -> tuple[Acknowledgement, ...]:
    """Everything that blocks now, let stand."""
    found = await house.trust_reports.preview(CONSOLE, tenant_id, period)
    return tuple(
        Acknowledgement(each.id, f"we know that of {each.title.lower()}", blocked_as(each))
        for each in found.blocking
    )


async def publish(
    house: House, tenant_id: UUID, *, period: str = Q2, reason: str | None = None, actor: Actor = CONSOLE
) -> StoredTrustReport:
    command = PublishTrustReport(tenant_id, period, await acknowledged(house, tenant_id, period), reason)
    return await house.trust_reports.publish(command, actor)


async def bundle_of(house: House, report: StoredTrustReport) -> tuple[Export, bytes]:
    """The bundle, built now; somebody sequences."""
    async with house.storage.write(TenantScope(report.tenant_id)) as session:
        asked = await house.exports.request(
            session,
            kind=KIND,
            tenant_id=report.tenant_id,
            subject_id=report.id,
            revision=report.revision,
            actor=CONSOLE,
        )
    built = await house.exports.build(report.tenant_id, asked.id)
    assert built.state is ExportState.READY, built.failure
    async with house.storage.read(TenantScope(report.tenant_id)) as session:
        return built, (await house.exports.artefact(session, report.tenant_id, built.id)).content


async def trust_of(house: House, tenant_id: UUID) -> Policy:
    return Policy.parse((await house.archive.trust_policy(CORA, tenant_id)).encode())


async def stored(house: House, tenant_id: UUID) -> tuple[object, ...]:
    """Everything that could have changed, to compare before and after."""
    async with house.storage.read(TenantScope(tenant_id)) as session:
        found = []
        for table in ("trust_reports", "receipts", "exports", "notifications"):
            rows = await session.execute(
                text(f"SELECT * FROM {table} WHERE tenant_id = :t"),
                {"t": tenant_id},
            )
            found.append(sorted(repr(row) for row in rows))
    return tuple(found)


async def credited(house: House, tenant_id: UUID, period: str = "2026-06") -> StoredCredit:
    """What the signed report comes to, proposed, approved by two and issued."""
    olive, fay, rob, finn = [
        await _person(house, name, role)
        for name, role in (
            ("olive", Role.SRE_OPERATOR),
            ("fay", Role.APPROVER_FINANCE),
            ("rob", Role.APPROVER_RELIABILITY),
            ("finn", Role.FINOPS_OPERATOR),
        )
    ]
    proposal = ProposeCredit(tenant_id, period, None, "the report says so")
    credit = await house.credit_proposals.propose(proposal, olive)
    request = (await house.credits.approval(SYSTEM, credit)).request
    devices = Devices(house)
    for each in (fay, rob):
        await devices.approve(request, each, f"{each.name} looked at it")
    await house.credit_decisions.approval_settled(tenant_id, request.id)
    issue = IssueCredit(tenant_id, credit.id, "CN-2026-0017", credit.amount.decimal)
    return await house.credit_issues.issue(issue, finn)


async def _person(house: House, name: str, role: Role) -> Actor:
    person = await house.people.add(AddPerson(VENDOR_ID, f"{name}@vendor.example", name.title()), CONSOLE)
    await house.people.grant(GrantRole(VENDOR_ID, person.id, role, None), CONSOLE)
    return (await house.people.get(CONSOLE, VENDOR_ID, person.id)).as_actor()
