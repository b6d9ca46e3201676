"""What a past period would have come to by other words: computed, shown, and never stored."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import Conflict, InvalidInput, NotFound
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.period import parse_period
from trust_portal.reliability.contracts.document import parse_contract
from trust_portal.reliability.contracts.in_force import in_force, last_end, length_of
from trust_portal.reliability.contracts.model import Contract
from trust_portal.reliability.contracts.repository import contract_versions
from trust_portal.reliability.measured import read_samples
from trust_portal.reliability.reports.assessment import Assessment, assess, widened
from trust_portal.reliability.reports.inputs import read_windows
from trust_portal.reliability.reports.repository import find_document, find_head
from trust_portal.storage.tenancy import StaffScope
from trust_portal.storage.unit_of_work import Storage

_MOST_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class AskWhatIf:
    """Query: ``period`` by the recorded ``version``, or by ``document`` (YAML) where one is given."""

    tenant_id: UUID
    period: str
    version: str | None = None
    document: str | None = None

    def __post_init__(self) -> None:
        if not self.version and not (self.document or "").strip():
            raise InvalidInput("choose a version, or write a document", field="version")
        if self.document and len(self.document.encode()) > _MOST_BYTES:
            raise InvalidInput("a contract is shorter than that", field="document")


@dataclass(frozen=True, slots=True)
class WhatIf:
    """``signed`` is the body of the period's latest signed report, beside which it is to be read."""

    label: str
    assessment: Assessment
    signed: Mapping[str, Any] | None


class WhatIfs:
    """Answers by the calculation of a report, from what is measured and excluded today."""

    def __init__(self, storage: Storage, gate: Gate, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._access_log = access_log

    async def may_ask(self, actor: Actor, tenant_id: UUID) -> None:
        """Raises ``Denied``."""
        await self._gate.require(actor, Action.CONTRACT_PREVIEW, Resource("contract", tenant_id))

    async def ask(self, query: AskWhatIf, actor: Actor) -> WhatIf:
        """The period by other words, as if they had been in force for as long as those that were.

        Raises ``Unusable`` for a document that is refused, ``InvalidInput``, ``NotFound``, and
        ``Conflict`` (PERIOD_NOT_OVER).
        """
        tenant_id = query.tenant_id
        await self.may_ask(actor, tenant_id)
        parse_period(query.period, "UTC")
        text = (query.document or "").strip()
        draft = parse_contract(text) if text else None
        async with self._storage.read(StaffScope(), snapshot=True) as session:
            tenant = await find_tenant(session, tenant_id)
            if tenant is None:
                raise NotFound("tenant")
            recorded = [each.contract for each in await contract_versions(session, tenant_id)]
            words = draft or next((each for each in recorded if each.version == query.version), None)
            if words is None:
                raise NotFound("contract", field="version")
            if words.tenant != tenant.key:
                raise InvalidInput(
                    f"it is a contract of {words.tenant}, not of {tenant.key}", field="document"
                )
            contract = _as_if(words, in_force(recorded, query.period))
            label, notes = widened(contract, query.period)
            if self._storage.clock.now() < last_end(contract, label):
                raise Conflict(f"{label} is not over", code="PERIOD_NOT_OVER", field="period")
            measurements = {}
            for sla in (each for each in contract.slas if each.period is length_of(label)):
                period = parse_period(label, sla.time_zone)
                measurements[sla.objective] = await read_samples(
                    session, tenant_id, sla, period.start, period.end
                )
            span = parse_period(label, contract.slas[0].time_zone)
            windows = await read_windows(session, tenant, label, span.start, span.end, measurements.keys())
            head = await find_head(session, tenant_id, label)
            signed = None
            if head is not None and head.signed_id is not None:
                signed = json.loads(await find_document(session, tenant_id, head.signed_id))
        exclusions = [each.exclusion for each in windows]
        assessment = await asyncio.to_thread(assess, contract, measurements, exclusions, label, further=notes)
        await self._access_log.looked(actor, tenant_id, "contract preview", purpose="reliability")
        return WhatIf(label, assessment, signed)


def _as_if(words: Contract, held: Contract | None) -> Contract:
    """In force for as long as what was in force then; for the whole period where nothing was."""
    return replace(
        words,
        effective_from=None if held is None else held.effective_from,
        effective_to=None if held is None else held.effective_to,
    )
