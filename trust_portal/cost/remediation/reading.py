"""Runs and playbooks as people see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog, scope_of
from trust_portal.access.action import Action
from trust_portal.access.automation import Counted
from trust_portal.access.policy import Resource
from trust_portal.cost.anomalies.repository import get_anomaly
from trust_portal.cost.remediation import acts_repository, repository
from trust_portal.cost.remediation.equipment import Equipment
from trust_portal.cost.remediation.model import MOVING, Act, Run, RunFilter, RunState
from trust_portal.cost.remediation.playbooks import Playbook
from trust_portal.cost.remediation.switches_model import SwitchRevision, stopping
from trust_portal.cost.remediation.switches_repository import switch_revisions
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.kernel.page import Page, PageRequest
from trust_portal.storage.tenancy import StaffScope, TenantScope

_HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class CoolingDown:
    """A target that the playbook does not act on again before ``until``."""

    tenant_id: UUID
    target: Mapping[str, str]
    until: datetime


@dataclass(frozen=True, slots=True)
class PlaybookStanding:
    """A playbook, what it did, and how near it is to its limits. ``money`` in minor units by currency."""

    id: str
    playbook: Playbook
    runs: dict[RunState, int]
    actions: Counted
    money: dict[str, Counted]
    stopped_by: tuple[SwitchRevision, ...]
    cooling: tuple[CoolingDown, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """All playbooks, as the house has them: text and digest, and what all of them did this hour.

    ``taken_out``: those that are no longer among them and still have runs under way.
    """

    playbooks: tuple[PlaybookStanding, ...]
    actions: Counted
    text: str
    digest: str
    is_connected: bool
    taken_out: tuple[str, ...]


class RunReader:
    """What policy lets whom see: staff of every tenant, a customer of its own."""

    def __init__(self, equipment: Equipment, access_log: AccessLog) -> None:
        self._with = equipment
        self._access_log = access_log

    async def get(self, actor: Actor, tenant_id: UUID, run_id: UUID) -> Run:
        """``NotFound`` for one that is absent or of another tenant."""
        resource = Resource("playbook run", tenant_id, str(run_id))
        await self._with.gate.require(actor, Action.PLAYBOOK_READ, resource)
        async with self._with.storage.read(scope_of(actor, tenant_id)) as session:
            run = await repository.get_run(session, tenant_id, run_id)
        await self._access_log.looked(actor, tenant_id, "playbook run", str(run_id), "playbooks")
        return run

    async def over_since(self, actor: Actor, tenant_id: UUID, run_id: UUID) -> datetime | None:
        """When the anomaly that a run is for was closed; ``None`` while it goes on."""
        resource = Resource("playbook run", tenant_id, str(run_id))
        await self._with.gate.require(actor, Action.PLAYBOOK_READ, resource)
        async with self._with.storage.read(scope_of(actor, tenant_id)) as session:
            run = await repository.get_run(session, tenant_id, run_id)
            return (await get_anomaly(session, tenant_id, run.plan.anomaly)).closed_at

    async def page(self, actor: Actor, wanted: RunFilter, request: PageRequest) -> Page[Run]:
        """Newest first. Without a tenant in the filter: of every tenant, for staff."""
        scope: StaffScope | TenantScope = StaffScope()
        if wanted.tenant_id is None:
            await self._with.gate.require(actor, Action.ALL_PLAYBOOKS_READ, Resource.of_house("playbook run"))
        else:
            resource = Resource("playbook run", wanted.tenant_id)
            await self._with.gate.require(actor, Action.PLAYBOOK_READ, resource)
            scope = scope_of(actor, wanted.tenant_id)
        async with self._with.storage.read(scope) as session:
            page = await repository.runs_page(session, wanted, request)
        tenants = {each.tenant_id for each in page.items} | (
            {wanted.tenant_id} if wanted.tenant_id else set()
        )
        if actor.is_staff:
            await self._access_log.trace(actor, tenants, Access(Verb.READ, "playbook run", "", "playbooks"))
        elif wanted.tenant_id is not None:
            await self._access_log.looked(actor, wanted.tenant_id, "playbook run", purpose="playbooks")
        return page

    async def of_anomaly(self, actor: Actor, tenant_id: UUID, anomaly_id: UUID) -> tuple[Run, ...]:
        """The runs for one anomaly, newest first."""
        await self._with.gate.require(actor, Action.PLAYBOOK_READ, Resource("playbook run", tenant_id))
        async with self._with.storage.read(scope_of(actor, tenant_id)) as session:
            found = await repository.runs_of_anomaly(session, tenant_id, anomaly_id)
        await self._access_log.looked(actor, tenant_id, "anomaly", str(anomaly_id), "playbooks")
        return found

    async def standing(self, actor: Actor, tenant_id: UUID | None = None) -> Standing:
        """The playbooks with their limits and what they did, for staff.

        What is stopped and what cools down of one tenant; without one, what is stopped everywhere, and what
        cools down of any.
        """
        await self._with.gate.require(actor, Action.ALL_PLAYBOOKS_READ, Resource.of_house("playbooks"))
        now, playbooks = self._with.storage.clock.now(), self._with.playbooks
        longest = max((each.cool_down_minutes for each in playbooks.by_id.values()), default=0)
        places = {VENDOR_ID} if tenant_id is None else {VENDOR_ID, tenant_id}
        async with self._with.storage.read(StaffScope()) as session:
            states = await repository.count_states(session, RunFilter())
            switches = await switch_revisions(session, places)
            acts = await acts_repository.last_acts(session, now - longest * _MINUTE, tenant_id)
        found = []
        async with self._with.storage.coordinator.read(TenantScope(VENDOR_ID)) as session:
            for id_, playbook in playbooks.by_id.items():
                limits = playbook.limits
                found.append(
                    PlaybookStanding(
                        id=id_,
                        playbook=playbook,
                        runs={RunState(s): n for (name, s), n in states.items() if name == id_},
                        actions=Counted(
                            await acts_repository.count_actions(session, now - _HOUR, id_),
                            limits.actions_per_hour,
                        ),
                        money={
                            currency: Counted(
                                await acts_repository.money_of_actions(session, now, id_, currency),
                                limits.money(currency) or 0,
                            )
                            for currency in limits.money_per_day
                        },
                        stopped_by=stopping(switches, tenant_id or VENDOR_ID, id_),
                        cooling=_cooling(acts, id_, playbook.cool_down_minutes * _MINUTE, now),
                    )
                )
            done = await acts_repository.count_actions(session, now - _HOUR)
        named = {each.tenant_id for standing in found for each in standing.cooling}
        await self._access_log.trace(actor, named, Access(Verb.READ, "playbook run", "", "playbooks"))
        moving = {name for name, state in states if RunState(state) in MOVING}
        return Standing(
            playbooks=tuple(found),
            actions=Counted(done, playbooks.actions_per_hour),
            text=playbooks.text,
            digest=playbooks.digest,
            is_connected=self._with.client.is_connected,
            taken_out=tuple(sorted(moving - set(playbooks.by_id))),
        )


def _cooling(
    acts: Iterable[Act], playbook: str, cool_down: timedelta, now: datetime
) -> tuple[CoolingDown, ...]:
    return tuple(
        CoolingDown(each.tenant_id, each.target, each.at + cool_down)
        for each in acts
        if each.playbook == playbook and each.at + cool_down > now
    )
