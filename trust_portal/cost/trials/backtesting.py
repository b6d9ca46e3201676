"""A detector is tried on the stored history beside the live one; what it came to is kept, with a receipt."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from trust_portal.access.access_log.model import Access, Verb
from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.cost.anomalies.flags_model import FlagBook
from trust_portal.cost.anomalies.flags_repository import flag_revisions
from trust_portal.cost.anomalies.model import Lane, Verdict
from trust_portal.cost.anomalies.replaying import History, read_history, replay_history
from trust_portal.cost.anomalies.watching import HOUR
from trust_portal.cost.detection.versions import Version, version_named
from trust_portal.cost.metering.calculation import hour_of
from trust_portal.cost.metering.model import SUBSYSTEMS, Series
from trust_portal.cost.trials.comparison import Find, Sum, compare
from trust_portal.cost.trials.model import MOST_TENANTS, BackTest, RunBackTest
from trust_portal.cost.trials.repository import (
    add_back_test,
    busiest_tenants,
    finds,
    get_back_test,
    newest_back_tests,
)
from trust_portal.errors import InvalidInput
from trust_portal.evidence.act import Act, Input
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage

_CENT = Decimal("0.01")
_SHOWN = 20


class BackTesting:
    """Runs back-tests of detectors and finds them again."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log

    async def run(self, command: RunBackTest, actor: Actor) -> BackTest:
        """Both detectors begin without memory, and see the same hours, budgets and thresholds of now.

        ``InvalidInput`` where there is no history, or the detector is the live one.
        """
        tenant_id, tried = command.tenant_id, version_named(command.detector)
        decision = await self._gate.require(
            actor, Action.DETECTOR_FLAG_SET, Resource.of_house("detector", command.detector)
        )
        now = self._storage.clock.now()
        end = hour_of(now) - HOUR
        start = end - timedelta(weeks=command.weeks)
        everybody = tenant_id == VENDOR_ID
        async with self._storage.read(StaffScope(), snapshot=True) as session:
            book = FlagBook(await flag_revisions(session, [tenant_id, VENDOR_ID]))
            live = book.detectors(tenant_id).live
            if live == tried:
                raise InvalidInput("this detector is live here already", field="detector")
            tenant_ids: tuple[UUID, ...] = (tenant_id,)
            there_are = 1
            if everybody:
                tenant_ids, there_are = await busiest_tenants(session, start, end, MOST_TENANTS)
            history = await read_history(session, tenant_ids, start, end, now)
            judged = await finds(session, None if everybody else tenant_id, Lane.LIVE, start, end)
        if not history.hours:
            raise InvalidInput("there is no usage in that time to try it on", field="weeks")
        looked_at = Access(Verb.READ, "cost", "", "back-test of a detector")
        await self._access_log.trace(actor, tenant_ids, looked_at)
        # Processor work of seconds for many tenants: other requests go on meanwhile.
        document, inputs = await asyncio.to_thread(
            _tried, history, live, tried, [(find, verdict) for find, verdict in judged if verdict is not None]
        )
        document |= {
            "scope": "every tenant" if everybody else "tenant",
            "weeks": str(command.weeks),
            "tenants": {"replayed": str(len(tenant_ids)), "with_usage": str(there_are)},
        }
        id_, said = new_id(), digest(document)
        async with self._storage.write(TenantScope(tenant_id)) as session:
            receipt = await self._ledger.record(
                session,
                Act(
                    kind=ReceiptKind.DETECTOR_BACKTESTED,
                    tenant_id=tenant_id,
                    actor=actor,
                    at=now,
                    subjects=(Subject(f"back-test/{id_}", said),),
                    predicate=document,
                    inputs=inputs,
                    policies=decision.policies,
                    policy_version=decision.version,
                ),
            )
            test = BackTest(
                id=id_,
                tenant_id=tenant_id,
                detector=str(tried.detector),
                live=str(live.detector),
                weeks=command.weeks,
                start=start + HOUR,
                end=end + HOUR,
                document=document,
                digest=said,
                ran_at=now,
                ran_by=actor.name,
                receipt_id=receipt.id,
            )
            await add_back_test(session, test, actor)
        return test

    async def newest(self, actor: Actor, tenant_id: UUID) -> tuple[BackTest, ...]:
        """The latest of a tenant, or at the vendor of all tenants together; newest first."""
        await self._gate.require(actor, Action.THRESHOLD_READ, Resource("back-tests", tenant_id))
        async with self._storage.read(StaffScope()) as session:
            found = await newest_back_tests(session, tenant_id, _SHOWN)
        await self._access_log.looked(actor, tenant_id, "back-tests", purpose="detection")
        return found

    async def get(self, actor: Actor, tenant_id: UUID, id_: UUID) -> BackTest:
        await self._gate.require(actor, Action.THRESHOLD_READ, Resource("back-test", tenant_id, id_))
        async with self._storage.read(StaffScope()) as session:
            found = await get_back_test(session, tenant_id, id_)
        await self._access_log.looked(actor, tenant_id, "back-test", str(id_), purpose="detection")
        return found


def _tried(
    history: History, live: Version, tried: Version, judged: Sequence[tuple[Find, str]]
) -> tuple[dict[str, Json], tuple[Input, ...]]:
    ours, theirs = (_finds(history, version) for version in (live, tried))
    compared = compare(ours, theirs)
    thresholds: list[Json] = [
        [str(each), name, {key: f"{value:g}" for key, value in asdict(held).items()}]
        for each in sorted(history.tenant_ids)
        for name in SUBSYSTEMS
        for held in [history.held(each, Series(name, ""))]
    ]
    document: dict[str, Json] = {
        "detector": str(tried.detector),
        "live": str(live.detector),
        "start": rfc3339(history.start + HOUR),
        "end": rfc3339(history.end + HOUR),
        "hours": str(history.hours),
        "found": {name: _sum(each) for name, each in compared.sums().items()},
        "judged": {
            verdict.value: {
                "on_record": str(len(known)),
                "live": str(len(compare(known, ours).both)),
                "shadow": str(len(compare(known, theirs).both)),
            }
            for verdict in Verdict
            for known in [[find for find, said in judged if said == verdict.value]]
        },
    }
    inputs = (Input("usage/hours", history.sha256()), Input("thresholds", digest(thresholds)))
    return document, inputs


def _finds(history: History, version: Version) -> list[Find]:
    return [
        Find(
            tenant_id,
            each.series,
            each.anomaly.direction,
            each.anomaly.start,
            each.last,
            Decimal(each.anomaly.excess).quantize(_CENT),
        )
        for tenant_id, sightings in replay_history(history, version).items()
        for each in sightings
    ]


def _sum(found: Sum) -> Mapping[str, Json]:
    return {
        "anomalies": str(found.anomalies),
        "excess": {currency: f"{amount:f}" for currency, amount in found.excess.items()},
    }
