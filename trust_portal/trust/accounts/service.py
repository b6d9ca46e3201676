"""Accounts: said by CSMs, read as one list with how ready each review is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.people.model import Person
from trust_portal.access.people.repository import find_active_person, holders
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import active_customers, find_tenant
from trust_portal.errors import InvalidInput, NotFound
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import SYSTEM, Actor, Role
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import Page, PageRequest, page_of
from trust_portal.kernel.period import parse_period
from trust_portal.reliability.reports.repository import heads_changed_since
from trust_portal.storage.outbox import Job
from trust_portal.storage.rounds import Round, Rounds
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage
from trust_portal.trust.accounts.model import (
    KEPT,
    NOUN,
    Account,
    AccountSettings,
    SetAccount,
)
from trust_portal.trust.accounts.moved import may_have_moved
from trust_portal.trust.accounts.readiness import (
    account_of,
    is_due,
    is_near,
    may_be_superseded,
    superseded_among,
)
from trust_portal.trust.accounts.repository import add_settings, all_settings, settings_of
from trust_portal.trust.qbr.document import sections_in
from trust_portal.trust.qbr.model import Qbr
from trust_portal.trust.qbr.obstacles import obstacles_of
from trust_portal.trust.qbr.repository import (
    find_qbr,
    left_out_of,
    newest_qbrs,
    of_another_format,
    qbrs_of,
    spoken_of,
)
from trust_portal.trust.qbr.standing import is_superseded
from trust_portal.trust.qbr.telling import announce_old
from trust_portal.trust.report.repository import published_of

#: What was recorded so long before a draft was gathered may have been under way then, and is looked at.
_UNDER_WAY: Final = timedelta(hours=1)


class Accounts:
    """Every customer in service is an account, whether somebody looks after it or not."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log
        self._rounds = Rounds(storage)
        #: Drafts of which this process knows that their age was told.
        self._told: set[UUID | None] = set()

    async def list(self, actor: Actor) -> tuple[Account, ...]:
        """By the day of the next review; those without one behind, by key."""
        await self._gate.require(actor, Action.ALL_ACCOUNTS_READ, Resource.of_house("list of accounts"))
        async with self._storage.read(StaffScope(), snapshot=True) as session:
            tenants = await active_customers(session)
            settings = await all_settings(session)
            reviews, spoken = await newest_qbrs(session), await spoken_of(session)
            now = self._storage.clock.now()
            accounts = [(each, settings.get(each.id, AccountSettings(each.id))) for each in tenants]
            drafts = await _drafts(session, accounts, reviews)
            superseded = await _superseded(session, drafts, tenants, now)
            left_out = await left_out_of(session, {each.period for each in drafts})
        reviews = {**reviews, **{(each.tenant_id, each.period): each for each in drafts}}
        found = [account_of(*each, reviews, now, spoken, superseded, left_out) for each in accounts]
        ids = [each.id for each in tenants]
        await self._access_log.trace(actor, ids, Access(Verb.READ, NOUN, "", "list of accounts"))
        return tuple(sorted(found, key=_place))

    async def page(self, actor: Actor, asked: PageRequest) -> Page[Account]:
        """A page of ``list``."""
        return page_of(await self.list(actor), _place, asked)

    async def ask_due(self) -> int:
        """Have each QBR prepared whose review is near; how many were asked for. A job waits only once."""
        today, accounts = self._storage.clock.now().date(), await self.list(SYSTEM)
        due = {each.tenant.id: each.settings.quarter for each in accounts if is_due(each, today)}
        await self._rounds.settle(Round.PREPARE_QBR, due)
        held = await self._rounds.held_back(Round.PREPARE_QBR)
        asked = {
            tenant_id: quarter for tenant_id, quarter in due.items() if quarter and tenant_id not in held
        }
        if asked:
            async with self._storage.write(TenantScope(VENDOR_ID)) as session:
                for tenant_id, quarter in asked.items():
                    arguments = {"tenant": str(tenant_id), "period": quarter}
                    key = f"{Job.PREPARE_QBR}/{tenant_id}/{quarter}"
                    await session.enqueue(Job.PREPARE_QBR, arguments, dedupe_key=key)
        await self._tell_old(
            {
                each.tenant.id: each
                for each in accounts
                if each.is_old and not each.is_daily and is_near(each, today)
            }
        )
        return len(asked)

    async def _tell_old(self, accounts: Mapping[UUID, Account]) -> None:
        """Of drafts that somebody works on, and that have grown old meanwhile: each is told of once."""
        waiting = {id_: each for id_, each in accounts.items() if each.qbr_id not in self._told}

        async def tell(tenant_id: UUID) -> None:
            account = waiting[tenant_id]
            async with self._storage.write(TenantScope(tenant_id)) as session:
                known = await qbrs_of(session, tenant_id, account.settings.quarter)
                for each in known:
                    if each.id == account.qbr_id:
                        await announce_old(session, account.tenant, each, account.settings)
            self._told.add(account.qbr_id)

        await self._rounds.one_by_one(Round.PREPARE_QBR, tuple(waiting), tell)

    async def get(self, actor: Actor, tenant_id: UUID) -> AccountSettings:
        await self._gate.require(actor, Action.ALL_ACCOUNTS_READ, Resource(NOUN, tenant_id))
        async with self._storage.read(StaffScope()) as session:
            found = await settings_of(session, tenant_id)
        await self._access_log.looked(actor, tenant_id, NOUN, purpose="business review")
        return found

    async def look(self, actor: Actor, tenant_id: UUID) -> Account:
        """One, with how ready its review is. ``NotFound`` for no customer."""
        await self._gate.require(actor, Action.ALL_ACCOUNTS_READ, Resource(NOUN, tenant_id))
        async with self._storage.read(StaffScope(), snapshot=True) as session:
            tenant = await find_tenant(session, tenant_id)
            if tenant is None or tenant.is_vendor:
                raise NotFound("tenant")
            settings, reviews = await settings_of(session, tenant_id), await newest_qbrs(session, tenant_id)
            now = self._storage.clock.now()
            drafts = await _drafts(session, [(tenant, settings)], reviews)
            superseded = await _superseded(session, drafts, [tenant], now)
            left_out = await left_out_of(session, {each.period for each in drafts})
        await self._access_log.looked(actor, tenant_id, NOUN, purpose="business review")
        reviews = {**reviews, **{(each.tenant_id, each.period): each for each in drafts}}
        return account_of(tenant, settings, reviews, now, superseded=superseded, left_out=left_out)

    async def managers(self, actor: Actor) -> tuple[Person, ...]:
        """Who may look after an account, by name."""
        await self._gate.require(actor, Action.ALL_ACCOUNTS_READ, Resource.of_house("list of accounts"))
        async with self._storage.read(TenantScope(VENDOR_ID)) as session:
            people = await holders(session, VENDOR_ID, (Role.CSM,), (), self._storage.clock.now())
        return tuple(sorted(people, key=lambda each: each.name))

    async def set(self, command: SetAccount, actor: Actor) -> AccountSettings:
        """``NotFound`` for no customer; ``InvalidInput`` (csm) for nobody of the vendor's; ``Conflict``."""
        decision = await self._gate.require(actor, Action.ACCOUNT_SET, Resource(NOUN, command.tenant_id))
        manager = None if command.csm_id is KEPT else await self._manager(command.csm_id)
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            tenant = await find_tenant(session, command.tenant_id)
            if tenant is None or tenant.is_vendor:
                raise NotFound("tenant")
            before = await settings_of(session, command.tenant_id)
            kept = command.csm_id is KEPT
            settings = AccountSettings(
                command.tenant_id,
                before.csm_id if command.csm_id is KEPT else command.csm_id,
                before.csm_name if kept else manager,
                before.review_on if command.review_on is KEPT else command.review_on,
                before.lead if command.lead is KEPT else command.lead,
                before.revision + 1,
                session.clock.now(),
                actor.name,
                new_id(),
            )
            body = _json(settings)
            act = Act(
                kind=ReceiptKind.ACCOUNT_SET,
                tenant_id=command.tenant_id,
                actor=actor,
                at=session.clock.now() if settings.at is None else settings.at,
                subjects=(Subject(f"account/{command.tenant_id}", digest(body)),),
                predicate=body,
                policies=decision.policies,
                policy_version=decision.version,
            )
            await self._ledger.record(session, act, receipt_id=settings.receipt_id)
            await add_settings(session, settings, actor)
        return settings

    async def _manager(self, person_id: UUID | None) -> str | None:
        if person_id is None:
            return None
        async with self._storage.read(TenantScope(VENDOR_ID)) as session:
            person = await find_active_person(session, VENDOR_ID, person_id, self._storage.clock.now())
        if person is None:
            raise InvalidInput("choose somebody who works here", field="csm")
        return person.name


