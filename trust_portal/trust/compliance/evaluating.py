"""All controls of one party, each from its facts, at one moment."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from trust_portal.errors import Broken
from trust_portal.kernel.canonical import digest
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.compliance import facts_repository as read
from trust_portal.trust.compliance.document import result_of
from trust_portal.trust.compliance.facts import Facts
from trust_portal.trust.compliance.judging import (
    judge_audit,
    judge_coverage,
    judge_dual_control,
    judge_emergencies,
    judge_keys,
    judge_reports,
    judge_roles,
)
from trust_portal.trust.compliance.model import Catalogue, Control, Judgment, Party, Result


async def judge_all(
    session: ReadSession, catalogue: Catalogue, tenant_id: UUID, now: datetime
) -> tuple[Result, ...]:
    """The controls of the vendor, or of a customer by itself. In the staff scope."""
    party = Party.HOUSE if tenant_id == VENDOR_ID else Party.TENANT
    results = []
    for control in catalogue.of(party):
        facts, judgment = await _judge(session, control, tenant_id, now)
        results.append(result_of(control, party, judgment, now, digest(msgspec.to_builtins(facts))))
    return tuple(results)


async def _judge(
    session: ReadSession, control: Control, tenant_id: UUID, now: datetime
) -> tuple[Facts, Judgment]:
    within = control.within
    whose = None if tenant_id == VENDOR_ID else tenant_id
    match control.id:
        case "access-review":
            roles = await read.read_roles(session, tenant_id, now)
            return roles, judge_roles(roles, within, now)
        case "dual-control":
            acts = await read.read_dual_control(session, tenant_id, now - within)
            return acts, judge_dual_control(acts)
        case "emergency-access":
            emergencies = await read.read_emergencies(session, whose)
            return emergencies, judge_emergencies(emergencies, within, now)
        case "key-rotation":
            keys = await read.read_keys(session)
            return keys, judge_keys(keys, within, now)
        case "postmortem-coverage":
            lines = await read.read_coverage(session, whose)
            return lines, judge_coverage(lines, within, now)
        case "receipts-audited":
            audit = await read.read_audit(session, tenant_id)
            return audit, judge_audit(audit, within, now)
        case "sla-reports":
            reports = await read.read_reports(session, whose, now)
            return reports, judge_reports(reports, within, now)
        case _:
            raise Broken(f"nothing judges the control {control.id!r}", code="BAD_CATALOGUE")
