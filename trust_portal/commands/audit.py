"""``trust-portal audit``: compute everything again that is stored as evidence."""

from __future__ import annotations

import sys
from collections.abc import Callable
from uuid import UUID

import click

from trust_portal.access.action import Action
from trust_portal.access.actors import CONSOLE
from trust_portal.access.policy import Resource
from trust_portal.commands.console import in_house, on_installation
from trust_portal.evidence.audit import AuditFinding, AuditTotals, audited_tenants
from trust_portal.evidence.audit import audit as run_audit
from trust_portal.evidence.reproduction import reproduce_all
from trust_portal.house import House
from trust_portal.kernel.ids import VENDOR_ID


@click.command("audit")
@on_installation
@click.option("--tenant", "key", help="Audit one tenant only; the vendor's own log is `vendor`.")
@click.option("--reproduce", is_flag=True, help="Also make every stored bundle once more and compare bytes.")
@click.option(
    "--record/--no-record",
    default=True,
    help="Leave in each log a receipt of what was computed again and found  [default: record].",
)
def audit(key: str | None, *, reproduce: bool, record: bool) -> None:
    """Hash every stored receipt again, verify every signature, rebuild every log, and find for every
    stored report the receipt it was issued by.

    The audit is put on record, which the control `receipts-audited` reads. --no-record writes nothing: for a
    restored backup, or a copy. With --reproduce each bundle is made again from the database, which takes about
    as long as making it took; one from another version or other keys comes out differently, and that is said.

    Findings are printed as they come up. Exits 0 when there are none, 1 otherwise.
    """
    found = 0

    def tell(finding: AuditFinding) -> None:
        nonlocal found
        found += 1
        click.echo(f"{finding.code}  tenant {finding.tenant_id}, {finding.where}: {finding.message}")
        click.echo(f"    next: {finding.next}")

    async def work(house: House) -> None:
        await house.gate.require(CONSOLE, Action.AUDIT_RUN, Resource.of_house("audit"))
        tenant_id = None
        if key == "vendor":
            tenant_id = VENDOR_ID
        elif key is not None:
            tenant_id = (await house.tenants.by_key(CONSOLE, key, purpose="audit of its evidence")).id
        totals = AuditTotals()
        if record:
            for each in (tenant_id,) if tenant_id else await audited_tenants(house.storage):
                await _on_record(house, each, totals, tell)
        else:
            async for finding in run_audit(house.storage, totals, tenant_id, house.auditors, house.vault):
                tell(finding)
        if reproduce:
            async for finding in reproduce_all(house.storage, house.exports, totals, tenant_id):
                tell(finding)
            click.echo(f"{totals.reproduced} bundles were made once more")
        click.echo(
            f"{totals.receipts} receipts, {totals.checkpoints} checkpoints and {totals.artefacts} bundles of "
            f"{totals.tenants} tenants computed again: {found or 'no'} finding{'' if found == 1 else 's'}"
        )

    in_house(work)
    sys.exit(1 if found else 0)


async def _on_record(
    house: House, tenant_id: UUID, totals: AuditTotals, tell: Callable[[AuditFinding], None]
) -> None:
    made = await house.receipt_audits.run(tenant_id, CONSOLE, tell)
    totals.tenants += 1
    totals.receipts += made.receipts
    totals.checkpoints += made.checkpoints
    totals.artefacts += made.artefacts