async def _drafts(
    session: ReadSession,
    accounts: Iterable[tuple[Tenant, AccountSettings]],
    reviews: Mapping[tuple[UUID, str], Qbr],
) -> list[Qbr]:
    """Those of the next reviews, with what stands in their way: of one that was gathered before that was kept, by its data."""
    found: list[Qbr] = []
    for tenant, settings in accounts:
        qbr = None if settings.quarter is None else reviews.get((tenant.id, settings.quarter))
        if qbr is None or qbr.issue is not None:
            continue
        if qbr.obstacles is None:
            _, snapshot = await find_qbr(session, tenant.id, qbr.id)
            end = parse_period(qbr.period, tenant.time_zone).end
            qbr = replace(qbr, obstacles=obstacles_of(sections_in(snapshot), end))
        found.append(qbr)
    return found


async def _superseded(
    session: ReadSession, drafts: Sequence[Qbr], customers: Iterable[Tenant], now: datetime
) -> frozenset[UUID]:
    """Which of the drafts rest on what was superseded since; in the staff scope.

    Those of which something moved are asked what their own pages say: so the list calls none superseded that is issued.
    """
    if not drafts:
        return frozenset()
    tenants = {each.id: each for each in customers}
    published = await published_of(session, {each.tenant_id for each in drafts})
    heads = await heads_changed_since(session, min(each.as_of for each in drafts) - _UNDER_WAY)
    zones = {each.id: each.time_zone for each in tenants.values()}
    found = superseded_among(drafts, published) | await of_another_format(session, drafts)
    reported = may_be_superseded(drafts, heads, zones, _UNDER_WAY)
    moved = await may_have_moved(session, drafts, tenants, _UNDER_WAY, now)
    asked = [each for each in drafts if each.id in (reported | moved) - found]
    told = {each.id for each in asked if await is_superseded(session, tenants[each.tenant_id], each, now)}
    return found | told


def _place(account: Account) -> tuple[str, str]:
    """By the day of the next review; those without one behind, by key."""
    return (account.settings.review_on or date.max).isoformat(), account.tenant.key


def _json(settings: AccountSettings) -> dict[str, Json]:
    return {
        "revision": str(settings.revision),
        "csm": None if settings.csm_id is None else str(settings.csm_id),
        "review_on": None if settings.review_on is None else settings.review_on.isoformat(),
        "lead_days": str(settings.lead.days),
    }
