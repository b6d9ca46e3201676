"""The forecast: switched by somebody with a reason, and shown to those of the vendor who may see it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import NotFound
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.period import month_label, quarter_label, zone
from trust_portal.reliability.attainment.model import Exclusion, Samples
from trust_portal.reliability.contracts.in_force import in_force, length_of, period_of
from trust_portal.reliability.contracts.model import Contract, PeriodLength
from trust_portal.reliability.contracts.repository import contract_versions
from trust_portal.reliability.forecast.assembling import forecast, reach_of
from trust_portal.reliability.forecast.model import FLAG, NOUN, FlagRevision, Forecast, SetForecast
from trust_portal.reliability.forecast.repository import add_flag, flag_revisions
from trust_portal.reliability.measured import read_samples
from trust_portal.reliability.reports.inputs import read_windows
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage

_VENDOR = TenantScope(VENDOR_ID)


class Forecasts:
    """Off until somebody turns it on. It signs nothing and promises nothing, and no customer sees it."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log

    async def set(self, command: SetForecast, actor: Actor) -> FlagRevision:
        """Switch it for all tenants. As it stands already, nothing new is made."""
        decision = await self._gate.require(
            actor, Action.CREDIT_FORECAST_SET, Resource.of_house("flag", FLAG)
        )
        async with self._storage.write(_VENDOR) as session:
            revisions = await flag_revisions(session)
            if revisions and revisions[-1].enabled == command.enabled:
                return revisions[-1]
            number, now = len(revisions) + 1, session.clock.now()
            flag = FlagRevision(number, command.enabled, command.reason, now, actor.id, actor.name, new_id())
            result: dict[str, Json] = {"flag": FLAG, "revision": str(number), "enabled": command.enabled}
            await self._ledger.record(
                session,
                Act(
                    kind=ReceiptKind.FLAG_CHANGED,
                    tenant_id=VENDOR_ID,
                    actor=actor,
                    at=now,
                    subjects=(Subject(f"flag/{FLAG}/{number}", digest(result)),),
                    predicate=result,
                    policies=decision.policies,
                    policy_version=decision.version,
                    rationale=command.reason,
                ),
                receipt_id=flag.receipt_id,
            )
            await add_flag(session, flag)
        return flag

    async def flag(self, actor: Actor) -> FlagRevision | None:
        """How it stands; ``None``: nobody has ever switched it, and it is off. For staff."""
        await self._gate.require(actor, Action.ALL_CREDITS_READ, Resource.of_house("flag", FLAG))
        return await self._flag()

    async def of_tenant(self, actor: Actor, tenant_id: UUID) -> Forecast | None:
        """Of the running month, or quarter where the contract promises by the quarter only.

        ``None`` while the flag is off, and where nothing is promised. Raises ``Denied``.
        """
        await self._gate.require(actor, Action.CREDIT_FORECAST_READ, Resource(NOUN, tenant_id))
        flag = await self._flag()
        if flag is None or not flag.enabled:
            return None
        now = self._storage.clock.now()
        async with self._storage.read(StaffScope(), snapshot=True) as session:
            tenant = await find_tenant(session, tenant_id)
            if tenant is None:
                raise NotFound("tenant")
            versions = [each.contract for each in await contract_versions(session, tenant_id)]
            found = _running(versions, now)
            if found is None:
                return None
            label, contract = found
            measurements: dict[tuple[str, str], Samples] = {}
            windows: list[Exclusion] = []
            for sla in (each for each in contract.slas if each.period is length_of(label)):
                reach = reach_of(contract, sla, label, now)
                for period in {each.label: each for each in (*reach.months, reach.period)}.values():
                    measurements[sla.objective, period.label] = await read_samples(
                        session, tenant_id, sla, period.start, min(period.end, reach.until)
                    )
                first = min(reach.months[0].start, reach.period.start)
                read = await read_windows(session, tenant, label, first, reach.until, {sla.objective})
                windows += [each.exclusion for each in read]
        once = list(dict.fromkeys(windows))
        made = await asyncio.to_thread(forecast, contract, label, now, measurements, once)
        await self._access_log.looked(actor, tenant_id, NOUN, purpose="reliability")
        return made

    async def _flag(self) -> FlagRevision | None:
        async with self._storage.read(_VENDOR) as session:
            revisions = await flag_revisions(session)
        return revisions[-1] if revisions else None


def _running(versions: Sequence[Contract], now: datetime) -> tuple[str, Contract] | None:
    """The period that runs now with its contract: the month, or the quarter where no month is promised.

    Whose month it is, the contract says that governs it: by the clock of its first such promise.
    """
    for length in (PeriodLength.MONTH, PeriodLength.QUARTER):
        zones = {sla.time_zone for each in versions for sla in each.slas if sla.period is length}
        for label in sorted({_label(length, now, name) for name in zones}):
            contract = in_force(versions, label)
            if (
                contract is not None
                and any(sla.period is length for sla in contract.slas)
                and label == _label(length, now, period_of(contract, label).time_zone)
            ):
                return label, contract
    return None


def _label(length: PeriodLength, now: datetime, time_zone: str) -> str:
    local = now.astimezone(zone(time_zone))
    return month_label(local) if length is PeriodLength.MONTH else quarter_label(local)
