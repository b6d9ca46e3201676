"""Two SLA bundles as customers download them, made by the product's own services on real servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from evidence_sample import Log

from trust_portal.access.actors import CONSOLE
from trust_portal.access.tenants.model import CreateTenant
from trust_portal.access.tokens.model import Admission, Bounds
from trust_portal.evidence import bundle
from trust_portal.evidence.dsse import Envelope, sign_envelope
from trust_portal.evidence.export_rows import list_exports
from trust_portal.evidence.keyring import Keyring
from trust_portal.evidence.manifest import (
    CONSISTENCY,
    MANIFEST,
    MANIFEST_PROOF,
    Manifest,
    is_proof,
    manifest_subjects,
    proof_name,
)
from trust_portal.evidence.sequencer import run_sequencer
from trust_portal.evidence.statement import ReceiptKind, Statement, Subject
from trust_portal.facts.framing import lines
from trust_portal.house import House, build_house
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.clock import ManualClock, rfc3339
from trust_portal.kernel.page import PageRequest
from trust_portal.reliability.contracts.service import ImportContracts
from trust_portal.reliability.reports.service import IssueReport
from trust_portal.settings import Settings
from trust_portal.storage.tenancy import TenantScope

_NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
_LAST_DAY = datetime(2026, 6, 30, tzinfo=UTC)
_CONTRACT = """\
tenant: acme
version: "2026.1"
effective_from: 2026-06-30T00:00:00Z
currency: EUR
fee: "1000.00"
exclusions: {notice_hours: 24}
slas:
  - objective: api
    target: "99.9"
    denominator: subscribed
    tiers:
      - {from: "99.0", to: "99.9", credit_percent: "10"}
      - {to: "99.0", credit_percent: "25"}
"""


@dataclass(frozen=True)
class SlaBundles:
    """Revision 1 and the restatement that followed it, each also as it was made a second time."""

    older: bytes
    newer: bytes
    older_again: bytes
    newer_again: bytes
    keyring: Keyring

    @property
    def files(self) -> dict[str, bytes]:
        return dict(bundle.read(self.newer).files)


async def make_sla_bundles(database_url: str, redis_url: str, folder: Path) -> SlaBundles:
    """Ten minutes down, four of them in announced maintenance; then a minute is corrected."""
    settings = Settings(
        database_url=database_url,
        redis_url=redis_url,
        key_file=folder / "keys.json",
        base_url="https://trust.example",
        vendor_name="Vendor Ltd",
        ingest_events_per_minute=10_000_000,
    )
    house = build_house(settings, ManualClock(_NOW))
    stop = asyncio.Event()
    sequencer = asyncio.create_task(
        run_sequencer(house.storage, house.keyring, stop, host=house.settings.host)
    )
    try:
        tenant = await house.tenants.create(
            CreateTenant("acme", "Acme GmbH", onboarded_at=_LAST_DAY), CONSOLE
        )
        await house.contracts.import_file(ImportContracts(_CONTRACT.encode()), CONSOLE)
        await _deliver(house, [_minute(n, 0 if 600 <= n < 610 else 100) for n in range(1440)])
        await _deliver(house, [_maintenance()])
        older = await _issue(house, tenant.id, None)
        await _deliver(house, [_minute(700, 0, id="better", correction_of="m-700")])
        newer = await _issue(house, tenant.id, "a minute was corrected")
        return SlaBundles(older[0], newer[0], older[1], newer[1], house.keyring)
    finally:
        stop.set()
        await sequencer
        await house.close()


async def _issue(house: House, tenant_id, reason: str | None) -> tuple[bytes, bytes]:
    report = await house.reports.issue(IssueReport(tenant_id, "2026-06", reason), CONSOLE)
    async with house.storage.read(TenantScope(tenant_id)) as session:
        page = await list_exports(session, tenant_id, PageRequest(10))
    (export,) = [each for each in page.items if each.subject_id == report.id]
    built = await house.exports.build(tenant_id, export.id)
    async with house.storage.read(TenantScope(tenant_id)) as session:
        artefact = await house.exports.artefact(session, tenant_id, built.id)
    return artefact.content, await house.exports.reproduce(tenant_id, built.id)


async def _deliver(house: House, events: list[dict[str, object]]) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"\n".join(json.dumps(each).encode() for each in events)

    outcome = await house.intake.deliver(lines(parts()), Admission(CONSOLE, Bounds(sources=("*",))))
    assert outcome.rejected_count == 0, outcome.rejected


def _minute(number: int, good: int, id: str | None = None, **more: str) -> dict[str, object]:
    data = {"tenant": "acme", "objective": "api", "total": 100, "good": good, **more}
    return _event("sli.measured", id or f"m-{number}", _LAST_DAY + timedelta(minutes=number), data)


def _maintenance() -> dict[str, object]:
    start = _LAST_DAY + timedelta(hours=10)
    announced = start - timedelta(days=2)
    data = {
        "window": "mw-1",
        "start": rfc3339(start),
        "end": rfc3339(start + timedelta(minutes=4)),
        "announced_at": rfc3339(announced),
        "reason": "database upgrade",
    }
    return _event("maintenance.scheduled", "mw-1", announced, data)


def _event(kind: str, id: str, at: datetime, data: dict[str, object]) -> dict[str, object]:
    frame = {"specversion": "1.0", "type": f"trustportal.{kind}.v1", "source": "//test", "id": id}
    return {**frame, "time": rfc3339(at), "data": data}


def signed_again(files: dict[str, bytes], keyring: Keyring) -> tuple[dict[str, bytes], Log]:
    """What a vendor that lies would publish: the files as they are now, signed and logged by its own keys.

    Nothing cryptographic is wrong with it. Its log is another one (``evidence_sample.ORIGIN``).
    """
    log = Log(receipts=keyring.receipts, checkpoints=keyring.checkpoints)
    content = {name: data for name, data in files.items() if not is_proof(name)}
    places: dict[str, int] = {}
    receipts = {
        name: Statement.parse(Envelope.parse(content[name]).payload)
        for name in sorted(each for each in content if each.endswith(".dsse.json"))
    }
    # Ids follow time: of several receipts for a file of that name, the last is for this one.
    last = {subject.name: name for name, statement in receipts.items() for subject in statement.subjects}
    for name, statement in receipts.items():
        subjects = tuple(
            Subject(each.name, sha256_hex(content[each.name]))
            if each.name in content and last[each.name] == name
            else each
            for each in statement.subjects
        )
        again = Statement(subjects, statement.predicate_type, statement.predicate)
        content[name], places[name] = log.append(sign_envelope(again.canonical(), log.receipts))
    signed = Statement.parse(Envelope.parse(files[MANIFEST]).payload)
    stated = Manifest.of(signed)
    manifest = Manifest(stated.kind, stated.tenant, stated.period, None)
    envelope, index = log.record(
        ReceiptKind.EXPORT_MANIFEST,
        manifest_subjects(content),
        manifest.result(),
        str(signed.predicate["tenant"]),
    )
    note = log.head()
    content |= {proof_name(name): str(log.proof(place, note)).encode() for name, place in places.items()}
    content |= {MANIFEST: envelope.to_json(), MANIFEST_PROOF: str(log.proof(index, note)).encode()}
    assert CONSISTENCY not in content
    return content, log
