"""Everything a report rests on, read at one moment.

One moment needs the tenant's rows and the vendor's (maintenance) in one transaction, which only the
staff scope sees; every query here names the tenant it is for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid5

from trust_portal.access.tenants.model import Tenant
from trust_portal.access.tenants.repository import find_tenant
from trust_portal.errors import NotFound, Refused
from trust_portal.facts.operations import read_maintenance
from trust_portal.facts.operations_model import MaintenanceWindow
from trust_portal.kernel.period import parse_period
from trust_portal.reliability.attainment.model import Exclusion, Samples
from trust_portal.reliability.contracts.in_force import change_within, in_force, last_end, length_of
from trust_portal.reliability.contracts.recording import recording
from trust_portal.reliability.contracts.repository import contract_versions
from trust_portal.reliability.contracts.version import ContractVersion
from trust_portal.reliability.crosscheck.model import SourceRevision
from trust_portal.reliability.crosscheck.repository import newest as newest_sources
from trust_portal.reliability.crosscheck.repository import source_revisions
from trust_portal.reliability.exclusions.model import StoredExclusion
from trust_portal.reliability.exclusions.repository import in_force as exclusions_in_force
from trust_portal.reliability.findings import Finding
from trust_portal.reliability.measured import read_samples
from trust_portal.reliability.reports.record import Head, StoredReport
from trust_portal.reliability.reports.repository import find_document, find_head, find_report
from trust_portal.storage.tenancy import StaffScope
from trust_portal.storage.unit_of_work import ReadSession, Storage

#: Name space (RFC 9562 §5.5) of receipts that are derived from what they attest, so each is recorded once.
_MAINTENANCE = UUID("6f6d2f0e-2a9b-5c39-9c5d-6a4c6c1f7a10")


@dataclass(frozen=True, slots=True)
class Window:
    """A maintenance window, or one agreed after the fact, with the id of the receipt that attests it.

    ``sha256`` is the digest of the event that announced it, or of the proposal that was approved.
    """

    exclusion: Exclusion
    receipt_id: UUID
    sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class ReportInputs:
    """What is calculated with, and where the period stood at the same moment.

    ``start`` and ``end`` span the periods of all SLAs; ``signed_document`` is the latest revision's.
    ``sources`` are where counts are cross-checked, by objective.
    ``attested`` is what the governing version's text cannot tell: when it was recorded, and that another
    follows it in the period.
    """

    tenant: Tenant
    version: ContractVersion
    start: datetime
    end: datetime
    measurements: Mapping[str, Samples]
    windows: tuple[Window, ...]
    head: Head | None
    newest: StoredReport | None
    signed: StoredReport | None
    signed_document: bytes | None
    attested: tuple[Finding, ...] = ()
    sources: Mapping[str, SourceRevision] = field(default_factory=dict)

    @property
    def attempts(self) -> int:
        return 0 if self.head is None else self.head.attempts


async def read_inputs(storage: Storage, tenant_id: UUID, label: str, now: datetime) -> ReportInputs:
    """The inputs of a tenant's period.

    Raises ``Refused`` with NO_CONTRACT where nothing is promised, and with PERIOD_NOT_OVER before the
    end in every time zone the contract speaks of.
    """
    async with storage.read(StaffScope(), snapshot=True) as session:
        tenant = await find_tenant(session, tenant_id)
        if tenant is None:
            raise NotFound("tenant")
        versions = await contract_versions(session, tenant_id)
        version = _governing(versions, label)
        change = change_within([each.contract for each in versions], version.contract, label)
        slas = [sla for sla in version.contract.slas if sla.period is length_of(label)]
        if not slas:
            raise Refused(
                f"the contract promises nothing by the {length_of(label)}", code="NO_CONTRACT", field="period"
            )
        end = last_end(version.contract, label)
        if now < end:
            raise Refused(
                f"{label} is not over: it ends at {end:%Y-%m-%d %H:%M} UTC",
                code="PERIOD_NOT_OVER",
                field="period",
            )
        start = min(parse_period(label, sla.time_zone).start for sla in slas)
        measurements = {}
        for sla in slas:
            period = parse_period(label, sla.time_zone)
            measurements[sla.objective] = await read_samples(
                session, tenant_id, sla, period.start, period.end
            )
        sources = {
            each.objective: each
            for each in newest_sources(await source_revisions(session, tenant_id)).values()
            if each.definition is not None
        }
        windows = await read_windows(session, tenant, label, start, end, measurements.keys())
        head = await find_head(session, tenant_id, label)
        newest = signed = document = None
        if head is not None and head.newest_id is not None:
            newest = await find_report(session, tenant_id, head.newest_id)
        if head is not None and head.signed_id is not None:
            signed = await find_report(session, tenant_id, head.signed_id)
            document = await find_document(session, tenant_id, head.signed_id)
    recorded = recording(versions, version, label)
    attested = (recorded,) if change is None else (change, recorded)
    return ReportInputs(
        tenant,
        version,
        start,
        end,
        measurements,
        windows,
        head,
        newest,
        signed,
        document,
        attested,
        sources,
    )


async def read_windows(
    session: ReadSession,
    tenant: Tenant,
    label: str,
    start: datetime,
    end: datetime,
    objectives: Collection[str],
) -> tuple[Window, ...]:
    """What may be excluded of [start, end) for ``objectives``: maintenance, and what was agreed after the fact."""
    announced = await read_maintenance(session, tenant.id, start, end)
    agreed = await exclusions_in_force(session, tenant.id, start, end)
    return windows_of(tenant, label, announced, agreed, objectives)


def windows_of(
    tenant: Tenant,
    label: str,
    announced: Sequence[MaintenanceWindow],
    agreed: Sequence[StoredExclusion],
    objectives: Collection[str],
) -> tuple[Window, ...]:
    """Of what was announced and agreed, that which concerns ``objectives``."""
    return (
        *(_window(tenant, label, each) for each in announced if _concerns(each.objectives, objectives)),
        *(_agreed(each) for each in agreed if _concerns(each.objectives, objectives)),
    )


def _concerns(named: Collection[str] | None, objectives: Collection[str]) -> bool:
    return named is None or bool(set(named) & set(objectives))


def _governing(versions: Sequence[ContractVersion], label: str) -> ContractVersion:
    contract = in_force([each.contract for each in versions], label)
    for version in versions:
        if version.contract is contract:
            return version
    raise Refused(f"no version of a contract is in force in {label}", code="NO_CONTRACT", field="period")


def _window(tenant: Tenant, label: str, window: MaintenanceWindow) -> Window:
    event = window.origin.digest.hex()
    receipt_id = uuid5(_MAINTENANCE, f"{tenant.id} {label} {window.key} {event}")
    return Window(
        Exclusion(
            window=window.key,
            start=window.start,
            end=window.end,
            announced_at=window.announced_at,
            reason=window.reason,
            objectives=window.objectives,
            receipts=(str(receipt_id),),
            recorded_at=window.origin.received_at,
            record_began_at=tenant.created_at,
        ),
        receipt_id,
        event,
    )


def _agreed(exclusion: StoredExclusion) -> Window:
    return Window(exclusion.as_exclusion(), exclusion.approved_by_receipt, exclusion.sha256)
